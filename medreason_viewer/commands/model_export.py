"""``medreason models export``: a folder for a hospital's GPU server, and the commands that serve it."""

from __future__ import annotations

import argparse
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ..errors import BundleError
from . import DONE
from .output import print_json, say, show

if TYPE_CHECKING:
    from ..reasoning.engine.export import Exported

_NO_AWQ: Final = (
    "AWQ is not written: it takes a calibration on a GPU by a library (AutoAWQ) that is no longer kept and "
    "does not know this program's transformers. Use --to compressed-tensors: vLLM reads both."
)


def add_export(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.add_argument("bundle", type=Path, help="a model folder that is not quantised yet")
    parser.add_argument(
        "--to", choices=("compressed-tensors", "awq"), required=True, help="what the server reads"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="a new folder")
    parser.add_argument(
        "--name", help="how the server shall call the model (default: from the bundle's name)"
    )
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")
    parser.set_defaults(act=_export)


def _export(args: argparse.Namespace) -> int:
    if args.to == "awq":
        raise BundleError(_NO_AWQ)
    from ..reasoning.engine.export import export_bundle  # takes seconds to import

    exported = export_bundle(args.bundle, args.out, progress=_Progress())
    name = args.name or _short(exported.manifest.name)
    serve, use = commands(exported, args.out, name)
    if args.json:
        error = round(exported.worst_error, 4)
        print_json(
            {"folder": str(args.out), "name": name, "worst_layer_error": error, "serve": serve, "use": use}
        )
        return DONE
    show(f"{exported.manifest.name} is ready to be served from {args.out}.")
    say(f"The layer that 4 bits hold worst is off by {exported.worst_error:.1%} of its values.")
    show(f"On the server:      {serve}")
    show(f"On each workstation: {use}")
    return DONE


def commands(exported: Exported, out: Path, name: str) -> tuple[str, str]:
    """What serves the folder, and what lets a workstation use it; an adapter has the name, not its base."""
    base = f"{name}-base" if exported.adapter else name
    serve = ["vllm", "serve", str(out), "--served-model-name", base, "--limit-mm-per-prompt", '{"image": 1}']
    serve += ["--ssl-certfile", "server.pem", "--ssl-keyfile", "server.key"]
    if exported.adapter:
        serve += ["--enable-lora", "--max-lora-rank", str(_rank(exported.rank))]
        serve += ["--lora-modules", f"{name}={exported.adapter}"]
    use = ["medreason", "models", "server", "use", "https://SERVER:8000/v1", "--name", name]
    return f"VLLM_API_KEY=TOKEN {shlex.join(serve)}", shlex.join([*use, "--bundle", str(out), "--token"])


def _rank(rank: int) -> int:
    """The next that vLLM takes."""
    return next((known for known in (8, 16, 32, 64, 128, 256, 320, 512) if known >= rank), rank)


def _short(name: str) -> str:
    """A name for an address: small letters, digits and hyphens."""
    return re.sub(r"[^a-z0-9.]+", "-", name.lower()).strip("-") or "medreason"


class _Progress:
    """Tells every tenth of what takes long (over 1 GB)."""

    def __init__(self) -> None:
        self._told = 0

    def __call__(self, done: int, total: int) -> None:
        tenth = 10 * done // max(total, 1)
        if total > 1_000_000_000 and tenth != self._told:
            say(f"{10 * tenth} %")
            self._told = tenth
