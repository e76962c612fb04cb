"""``medreason models server``, and the options with which ``medreason explain`` asks one."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path
from typing import Any

from .. import settings as settings_file
from ..cancel import Cancel
from ..errors import NetworkError, SettingsError
from ..model_server import ModelServer
from ..network.chat.endpoint import ChatEndpoint
from ..network.secret import forget_secret, keep_secret, secret_of
from ..reasoning.bundles.bundle import DEMO_BUNDLE, read_manifest
from ..reasoning.remote.model import advised, find_model
from ..settings import Settings
from . import DONE
from .archives import secret_from_user, stored_settings
from .output import print_json, say, show

NO_SERVER = "No model server is set: medreason models server use URL."


def add_asking(parser: argparse.ArgumentParser) -> None:
    """The options of a command that may ask a model server."""
    parser.add_argument("--server", metavar="URL", help="ask a model server (OpenAI protocol) instead")
    parser.add_argument("--server-model", metavar="NAME", help="which of its models or adapters")
    parser.add_argument("--server-ca", metavar="PEM", help="whom to trust instead of the system's list")
    parser.add_argument("--local", action="store_true", help="not the server that is set: this workstation")


def asked_server(args: argparse.Namespace, settings: Settings) -> ModelServer | None:
    """The model server to ask: the one that was named, else the one in use; None for this workstation.

    Raises
    ------
    SettingsError
        If options contradict each other, or the address is none.
    """
    if args.server is None and (args.server_model or args.server_ca):
        raise SettingsError("--server-model and --server-ca belong to --server.")
    if args.local or (args.server is None and args.model is not None):
        if args.server is not None:
            raise SettingsError("Either --local or --server.")
        return None
    if args.server is None:
        return settings.model_server if settings.model_server.in_use else None
    known = settings.model_server if settings.model_server.url == args.server else ModelServer()
    changed = {"model": args.server_model, "ca_file": args.server_ca}
    given = {name: value for name, value in changed.items() if value is not None}
    return dataclasses.replace(known, on=True, url=args.server, **given)


def server_bundle(server: ModelServer, settings: Settings, given: Path | None = None) -> Path:
    """The folder whose manifest tells how the server's model is asked."""
    return given or Path(server.bundle or settings.model_bundle or DEMO_BUNDLE)


def add_server(parser: argparse.ArgumentParser) -> None:
    """``models server`` and its actions."""
    actions = parser.add_subparsers(dest="server_action", required=True, metavar="ACTION")
    showing = actions.add_parser("show", help="the model server that is set")
    showing.add_argument("--json", action="store_true", help="one JSON document on standard output")
    showing.set_defaults(act=_show)
    _add_using(actions.add_parser("use", help="explain on a model server from now on"))
    testing = actions.add_parser("test", help="ask the server for its models, and whether it scales images")
    testing.add_argument("url", nargs="?", metavar="URL", help="another than the one that is set")
    testing.set_defaults(act=_test)
    token = actions.add_parser("token", help="keep the server's token in the system's keyring")
    token.set_defaults(act=_token)
    off = actions.add_parser("off", help="explain on this workstation again; the token is forgotten")
    off.set_defaults(act=_off)


def _add_using(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("url", metavar="URL", help="such as https://gpu.example:8000/v1")
    parser.add_argument(
        "--name", dest="model", metavar="MODEL", help="its name on the server; or an adapter's"
    )
    parser.add_argument("--bundle", metavar="DIR", help="whose manifest tells how that model is asked")
    parser.add_argument("--ca", dest="ca_file", metavar="PEM", help="whom to trust")
    parser.add_argument("--certificate", dest="certificate_file", metavar="PEM", help="our own certificate")
    parser.add_argument("--key", dest="key_file", metavar="PEM", help="its key, without a password")
    parser.add_argument(
        "--proxy", metavar="URL", help="an HTTP proxy on the way (the environment's is not used)"
    )
    parser.add_argument(
        "--token", dest="login", action="store_const", const="bearer", help="it wants a token (asked for now)"
    )
    parser.set_defaults(act=_use)


def _show(args: argparse.Namespace) -> int:
    server = stored_settings().model_server
    if args.json:
        print_json({"model_server": dataclasses.asdict(server) | {"in_use": server.in_use}})
    elif not server.url:
        say(NO_SERVER)
    else:
        state = "in use" if server.in_use else "not in use"
        show(f"{server.url}: {server.model or 'its only model'}, {state}.")
    return DONE


def _use(args: argparse.Namespace) -> int:
    known = {field.name for field in dataclasses.fields(ModelServer)}
    given: dict[str, Any] = {name: value for name, value in vars(args).items() if name in known and value}
    server = ModelServer(**given, on=True, agreed=args.url)
    settings = stored_settings()
    read_manifest(server_bundle(server, settings))
    if server.login == "bearer":
        keep_secret(server, secret_from_user(server))
    _find(server, settings)
    _save(settings, server)
    say(server.leaving)
    show(f"{server.name} is used from now on.")
    return DONE


def _test(args: argparse.Namespace) -> int:
    settings = stored_settings()
    server = settings.model_server if args.url is None else ModelServer(url=args.url)
    if not server.url:
        raise SettingsError(NO_SERVER)
    _find(server, settings)
    return DONE


def _find(server: ModelServer, settings: Settings) -> None:
    """Look what the server has, and say it."""
    manifest = read_manifest(server_bundle(server, settings))
    try:
        found = find_model(ChatEndpoint(server, secret_of), manifest, Cancel())
    except NetworkError as error:
        raise NetworkError(advised(error)) from error
    show(found.sentence)


def _token(args: argparse.Namespace) -> int:
    settings = stored_settings()
    server = settings.model_server
    if not server.url:
        raise SettingsError(NO_SERVER)
    server = dataclasses.replace(server, login="bearer")
    keep_secret(server, secret_from_user(server))
    _save(settings, server)
    return DONE


def _off(args: argparse.Namespace) -> int:
    settings = stored_settings()
    if settings.model_server.login == "bearer":
        forget_secret(settings.model_server)
    _save(settings, dataclasses.replace(settings.model_server, on=False, login="none", agreed=""))
    show("Regions are explained on this workstation.")
    return DONE


def _save(settings: Settings, server: ModelServer) -> None:
    settings_file.save(dataclasses.replace(settings, model_server=server), settings_file.default_path())
