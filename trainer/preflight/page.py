"""The page that a preflight fills: one line a check, with what to do next where it is not well."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

from medreason_viewer.errors import MedReasonError

Level = Literal["ok", "warning", "problem"]
LEVELS: Final[tuple[Level, ...]] = ("ok", "warning", "problem")
_WIDTH: Final = 110
_INDENT: Final = " " * 24


@dataclass(frozen=True, slots=True)
class Line:
    """One check: where it looked, how it is, what it found, and the next action where there is one."""

    area: str
    level: Level
    found: str
    next: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """All checks."""

    lines: tuple[Line, ...]

    @property
    def problems(self) -> tuple[Line, ...]:
        """What keeps the run from starting."""
        return tuple(line for line in self.lines if line.level == "problem")

    def as_data(self) -> dict[str, Any]:
        """For ``--json``."""
        counts = {level: sum(line.level == level for line in self.lines) for level in LEVELS}
        return {"ready": not self.problems, "counts": counts, "checks": [asdict(line) for line in self.lines]}

    def as_text(self, least: Level = "ok") -> str:
        """For people; lines below a level left out."""
        shown = [line for line in self.lines if LEVELS.index(line.level) >= LEVELS.index(least)]
        return "".join(f"{row}\n" for line in shown for row in _rows(line))


def _rows(line: Line) -> Iterator[str]:
    head = f"{line.level:9} {line.area:14}"
    for paragraph in line.found.splitlines() or [""]:
        yield from textwrap.wrap(
            paragraph, _WIDTH, initial_indent=head, subsequent_indent=_INDENT, break_on_hyphens=False
        )
        head = _INDENT
    if line.next:
        yield from textwrap.wrap(
            f"-> {line.next}", _WIDTH, initial_indent=_INDENT, subsequent_indent=_INDENT + "   "
        )


def guarded(area: str, look: Callable[[], Iterator[Line]]) -> Iterator[Line]:
    """The lines of one check; what it meets becomes a problem of that area."""
    try:
        yield from look()
    except (MedReasonError, ValueError, OSError) as error:
        text = str(error)
        yield Line(area, "problem", text if text.endswith((".", "?")) else f"{text}.", "put this right first")


def size(count: float) -> str:
    """Bytes for people."""
    return f"{count / 2**30:.1f} GiB" if count >= 2**30 else f"{count / 2**20:.0f} MiB"
