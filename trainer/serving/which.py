"""Which bundle serves: one user's setting, or a folder that many workstations share; and how it came there.

A user's setting is the viewer's own ``model_bundle``; bundles stay where they are. A shared folder holds::

    FOLDER/bundles/NAME-HASH/   bundles, each whole or not there
    FOLDER/serving              a link to the one that serves, switched in one act
    FOLDER/promotions.jsonl     what was promoted and rolled back, a line each

Workstations set ``FOLDER/serving`` as their model once (``medreason models add FOLDER/serving``) and see
another bundle at their next start. What is switched away from is kept, so that it can come back.
"""

from __future__ import annotations

import dataclasses
import json
import os
import re
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Protocol

from medreason_viewer import settings as settings_file
from medreason_viewer.errors import TrainingError
from medreason_viewer.reasoning.bundles import bundle

from ..evaluation.evaluate import identity
from .export import flush

_HISTORY: Final = "promotions.jsonl"
_LINK: Final = "serving"
_ODD: Final = re.compile(r"[^\w.-]+")


class Serving(Protocol):
    """A place that says which bundle serves."""

    def current(self) -> Path:
        """The bundle that serves now."""

    def place(self, candidate: Path) -> Path:
        """Put a bundle where it can serve, without serving it yet; returns where."""

    def switch(self, to: Path) -> None:
        """Serve another bundle from now on, in one act."""

    @property
    def history(self) -> Path:
        """The file of what was promoted and rolled back."""


class UserServing:
    """The setting of one user, which the viewer reads at its start."""

    def __init__(self, settings: Path | None = None) -> None:
        self._settings = settings or settings_file.default_path()
        self.history = self._settings.with_name(_HISTORY)

    def current(self) -> Path:
        """The bundle that is set, else the demo's."""
        chosen = settings_file.load(self._settings).model_bundle
        return Path(chosen) if chosen else bundle.DEMO_BUNDLE

    def place(self, candidate: Path) -> Path:
        """Where it is."""
        return candidate.resolve()

    def switch(self, to: Path) -> None:
        """Write the setting."""
        chosen = "" if to == bundle.DEMO_BUNDLE else str(to)
        now = settings_file.load(self._settings)
        settings_file.save(dataclasses.replace(now, model_bundle=chosen), self._settings)


class SharedServing:
    """A folder that many workstations share.

    Raises
    ------
    TrainingError
        On Windows, where making links needs rights that few have.
    """

    def __init__(self, folder: Path) -> None:
        if sys.platform == "win32":
            raise TrainingError("A shared serving folder needs links, which Windows allows few.")
        self._folder = folder.absolute()
        self.history = self._folder / _HISTORY

    @property
    def link(self) -> Path:
        """What workstations set as their model."""
        return self._folder / _LINK

    def current(self) -> Path:
        """Where the link leads; the demo's bundle before there is one."""
        return self.link.resolve() if self.link.is_symlink() else bundle.DEMO_BUNDLE

    def place(self, candidate: Path) -> Path:
        """Copy the bundle into the folder, verified; a copy that is there already is taken as it is."""
        manifest = bundle.verify(candidate)
        name = _ODD.sub("-", manifest.name).strip("-.")[:60]
        target = self._folder / "bundles" / f"{name}-{_short(identity(manifest))}"
        if target.is_dir():
            bundle.verify(target)
            return target
        beside = target.with_name(f".{target.name}.part")
        shutil.rmtree(beside, ignore_errors=True)
        beside.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(candidate, beside)
        bundle.verify(beside)
        flush(beside)
        beside.rename(target)
        return target

    def switch(self, to: Path) -> None:
        """Lead the link to another bundle."""
        self._folder.mkdir(parents=True, exist_ok=True)
        inside = to.is_relative_to(self._folder)
        beside = self._folder / f".{_LINK}.{os.getpid()}"
        beside.unlink(missing_ok=True)
        beside.symlink_to(to.relative_to(self._folder) if inside else to)
        beside.replace(self.link)


def _short(mark: str) -> str:
    return "-".join(part[:12] for part in mark.split())


def note(serving: Serving, action: str, source: Path, target: Path, **more: Any) -> None:
    """Append a line to the history, on disk before anything is switched."""
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    line = {"at": at, "action": action, "from": str(source), "to": str(target), **more}
    serving.history.parent.mkdir(parents=True, exist_ok=True)
    with serving.history.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line, ensure_ascii=False) + "\n")
        file.flush()
        os.fsync(file.fileno())


def rollback(serving: Serving) -> Path:
    """Serve again what the bundle that serves now was promoted over; returns it.

    Raises
    ------
    TrainingError
        If nothing was promoted, or what there was before is gone.
    BundleError
        If it is damaged.
    """
    now = serving.current()
    before = next((line["from"] for line in _promotions(serving) if line["to"] == str(now)), None)
    if before is None:
        raise TrainingError(f"{now} was not promoted over another bundle: there is nothing to roll back to.")
    target = Path(before)
    bundle.verify(target)
    note(serving, "rollback", now, target)
    serving.switch(target)
    return target


def _promotions(serving: Serving) -> Iterator[dict[str, Any]]:
    """The latest first; a line that was cut short is left out."""
    if not serving.history.is_file():
        return
    for text in reversed(serving.history.read_text("utf-8").splitlines()):
        try:
            line = json.loads(text)
        except ValueError:
            continue
        if line.get("action") == "promote":
            yield line
