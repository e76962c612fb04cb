"""Plug-ins on the command line: which are used, and how one is named."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TypeVar

from ..errors import PluginError
from ..plugins import Installed, Plugin, installed
from .output import say

T = TypeVar("T")


def add_plugins(parser: argparse.ArgumentParser) -> None:
    """The argument that leaves them out."""
    parser.add_argument("--no-plugins", action="store_true", help="leave installed plug-ins out")


def plugins_of(args: argparse.Namespace) -> Installed:
    """Those to use; says which are left out, and why."""
    found = Installed() if args.no_plugins else installed()
    for sentence in found.left_out:
        say(sentence)
    return found


def named(name: str, plugins: Sequence[Plugin[T]], what: str) -> Plugin[T]:
    """The plug-in of that name; where several packages bring one, ``PACKAGE:NAME`` says which.

    Parameters
    ----------
    what : str
        What is looked for, such as ``explainer``.

    Raises
    ------
    PluginError
        If there is none, or several; says which there are.
    """
    found = [plugin for plugin in plugins if name in names_of(plugin)]
    if len(found) == 1:
        return found[0]
    there = ", ".join(plugin.label for plugin in found or plugins) or "none"
    if found:
        raise PluginError(f"Several plug-ins bring an {what} named {name}: say PACKAGE:{name} ({there}).")
    raise PluginError(f"No plug-in here brings an {what} named {name} ({what}s here: {there}).")


def names_of(plugin: Plugin[T]) -> tuple[str, str]:
    """By what it may be named."""
    return plugin.name, f"{plugin.package}:{plugin.name}"
