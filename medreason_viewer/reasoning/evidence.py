"""What was measured in the region, and which of the model's claims it supports or contradicts.

The rules of the verdicts, with the ranges and tolerances of the published lexicon:

- A density, a size or a HU value is compared with the *lesion* segmented inside the box, never with the box:
  a box around a nodule averages -300 HU, the nodule +20. Without a lesion it cannot be checked.
- A side is compared with where the lesion's centre (else the box's) lies; within 10 mm of the midline neither
  right nor left can be contradicted.
- A lesion that the box cuts off is at least as long as measured: a larger size is not contradicted.
- Between what agrees and what contradicts lies a margin in which nothing is said.
- A sentence without any claim of the lexicon is not checkable, and says so.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..volume import measure as volume_measure
from ..volume.geometry import SliceBox, SlicePlane
from ..volume.measure import Statistics
from .claims.find import Claim, find_claims
from .claims.lexicon import Density, lexicon
from .request import Check, Evidence, Verdict

_Judged = tuple[str, Verdict]
_NO_LESION = "no lesion stands out inside the box"
_CUT_SHARE = 0.6  # of a disc that only touches the box, the outermost line holds about a third
_NO_LENGTHS = "the image has no geometry to measure lengths"


def measure(
    hu: NDArray[np.float64], padding: NDArray[np.bool_], plane: SlicePlane | None, box_slice: SliceBox
) -> Evidence:
    """Measure a region: the box, the lesion that stands out inside it, and the side of the body.

    Parameters
    ----------
    hu, padding : arrays, shape (row, col)
    plane : SlicePlane or None
        None leaves millimetres and side out.

    Raises
    ------
    RegionError
        If the box leaves the slice or holds nothing but padding.
    """
    box = volume_measure.box_statistics(hu, padding, box_slice, plane)
    mask = volume_measure.segment_lesion(hu, padding, box_slice)
    if mask is None:
        return Evidence(box, None, volume_measure.body_side(hu, padding, plane, *box_slice.centre))
    side = volume_measure.body_side(hu, padding, plane, *volume_measure.mask_centre(mask))
    lesion = volume_measure.statistics(hu, mask, plane)
    return Evidence(box, lesion, side, volume_measure.outline(mask), _cut(mask, box_slice))


def _cut(mask: NDArray[np.bool_], box_slice: SliceBox) -> bool:
    """Whether the lesion ends at an edge of the box over most of its extent, rather than just touching it."""
    x0, y0, x1, y1 = (round(edge) for edge in box_slice.as_tuple())
    inside = mask[y0:y1, x0:x1]
    for lines in (inside, inside.T):
        extent = int(lines.any(axis=0).sum())
        if max(int(lines[0].sum()), int(lines[-1].sum())) > _CUT_SHARE * extent:
            return True
    return False


def check(text: str, evidence: Evidence) -> tuple[Check, ...]:
    """The claims of a sentence (or of the answer), each beside what was measured.

    At least one entry for any text with words in it: a sentence outside the lexicon says that it is.
    """
    claims = find_claims(text)
    if not claims and text.strip():
        return (Check(text.strip(), "not in the lexicon of what is measured", "not_checkable"),)
    return tuple(Check(claim.words, *judge(claim, evidence)) for claim in claims)


def judge(claim: Claim, evidence: Evidence) -> _Judged:
    """What was measured for a claim, in words, and the verdict."""
    if claim.reason:
        return claim.reason, "not_checkable"
    if claim.kind == "side":
        return _side(claim, evidence)
    lesion = evidence.lesion
    if lesion is None:
        return _NO_LESION, "not_checkable"
    if claim.kind == "size":
        return _size(claim, lesion, cut=evidence.lesion_cut)
    if claim.kind == "hu":
        return _hu(claim, lesion)
    if claim.kind == "density":
        return _density(claim, lesion)
    return f"{_about(lesion)} stands out; whether that is normal is not measured", "not_checkable"


def _about(lesion: Statistics) -> str:
    size = f"{lesion.long_axis_mm:.1f} mm, " if lesion.long_axis_mm is not None else ""
    return f"something of {size}mean {lesion.mean_hu:.0f} HU"


def _side(claim: Claim, evidence: Evidence) -> _Judged:
    if evidence.side is None:
        return "no side can be told from this image", "not_checkable"
    where = f"{evidence.side} (centre of the {'lesion' if evidence.lesion else 'box'})"
    same = claim.name == evidence.side
    if not same and evidence.side == "midline":
        return f"within 10 mm of the {where}", "not_checkable"
    return where, "agrees" if same != claim.negated else "contradicts"


def _size(claim: Claim, lesion: Statistics, *, cut: bool) -> _Judged:
    if lesion.long_axis_mm is None or lesion.short_axis_mm is None:
        return _NO_LENGTHS, "not_checkable"
    measured = f"lesion {lesion.long_axis_mm:.1f} x {lesion.short_axis_mm:.1f} mm on this slice"
    fits = _within(lesion.long_axis_mm, claim.low, claim.high)
    if cut and not fits and lesion.long_axis_mm < claim.low:
        return f"at least {lesion.long_axis_mm:.1f} mm: the lesion goes on beyond the box", "not_checkable"
    if claim.short_mm is not None:
        fits = fits and _within(lesion.short_axis_mm, claim.short_mm, claim.short_mm)
    return measured, "agrees" if fits else "contradicts"


def _within(measured_mm: float, low: float, high: float) -> bool:
    words = lexicon()
    a_limit = low == 0 or high == float("inf")
    slack = words.size_mm if a_limit else max(words.size_mm, words.size_share * measured_mm)
    return low - slack <= measured_mm <= high + slack


def _hu(claim: Claim, lesion: Statistics) -> _Judged:
    off = max(claim.low - lesion.mean_hu, lesion.mean_hu - claim.high, 0.0)
    return f"lesion mean {lesion.mean_hu:.0f} HU", _graded(off, lexicon().hu, 2 * lexicon().hu)


def _graded(off: float, agrees: float, contradicts: float) -> Verdict:
    if off <= agrees:
        return "agrees"
    return "contradicts" if off > contradicts else "not_checkable"


def _density(claim: Claim, lesion: Statistics) -> _Judged:
    density = next(each for each in lexicon().densities if each.name == claim.name)
    value = lesion.max_hu if density.statistic == "max" else lesion.mean_hu
    word = "maximum" if density.statistic == "max" else "mean"
    expected = f"{density.implied or density.name}: {_range(density)}"
    off = max(density.low_hu - value, value - density.high_hu, 0.0)
    verdict = _graded(off, 0.0, density.margin_hu)
    if claim.negated:
        verdict = _denial(value, density, verdict)
    return f"lesion {word} {value:.0f} HU ({expected})", verdict


def _denial(value: float, density: Density, claimed: Verdict) -> Verdict:
    """The verdict on *not solid*: agrees where *solid* contradicts, contradicts only where it is sure."""
    if claimed == "contradicts":
        return "agrees"
    present = density.present
    return "contradicts" if present and present[0] <= value <= present[1] else "not_checkable"


def _range(density: Density) -> str:
    if density.high_hu >= 3000:
        return f"{density.low_hu:.0f} HU and more"
    if density.low_hu <= -1000:
        return f"{density.high_hu:.0f} HU and less"
    return f"{density.low_hu:.0f} to {density.high_hu:.0f} HU"
