"""Finding the plug-ins that are installed: each is usable, or a sentence says why it is left out."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final, Generic, TypeVar, cast

from ..errors import MedReasonError, PluginError
from .contract import CONTRACT, Explainer, Exporter, Panel, Reader

log = logging.getLogger(__name__)

T = TypeVar("T")
R = TypeVar("R")

_GROUPS: Final[dict[str, dict[str, type]]] = {
    "readers": {"suffixes": tuple, "convert": Callable},  # type: ignore[dict-item]
    "explainers": {"model": object, "client": Callable},  # type: ignore[dict-item]
    "exporters": {"what": str, "suffix": str, "export": Callable},  # type: ignore[dict-item]
    "panels": {"title": str, "widget": Callable, "show": Callable},  # type: ignore[dict-item]
}
_SHOWN_LETTERS: Final = 60
_PREFIX: Final = "medreason_viewer."


@dataclass(frozen=True, eq=False)
class Plugin(Generic[T]):
    """One usable plug-in.

    Attributes
    ----------
    name : str
        Of its entry point.
    package, version : str
        Of the distribution that brought it.
    """

    name: str
    package: str
    version: str
    object: T

    @property
    def label(self) -> str:
        """For menus and sentences."""
        return f"{self.name} ({self.package} {self.version})"

    def call(self, do: Callable[[T], R]) -> R:
        """Let the plug-in do something.

        Raises
        ------
        PluginError
            With a sentence, whatever it lets out; the program's own errors pass.
        """
        try:
            return do(self.object)
        except MedReasonError:
            raise
        except Exception as error:  # whatever others wrote: the text may name a patient
            log.error("plug-in %s failed: %s", self.name, type(error).__name__)  # noqa: TRY400
            raise PluginError(f"The plug-in {self.label} failed ({type(error).__name__}).") from None


@dataclass(frozen=True)
class Installed:
    """All plug-ins, by what they add; and a sentence for each that is left out."""

    readers: tuple[Plugin[Reader], ...] = ()
    explainers: tuple[Plugin[Explainer], ...] = ()
    exporters: tuple[Plugin[Exporter], ...] = ()
    panels: tuple[Plugin[Panel], ...] = ()
    left_out: tuple[str, ...] = ()

    @property
    def all(self) -> tuple[Plugin[Any], ...]:
        """Every usable one."""
        return (*self.readers, *self.explainers, *self.exporters, *self.panels)


def installed() -> Installed:
    """Load every plug-in of this environment."""
    left_out: list[str] = []
    found = {group: tuple(_usable(group, left_out)) for group in _GROUPS}
    return Installed(**cast(Any, found), left_out=tuple(left_out))


def _usable(group: str, left_out: list[str]) -> Iterator[Plugin[Any]]:
    for point in sorted(entry_points(group=_PREFIX + group), key=lambda point: (point.name, point.value)):
        try:
            yield _load(point, group)
        except PluginError as reason:
            left_out.append(f"The plug-in {_shortened(point.name)} is left out: {reason}.")


def _load(point: EntryPoint, group: str) -> Plugin[Any]:
    """One plug-in.

    Raises
    ------
    PluginError
        With a clause, if it cannot be used.
    """
    try:
        made = point.load()()
    except (Exception, SystemExit) as error:  # whatever others wrote
        log.error("plug-in %s cannot be loaded: %s", point.name, type(error).__name__)  # noqa: TRY400
        raise PluginError(f"it cannot be loaded ({type(error).__name__})") from None
    contract = getattr(made, "contract", None)
    if contract != CONTRACT:
        raise PluginError(f"it keeps contract {_shortened(repr(contract))}, this program {CONTRACT}")
    for part, kind in _GROUPS[group].items():
        if not isinstance(getattr(made, part, None), kind):
            raise PluginError(f'its part "{part}" is missing, or not what it should be')
    known = point.dist
    return Plugin(point.name, known.name if known else "unknown", known.version if known else "", made)


def _shortened(text: str) -> str:
    return text if len(text) <= _SHOWN_LETTERS else f"{text[: _SHOWN_LETTERS - 1]}…"
