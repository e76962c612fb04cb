"""What a plug-in must be: version 1."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from ..cancel import Cancel
from ..findings.finding import Finding
from ..reasoning.request import Event, ExplainRequest, Explanation, ModelInfo
from ..volume.ct import CtVolume, ImageKey
from ..volume.geometry import SliceBox

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

CONTRACT: Final = 1


class Reader(Protocol):
    """Turns files that the program cannot read into files that it can.

    So what is read passes the program's own checks of geometry, size and damage.

    Attributes
    ----------
    contract : int
    suffixes : sequence of str
        Endings of file names, lower case and with their dot, such as ``".v3d"``. What the program reads
        itself is never given to a plug-in.
    """

    contract: int
    suffixes: tuple[str, ...]

    def convert(self, path: Path, folder: Path, cancel: Cancel) -> None:
        """Write what ``path`` holds into an empty folder, as DICOM, NIfTI, NRRD or MetaImage.

        Called off the GUI thread. Should call ``cancel.check()`` from time to time.
        """


class Client(Protocol):
    """One running explainer; every method is called on the GUI thread and must not wait."""

    def start(self) -> None:
        """Get ready; say so with a ``ModelState`` event."""

    def explain(self, request: ExplainRequest) -> None:
        """Begin to answer: ``Located``, ``ZoomReady``, ``StepArrived``, then ``Answered`` or ``Failed``."""

    def cancel(self, request_id: str) -> None:
        """Stop answering; end with ``Stopped``."""

    def close(self) -> None:
        """End threads and processes."""


class Explainer(Protocol):
    """Another way to explain a region: events as the model's own process sends them.

    Attributes
    ----------
    contract : int
    model : ModelInfo
        Shown beside every answer, and kept with it.
    """

    contract: int
    model: ModelInfo

    def client(self, on_event: Callable[[Event], None]) -> Client:
        """A client that gives its events to ``on_event``, from any thread."""


class Exporter(Protocol):
    """Writes an explained region as one file.

    Attributes
    ----------
    contract : int
    what : str
        In a few words, for the menu, such as ``"FHIR observation"``.
    suffix : str
        Ending of the file's name, with its dot.
    """

    contract: int
    what: str
    suffix: str

    def export(self, finding: Finding, volume: CtVolume, slice_index: int) -> bytes:
        """The file's content. Called off the GUI thread; ``finding.explanation`` is of that very slice."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What the reader sees.

    Attributes
    ----------
    key : ImageKey or None
        Of the slice shown, without the hash of its pixels; None where there is none, or a reformat.
    slice_index : int
    box_slice : SliceBox or None
        The box drawn on it.
    explanation : Explanation or None
        The newest of this slice, once it is complete.
    """

    key: ImageKey | None
    slice_index: int
    box_slice: SliceBox | None
    explanation: Explanation | None


class Panel(Protocol):
    """A panel beside the image.

    Attributes
    ----------
    contract : int
    title : str
    """

    contract: int
    title: str

    def widget(self) -> QWidget:
        """Make the widget; called once, on the GUI thread."""

    def show(self, shown: Shown) -> None:
        """Something else is shown. Called on the GUI thread while the panel is open, and must not wait."""
