"""Reads ``.grid``: a line of JSON with shape (slice, row, col) and spacing, then int16 HU, little-endian."""

from __future__ import annotations

import json
from pathlib import Path

from medreason_viewer.cancel import Cancel


class PlainGrid:
    """Writes it as NRRD, which says where the patient lies."""

    contract = 1
    suffixes = (".grid",)

    def convert(self, path: Path, folder: Path, cancel: Cancel) -> None:
        """One grid, one NRRD."""
        first, voxels = path.read_bytes().split(b"\n", 1)
        cancel.check()
        said = json.loads(first)
        slices, rows, cols = said["shape"]
        step, row_mm, col_mm = said["spacing_mm"]
        header = (
            "NRRD0004\ntype: int16\ndimension: 3\nspace: left-posterior-superior\n"
            f"sizes: {cols} {rows} {slices}\nspace directions: ({col_mm},0,0) (0,{row_mm},0) (0,0,{step})\n"
            "kinds: domain domain domain\nendian: little\nencoding: raw\nspace origin: (0,0,0)\n\n"
        )
        (folder / "volume.nrrd").write_bytes(header.encode("ascii") + voxels)
