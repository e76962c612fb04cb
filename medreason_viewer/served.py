"""The window on a model server, and back on this workstation: wired apart from the rest of the window."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from .errors import BundleError
from .model_server import ModelServer
from .network.chat.client import remote_client
from .reasoning.bundles.bundle import read_manifest
from .reasoning.remote.model import remote_info
from .ui.model_server.desk import ModelServerDesk
from .workplace import Workplace


def offer_servers(place: Workplace, settings: Path) -> ModelServerDesk:
    """Let the reader turn to a model server; nothing is asked before its ``start``.

    Parameters
    ----------
    settings : Path
        The file where the server is set.
    """
    servers = ModelServerDesk(place.window, settings)
    servers.chosen.connect(partial(_explain_there, place))
    servers.left.connect(place.window.model_chosen)
    return servers


def _explain_there(place: Workplace, server: ModelServer, bundle: Path) -> None:
    """Explain on a model server, asked as the bundle's manifest tells."""
    try:
        make_client, manifest = remote_client(server, bundle), read_manifest(bundle)
    except BundleError as error:
        place.session.message.emit(str(error))
        return
    place.explainer.use(make_client)
    place.model_bar.show_known(remote_info(server.model or manifest.name, server.name, manifest))
    place.explainer.start()
    if place.findings is not None:
        place.findings.offer_answers(bundle)
