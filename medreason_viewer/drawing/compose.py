"""From a series, a slice and an explanation to what is drawn: the same marks on screen and in files."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtGui import QImage

from ..reasoning.request import Evidence, Region, Step
from ..volume.geometry import Letters, SlicePlane
from ..volume.series import Identity, Note, Series
from ..volume.slices import SliceImage, native_plane
from ..volume.window import Window
from .content import Corners, SliceScene
from .image import slice_image
from .overlay import Outline, OverlayItem, RegionBox
from .placement import View

_AXIS_NAMES = ("right–left", "front–back", "foot–head")


def compose(
    series: Series,
    image: SliceImage,
    window: Window,
    *,
    view: View | None = None,
    items: tuple[OverlayItem, ...] = (),
    corners: Corners | None = None,
    warnings: Iterable[Note] | None = None,
) -> SliceScene:
    """A scene of one slice.

    Parameters
    ----------
    corners : Corners or None
        None leaves the patient out, as files that may travel should.
    warnings : iterable of Note or None
        What to flag on the image; None flags what concerns the series and this plane.
    """
    plane = image.plane
    notes = (*series.warnings, *image.notes) if warnings is None else tuple(warnings)
    return SliceScene(
        image=_quick_to_draw(slice_image(image.grey(window))),
        shape=image.stored.shape,
        spacing_mm=plane.spacing_mm if plane else None,
        view=view or View(),
        letters=_letters(series, image),
        corners=corners or Corners(),
        warnings=flags(series, notes),
        items=items,
    )


def _letters(series: Series, image: SliceImage) -> Letters | None:
    """Sides are known from the axes alone, so an image without a size of its pixels has them too."""
    if image.plane is not None:
        return image.plane.letters()
    pose = series.frames[image.index].pose if image.native else None
    return pose.letters() if pose else None


def explanation_items(
    region: Region | None, evidence: Evidence | None = None, step: Step | None = None
) -> tuple[OverlayItem, ...]:
    """What an explanation draws: its region, the lesion's outline, and the region of the step chosen."""
    items: list[OverlayItem] = []
    own = step.box_slice if step else None
    if evidence is not None and evidence.lesion_outline_slice:
        items.append(Outline(evidence.lesion_outline_slice))
    if region is not None:
        chosen = step is not None and own is None
        items.append(RegionBox(region.box_slice, region.source, region.label, strong=chosen))
    if own is not None and (region is None or own != region.box_slice):
        items.append(RegionBox(own, "model", "this step", strong=True))
    return tuple(items)


def patient_corner(identity: Identity) -> tuple[str, ...]:
    """Whose image it is: name, number, birth date and sex, study."""
    name = ", ".join(part for part in identity.patient_name.split("=")[0].split("^") if part)
    born = " ".join(part for part in (_date(identity.patient_birth_date), identity.patient_sex) if part)
    study = " ".join(part for part in (_date(identity.study_date), identity.study_description) if part)
    return name, identity.patient_key, born, study, identity.accession_number


def series_corner(series: Series) -> tuple[str, ...]:
    """Which series it is, and what it was made with."""
    identity = series.identity
    number = f"Series {identity.series_number}" if identity.series_number is not None else ""
    made = " · ".join(part for part in (identity.kernel, identity.contrast) if part)
    return identity.series_description, number, identity.institution, made


def window_corner(window: Window, name: str, scale: float, probe: str = "") -> tuple[str, ...]:
    """Window, zoom (viewport pixels per image pixel) and what lies under the pointer."""
    named = f"  {name}" if name else ""
    level = f"{window.centre_hu:.0f}".replace("-", "−")
    return probe, f"Zoom {scale:.2f}×", f"W {window.width_hu:.0f}  L {level}{named}"


def position_corner(series: Series, image: SliceImage, count: int) -> tuple[str, ...]:
    """Which image it is and where it lies; the number is the scanner's own where there is one."""
    plane, name = _position(image.plane), image.plane_name.capitalize()
    if image.plane_name != native_plane(series):
        return image.slab or "reformatted", plane, f"{name} {image.index + 1} / {count}"
    frame = series.frames[image.index]
    if image.slab:
        middle = image.index + 1 if frame.instance_number is None else frame.instance_number
        return image.slab, plane, f"{name} · {count} images", f"About image {middle}"
    step = f"Spacing {series.spacing_mm[0]:.2f} mm" if series.spacing_mm and count > 1 else ""
    thick = f"Thickness {frame.thickness_mm:.2f} mm" if frame.thickness_mm else ""
    if frame.instance_number is None:
        return thick, step, plane, f"{name} {image.index + 1} / {count}"
    return thick, step, plane, f"{name} · {count} images", f"Image {frame.instance_number}"


def flags(series: Series, notes: Iterable[Note]) -> tuple[str, ...]:
    """Warnings in a few words each; their sentences stand in the panels."""
    codes = dict.fromkeys(note.code for note in notes)
    words = {"tilt": f"tilt {abs(series.tilt_deg):.1f}°", "no_geometry": "no geometry, so no mm"}
    return tuple(f"▲ {words.get(code, code.replace('_', ' '))}" for code in codes)


def _quick_to_draw(image: QImage) -> QImage:
    """The same pixels as the painter wants them: it enlarges them in half the time."""
    return image.convertToFormat(QImage.Format.Format_RGB32)


def _position(plane: SlicePlane | None) -> str:
    if plane is None:
        return ""
    axis = int(abs(plane.normal).argmax())
    place_mm = round(plane.origin_mm[axis], 1) + 0.0  # no minus before zero
    return f"{_AXIS_NAMES[axis]} {place_mm:+.1f} mm".replace("-", "−")


def _date(text: str) -> str:
    return f"{text[:4]}-{text[4:6]}-{text[6:]}" if len(text) == 8 and text.isdigit() else text
