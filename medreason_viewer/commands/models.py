"""``medreason models``: list, verify, add and quantise model bundles."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path

from .. import settings as settings_file
from ..errors import BundleError
from ..reasoning.bundles.bundle import (
    DEMO_BUNDLE,
    Manifest,
    fingerprint,
    import_folder,
    read_manifest,
    verify,
)
from . import DONE
from .model_export import add_export
from .model_server import add_server
from .output import print_json, say, show


def add(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="the demo bundle and the one that is set")
    listing.add_argument("--json", action="store_true", help="one JSON document on standard output")
    listing.set_defaults(act=_list)
    checking = actions.add_parser("verify", help="check a bundle's files, sizes and hashes; load nothing")
    checking.add_argument("bundle", type=Path)
    checking.set_defaults(act=_verify)
    adding = actions.add_parser("add", help="check a model folder and use it from now on")
    adding.add_argument("bundle", type=Path, help="a bundle, or a Hugging Face folder of a Qwen2.5-VL model")
    adding.set_defaults(act=_add)
    add_export(actions.add_parser("export", help="a folder that vLLM can serve, in 4 bits"))
    packing = actions.add_parser("quantize", help="write a bundle in 4 bit (NF4), so that it loads at once")
    packing.add_argument("bundle", type=Path, help="a bundle, or a Hugging Face folder of a Qwen2.5-VL model")
    packing.add_argument("--out", type=Path, required=True, help="a folder that does not exist yet")
    packing.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="where to compute")
    packing.set_defaults(act=_quantize)
    add_server(actions.add_parser("server", help="a hospital's server that runs the model instead"))


def run(args: argparse.Namespace) -> int:
    """Do what was asked."""
    return int(args.act(args))


def chosen_bundle() -> Path:
    """The model folder that is set, else the demo's."""
    chosen = settings_file.load(settings_file.default_path()).model_bundle
    return Path(chosen) if chosen else DEMO_BUNDLE


def _list(args: argparse.Namespace) -> int:
    chosen = chosen_bundle()
    rows = [_entry(folder, in_use=folder == chosen) for folder in dict.fromkeys((DEMO_BUNDLE, chosen))]
    if args.json:
        print_json({"models": rows})
    else:
        for row in rows:
            show(f"{'*' if row['in_use'] else ' '} {row['name']}: {row['about']}\n    {row['folder']}")
    return DONE


def _entry(folder: Path, *, in_use: bool) -> dict[str, object]:
    entry: dict[str, object] = {"folder": str(folder), "in_use": in_use}
    try:
        manifest = read_manifest(folder)
    except BundleError as error:
        return entry | {"name": folder.name, "usable": False, "about": str(error)}
    about = f"{manifest.licence}. {manifest.intended_use}"
    return entry | {"name": manifest.name, "usable": True, "about": about, "sha256": fingerprint(manifest)}


def _verify(args: argparse.Namespace) -> int:
    manifest = verify(args.bundle, progress=_Progress())
    show(f"{manifest.name}: complete and undamaged ({len(manifest.files)} files, {fingerprint(manifest)}).")
    return DONE


def _add(args: argparse.Namespace) -> int:
    folder = args.bundle.absolute()  # a link stays one: a site may switch it to another bundle
    manifest: Manifest = import_folder(folder, progress=_Progress())
    path = settings_file.default_path()
    settings_file.save(dataclasses.replace(settings_file.load(path), model_bundle=str(folder)), path)
    show(f"{manifest.name} is used from now on. {manifest.intended_use}")
    return DONE


def _quantize(args: argparse.Namespace) -> int:
    from ..reasoning.engine.quantize import quantise_bundle  # loads torch

    out = args.out.absolute()
    manifest = quantise_bundle(
        args.bundle.absolute(),
        out,
        device=args.device,
        checking=_Progress(),
        progress=_Progress("Quantising"),
    )
    size = sum(entry.size for entry in manifest.files)
    show(f"{manifest.name} is written to {out} ({size / 1e9:.2f} GB). Use it: medreason models add {out}")
    return DONE


class _Progress:
    """Tells every tenth of what takes long (over 1 GB)."""

    def __init__(self, doing: str = "Checking the files") -> None:
        self._doing, self._told = doing, 0

    def __call__(self, done: int, total: int) -> None:
        tenth = 10 * done // max(total, 1)
        if tenth > self._told and total > 1_000_000_000:
            say(f"{self._doing}: {10 * tenth} %")
            self._told = tenth
