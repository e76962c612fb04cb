"""A bundle's weights written anew, the language model's linear layers in 4 bits: what all layouts share."""

from __future__ import annotations

import dataclasses
import json
import re
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, Final

import torch
from safetensors import safe_open
from torch import Tensor

from ...cancel import Cancel
from ...errors import BundleError
from ..bundles.bundle import Manifest, file_entries, write_manifest
from ..bundles.files import Progress
from .new_folder import check_room, copy_rest, written_beside
from .tensor_file import TensorFile, TensorSpec
from .weights import SINGLE_NAME, check_weights, weight_files

# The language model's linear layers, under the published names and under those of transformers.
LINEAR: Final = re.compile(
    r"model\.(?:language_model\.)?layers\.\d+\.(?:self_attn|mlp)\.(?:q|k|v|o|gate|up|down)_proj\.weight"
)
_LINEARS_A_LAYER: Final = 7


class Rewriting(ABC):
    """The tensors of a bundle, and what becomes of each; one is in memory at a time.

    Parameters
    ----------
    config : dict
        The bundle's ``config.json``.

    Attributes
    ----------
    linear : list of TensorSpec
        The layers that are written in 4 bits.

    Raises
    ------
    BundleError
        If those are not the layers that the model has.
    """

    def __init__(self, bundle: Path, config: dict[str, Any]) -> None:
        self._bundle, self._config = bundle, config
        self._source: dict[str, tuple[Path, TensorSpec]] = {}
        for path in weight_files(bundle):
            with safe_open(path, "pt") as file:
                for name in file.keys():  # noqa: SIM118 (not a dict)
                    kept = file.get_slice(name)
                    self._source[name] = path, TensorSpec(name, kept.get_dtype(), tuple(kept.get_shape()))
        self.linear = [spec for _, spec in self._source.values() if LINEAR.fullmatch(spec.name)]
        expected = (config.get("text_config") or config)["num_hidden_layers"] * _LINEARS_A_LAYER
        if expected != len(self.linear):
            raise BundleError(
                f"{len(self.linear)} layers would be quantised where the model has {expected}; "
                "it was left as it is."
            )

    @property
    @abstractmethod
    def settings(self) -> dict[str, Any]:
        """What ``config.json`` says of the quantisation."""

    @abstractmethod
    def packed(self, spec: TensorSpec) -> list[TensorSpec]:
        """The tensors that a linear layer becomes."""

    @abstractmethod
    def parts(self, name: str, weight: Tensor) -> dict[str, Tensor]:
        """Their values, by what stands in the place of ``weight`` in the layer's name.

        Raises
        ------
        BundleError
            If 4 bits do not hold the layer.
        """

    def late(self) -> list[str]:
        """Names of tensors whose size is known only once they are written."""
        return []

    def into(
        self, out: Path, manifest: Manifest, progress: Progress | None, cancel: Cancel | None
    ) -> Manifest:
        """Write the new folder whole, or nothing; returns its manifest, which is ``manifest`` with new files.

        Raises
        ------
        BundleError
            If the disk has no room, or a layer cannot be held.
        Cancelled
            Between two tensors.
        """
        with written_beside(out) as partial:
            specs = self._specs()
            check_room(partial, sum(spec.nbytes for spec in specs), self._bundle)
            copy_rest(self._bundle, partial)
            self._write(partial / SINGLE_NAME, specs, progress, cancel or Cancel())
            check_weights(partial)
            config = self._config | {"quantization_config": self.settings}
            (partial / "config.json").write_text(json.dumps(config, indent=2) + "\n", "utf-8")
            self.finish(partial)
            manifest = dataclasses.replace(manifest, files=file_entries(partial, cancel=cancel))
            write_manifest(partial, manifest)
        return manifest

    def finish(self, partial: Path) -> None:  # noqa: B027 (most layouts have nothing to add)
        """Change what else is in the folder, before its files are listed."""

    def _specs(self) -> list[TensorSpec]:
        specs: list[TensorSpec] = []
        for _, spec in self._source.values():
            specs += self.packed(spec) if LINEAR.fullmatch(spec.name) else [spec]
        return specs

    def _write(self, path: Path, specs: list[TensorSpec], progress: Progress | None, cancel: Cancel) -> None:
        total, done = sum(spec.nbytes for _, spec in self._source.values()), 0
        with TensorFile(path, specs, self.late()) as file:
            for name, (source, spec) in self._source.items():
                cancel.check()
                with safe_open(source, "pt") as opened:  # mapped anew each time, so that memory is given back
                    self._put(file, name, opened.get_tensor(name))
                done += spec.nbytes
                if progress is not None:
                    progress(done, total)

    def _put(self, file: TensorFile, name: str, tensor: Tensor) -> None:
        if not LINEAR.fullmatch(name):
            file.put(name, _bytes(tensor))
            return
        for part, values in self.parts(name, tensor).items():
            file.put(name.removesuffix("weight") + part, _bytes(values))


def check_held(name: str, exact: Tensor, found: Tensor, most: float) -> float:
    """How far a layer's values in 4 bits are off, in parts of their norm.

    Raises
    ------
    BundleError
        If by more than ``most``.
    """
    norm = float(exact.norm())
    error = float((found - exact).norm()) / norm if norm else 0.0
    if not error < most:
        raise BundleError(
            f"{name} cannot be held in 4 bits (it would be off by {error:.0%}); nothing was written."
        )
    return error


def _bytes(tensor: Tensor) -> memoryview:
    return tensor.contiguous().reshape(-1).view(torch.uint8).numpy().data
