"""A finding as a presentation state: its region and answer drawn over the image itself."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from highdicom import (
    ModalityLUTTransformation,
    PresentationLUTShapeValues,
    PresentationLUTTransformation,
)
from highdicom.pr import (
    AnnotationUnitsValues,
    GraphicAnnotation,
    GraphicLayer,
    GraphicObject,
    GraphicTypeValues,
    GrayscaleSoftcopyPresentationState,
    SoftcopyVOILUTTransformation,
    TextObject,
)
from pydicom.valuerep import DA, TM, DSfloat

from ... import __version__
from .coordinates import Outline, box_outline, closed_line
from .exhibit import Exhibit
from .origin import NOTICE, as_they_are, complete, named_uid, series_of_its_own
from .text import one_line, person_name

_LAYER: Final = GraphicLayer("AI_FINDING", order=1, description=NOTICE)
_LONGEST_TEXT: Final = 200


@as_they_are()
def presentation_state(shown: Exhibit, at: datetime) -> GrayscaleSoftcopyPresentationState:
    """The region, the lesion's outline, the answer and the notice, in the window the reader had.

    Raises
    ------
    ExportRefused
        If there is no region.
    """
    header, window = shown.header, shown.finding.explanation.display_window
    judged = shown.finding.judgement
    shape = "INVERSE" if shown.series.inverted else "IDENTITY"
    made = GrayscaleSoftcopyPresentationState(
        referenced_images=[header.dataset],
        content_label="AI_FINDING",
        content_description=one_line(shown.standing),
        content_creator_name=person_name(judged.reader) if judged else None,
        graphic_annotations=[_annotation(shown)],
        graphic_layers=[_LAYER],
        modality_lut_transformation=ModalityLUTTransformation(
            shown.frame.intercept, shown.frame.slope, "HU" if shown.in_hu else "US"
        ),
        voi_lut_transformations=[SoftcopyVOILUTTransformation(window.centre_hu, window.width_hu)],
        presentation_lut_transformation=PresentationLUTTransformation(PresentationLUTShapeValues(shape)),
        device_serial_number=__version__,
        **series_of_its_own("PR", at, "region over the image"),
    )
    for series in made.ReferencedSeriesSequence:
        header.name_frame(series.ReferencedImageSequence)
    _true_size(made, shown)
    made.PresentationCreationDate, made.PresentationCreationTime = DA(at.date()), TM(at.time())
    complete(made, at)
    return made


def _annotation(shown: Exhibit) -> GraphicAnnotation:
    made = GraphicAnnotation(
        referenced_images=[shown.header.dataset],
        graphic_layer=_LAYER,
        graphic_objects=list(_lines(shown)),
        text_objects=[_label(shown)],
    )
    shown.header.name_frame(made.ReferencedImageSequence)
    return made


def _lines(shown: Exhibit) -> Iterator[GraphicObject]:
    name = f"finding {shown.finding.id}"
    yield _line(box_outline(shown.region()), name)
    if shown.evidence is not None and shown.evidence.lesion_outline_slice:
        yield _line(shown.evidence.lesion_outline_slice, f"lesion of {name}")


def _line(outline: Outline, name: str) -> GraphicObject:
    return GraphicObject(
        GraphicTypeValues.POLYLINE,
        closed_line(outline),
        AnnotationUnitsValues.PIXEL,
        tracking_id=one_line(name, 1024),
        tracking_uid=named_uid(name),
    )


def _label(shown: Exhibit) -> TextObject:
    """Beside the region's lower right corner."""
    box, answer = shown.region(), one_line(shown.finding.answer or "no answer", _LONGEST_TEXT // 2)
    text = one_line(f"{answer}. {shown.standing}", _LONGEST_TEXT)
    return TextObject(
        text, AnnotationUnitsValues.PIXEL, anchor_point=(box.x1, box.y1), anchor_point_visible=False
    )


def _true_size(made: GrayscaleSoftcopyPresentationState, shown: Exhibit) -> None:
    """Pixels that are not square stay so: highdicom always says that they are."""
    area = made.DisplayedAreaSelectionSequence[0]
    del area.PresentationPixelAspectRatio
    area.PresentationPixelSpacing = [DSfloat(mm, auto_format=True) for mm in shown.plane.spacing_mm]
