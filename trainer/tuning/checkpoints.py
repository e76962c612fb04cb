"""Checkpoints on disk: complete or not there, and the one place that chooses which to go on from.

::

    RUN/unfinished/checkpoint-40/   while it is being written; never read
    RUN/checkpoint-40/hashes.json   written last of all, then the folder is renamed to its place

A folder without its list of hashes, or with a file that differs from it, is not a checkpoint.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import logging
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from medreason_viewer.errors import TrainingError

UNFINISHED: Final = "unfinished"
HASHES: Final = "hashes.json"
KEPT: Final = 2
_SCHEMA: Final = 1
_PICKLED: Final = "training_args.bin"
_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_FULL_SAID: Final = re.compile(r"No space left|quota exceeded|File too large|os error (28|122|27)\b", re.I)
_log = logging.getLogger(__name__)


def name_of(step: int) -> str:
    """The folder's name, as transformers has it."""
    return f"checkpoint-{step}"


def step_of(folder: Path) -> int:
    """The optimizer step of a checkpoint's folder."""
    return int(folder.name.rpartition("-")[2])


def begin(run: Path) -> Path:
    """Clear away what a save that was cut short has left; returns the folder to write checkpoints in."""
    beside = run / UNFINISHED
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    return beside


def finish(run: Path, step: int) -> Path:
    """Put a written checkpoint in its place, whole, and forget all but the newest two.

    Parameters
    ----------
    run : Path
        Its ``unfinished`` folder holds the checkpoint, all files written.

    Raises
    ------
    OSError
        If the disk refuses; what was there before is untouched.
    """
    beside, place = run / UNFINISHED / name_of(step), run / name_of(step)
    (beside / _PICKLED).unlink(missing_ok=True)  # only pickle could read it, and nothing does
    write_hashes(beside)
    _set_aside(place)  # one of the same step: damaged, or it would have been resumed from
    beside.rename(place)
    _sync(run)
    _forget(run, step)
    return place


def write_hashes(folder: Path) -> None:
    """Flush every file to the disk, then write the list of their sizes and SHA-256, and flush that."""
    files = {name: _entry(folder / name) for name in _files(folder)}
    for name in files:
        _sync(folder / name)
    text = json.dumps({"schema": _SCHEMA, "files": files}, indent=2, sort_keys=True)
    (folder / HASHES).write_text(text + "\n", encoding="utf-8")
    _sync(folder / HASHES)
    for each in (*(path for path in folder.rglob("*") if path.is_dir()), folder):
        _sync(each)


def flaw(folder: Path) -> str | None:
    """What is wrong with a checkpoint, as a clause; None where it is whole."""
    try:
        listed = json.loads((folder / HASHES).read_text(encoding="utf-8"))["files"]
        found = {name: _entry(folder / name) for name in _files(folder)}
    except FileNotFoundError:
        return f"it has no {HASHES}, so it was never finished"
    except (OSError, ValueError, KeyError, TypeError):
        return f"its {HASHES} cannot be read"
    wrong = sorted(name for name in {*listed, *found} if listed.get(name) != found.get(name))
    return f"{', '.join(wrong)} not as written" if wrong else None


def last_checkpoint(run: Path) -> Path | None:
    """The newest whole checkpoint of a run, if there is one; what is passed over is named in the log."""
    if _checkpoints(run / UNFINISHED):
        _log.warning("a save in %s was cut short; what it left is not used", run)
    for folder in reversed(_checkpoints(run)):
        wrong = flaw(folder)
        if wrong is None:
            return folder
        _log.warning("%s is not used: %s; looking for the one before", folder.name, wrong)
    return None


@contextlib.contextmanager
def saving(run: Path, step: int) -> Iterator[None]:
    """Within the block a checkpoint is written; a full disk becomes a sentence, and the space is given back.

    Raises
    ------
    TrainingError
        If there is no room; earlier checkpoints stay as they are.
    """
    try:
        yield
    except Exception as error:
        if not _is_full(error):
            raise
        shutil.rmtree(run / UNFINISHED, ignore_errors=True)
        there = _checkpoints(run)
        rest = f"{there[-1].name} is as it was" if there else "there is no earlier one"
        raise TrainingError(
            f"There is no room in {run} for the checkpoint of step {step}; {rest}. "
            "Free space on that disk, then give the same command with --resume."
        ) from error


def _is_full(error: BaseException) -> bool:
    """Whether the disk, a quota or a limit refused; safetensors and torch tell it in words only."""
    chain = [error]
    while (before := chain[-1].__cause__ or chain[-1].__context__) is not None and before not in chain:
        chain.append(before)
    return any(
        (isinstance(each, OSError) and each.errno in _FULL) or _FULL_SAID.search(str(each)) for each in chain
    )


def _checkpoints(run: Path) -> list[Path]:
    """Folders named as checkpoints, by step, whole or not."""
    found = [path for path in run.glob("checkpoint-*") if path.is_dir() and path.name[11:].isdigit()]
    return sorted(found, key=step_of)


def _forget(run: Path, newest: int) -> None:
    """Remove all but the newest; those of later steps were passed over when the run was resumed."""
    found = _checkpoints(run)
    kept = [path for path in found if step_of(path) <= newest and (path / HASHES).is_file()][-KEPT:]
    for path in found:
        if path not in kept:
            _set_aside(path)
    shutil.rmtree(run / UNFINISHED, ignore_errors=True)


def _set_aside(place: Path) -> None:
    """Move a checkpoint where none is looked for, so that its removal may be cut short, and remove it."""
    if place.exists():
        aside = place.parent / UNFINISHED / f"old-{place.name}"
        place.rename(aside)
        shutil.rmtree(aside)


def _files(folder: Path) -> list[str]:
    return sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and path.name != HASHES
    )


def _entry(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        return {"bytes": path.stat().st_size, "sha256": hashlib.file_digest(file, "sha256").hexdigest()}


def _sync(path: Path) -> None:
    """Flush a file, or the names in a folder (which Windows neither needs nor allows)."""
    if path.is_dir() and os.name == "nt":
        return
    handle = os.open(path, os.O_RDONLY if os.name != "nt" else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
