"""A model server, ready to be asked in the place of the model on this workstation."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from ...model_server import ModelServer
from ...reasoning.bundles.bundle import read_manifest
from ...reasoning.remote.client import RemoteClient
from ...reasoning.request import Event
from ..secret import secret_of
from .endpoint import ChatEndpoint


def remote_client(server: ModelServer, bundle: Path) -> Callable[[Callable[[Event], None]], RemoteClient]:
    """What makes a client of the server, given what takes its events.

    Parameters
    ----------
    bundle : Path
        Its manifest tells how the model is asked; the folder need hold nothing else.

    Raises
    ------
    BundleError
        If there is no manifest that can be used.
    """
    return partial(RemoteClient, ChatEndpoint(server, secret_of), read_manifest(bundle))
