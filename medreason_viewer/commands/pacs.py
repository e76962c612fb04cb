"""``medreason pacs``: the archives that are set."""

from __future__ import annotations

import argparse
import dataclasses

from .. import settings as settings_file
from ..cancel import Cancel
from ..network.open_archive import open_archive
from ..network.secret import forget_secret, keep_secret
from ..server_tables import entry_table
from ..servers import Server
from ..settings import Settings
from . import DONE
from .archives import NO_ARCHIVE, add_server, chosen_server, secret_from_user, stored_settings
from .output import print_json, say, show


def add(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="the archives that are set")
    listing.add_argument("--json", action="store_true", help="one JSON document on standard output")
    listing.set_defaults(act=_list)
    _add_adding(actions.add_parser("add", help="set an archive, or set it anew"))
    removing = actions.add_parser("remove", help="forget an archive and its password")
    removing.add_argument("name")
    removing.set_defaults(act=_remove)
    asking = actions.add_parser("echo", help="ask whether an archive answers")
    add_server(asking)
    asking.set_defaults(act=_echo)
    secret = actions.add_parser("secret", help="keep a password or token in the system's keyring")
    add_server(secret)
    secret.set_defaults(act=_secret)


def run(args: argparse.Namespace) -> int:
    """Do what was asked."""
    return int(args.act(args))


def _add_adding(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", help="what you call it")
    parser.add_argument("--url", help="DICOMweb: https://pacs.example/dicom-web")
    parser.add_argument("--login", choices=("none", "basic", "bearer"), help="DICOMweb: how to log in")
    parser.add_argument("--user", help="DICOMweb: for basic authentication")
    parser.add_argument("--host", help="DIMSE: name or address")
    parser.add_argument("--port", type=int, help="DIMSE: 104 if not given")
    parser.add_argument("--called", dest="called_ae", metavar="AE", help="DIMSE: AE title of the archive")
    parser.add_argument("--calling", dest="calling_ae", metavar="AE", help="DIMSE: our own AE title")
    parser.add_argument("--retrieve-by", choices=("get", "move"), help="DIMSE: C-GET or C-MOVE")
    parser.add_argument("--tls", action="store_true", default=None, help="DIMSE over TLS")
    parser.add_argument(
        "--ca", dest="ca_file", metavar="PEM", help="whom to trust instead of the system's list"
    )
    parser.add_argument("--certificate", dest="certificate_file", metavar="PEM", help="our own certificate")
    parser.add_argument("--key", dest="key_file", metavar="PEM", help="its key, without a password")
    parser.set_defaults(act=_add)


def _add(args: argparse.Namespace) -> int:
    known = {field.name for field in dataclasses.fields(Server)}
    given = {name: value for name, value in vars(args).items() if name in known and value is not None}
    server = Server(**given, kind="dicomweb" if args.url else "dimse")
    settings = stored_settings()
    others = tuple(each for each in settings.pacs if each.name != server.name)
    _save(settings, (*others, server))
    show(f"{server.name} is set.")
    if server.login != "none":
        keep_secret(server, secret_from_user(server))
    return DONE


def _remove(args: argparse.Namespace) -> int:
    settings = stored_settings()
    server = settings.server(args.name)
    if server.login != "none":
        forget_secret(server)
    _save(settings, tuple(each for each in settings.pacs if each != server))
    return DONE


def _list(args: argparse.Namespace) -> int:
    servers = stored_settings().pacs
    if args.json:
        print_json({"servers": [entry_table(server) | {"kind": server.kind} for server in servers]})
        return DONE
    if not servers:
        say(NO_ARCHIVE)
    for server in servers:
        where = server.url or f"{server.called_ae} at {server.host}, port {server.port}"
        show(f"{server.name}: {where}{' over TLS' if server.tls else ''}")
    return DONE


def _echo(args: argparse.Namespace) -> int:
    settings = stored_settings()
    server = chosen_server(settings, args.server)
    open_archive(server, settings.receiver).echo(Cancel())
    show(f"{server.name} answers.")
    return DONE


def _secret(args: argparse.Namespace) -> int:
    server = chosen_server(stored_settings(), args.server)
    keep_secret(server, secret_from_user(server))
    return DONE


def _save(settings: Settings, servers: tuple[Server, ...]) -> None:
    settings_file.save(dataclasses.replace(settings, pacs=servers), settings_file.default_path())
