"""What the demo model learns to say of phantoms: sentences derived from their construction.

Every sentence is either checkable beside the measurement (side, density, size) or about what the picture
shows; none is copied from a report. The words are the trainer's own, for phantoms only: of anything else
only what was measured is said (:mod:`.replies`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from ..data.case import Case

NO_FINDING: Final = "no finding"
FINDINGS: Final = (
    "nodule",
    "mass",
    "consolidation",
    "ground-glass",
    "effusion",
    "emphysema",
    "pneumothorax",
    NO_FINDING,
)

_LEVEL: Final = ("The slice is at the level of the {level}.", "Level: {level}.")
_LOOKS: Final[dict[str, tuple[str, ...]]] = {
    "nodule": (
        "The zoom shows a small round nodule in the {side} lung.",
        "There is a small round nodule in the {side} lung.",
    ),
    "mass": (
        "The zoom shows a large mass in the {side} lung.",
        "There is a large mass in the {side} lung.",
    ),
    "consolidation": (
        "The zoom shows a consolidation in the {side} lung.",
        "There is a dense area with blurred edges in the {side} lung.",
    ),
    "ground-glass": (
        "The zoom shows a hazy area in the {side} lung.",
        "There is a hazy area in the {side} lung.",
    ),
    "effusion": (
        "The zoom shows a layer along the back wall of the {side} chest.",
        "There is a layer behind the {side} lung.",
    ),
    "emphysema": (
        "The zoom shows dark holes in the {side} lung.",
        "There are dark holes in the {side} lung.",
    ),
    "pneumothorax": (
        "The zoom shows a dark rim outside the {side} lung.",
        "There is a dark rim between the {side} lung and the chest wall.",
    ),
}
_DENSITY: Final[dict[str, tuple[str, ...]]] = {
    "nodule": ("It is solid, of soft-tissue density.", "Its density is solid."),
    "mass": ("It is solid, of soft-tissue density.", "Its density is solid."),
    "consolidation": (
        "It is of soft-tissue density and hides the vessels.",
        "It is dense and hides the vessels.",
    ),
    "ground-glass": (
        "It is of ground-glass density and vessels remain visible.",
        "Its density is ground-glass.",
    ),
    "effusion": ("It is of fluid density.", "Its density is that of fluid."),
    "emphysema": ("They are darker than normal lung.", "They are of air density."),
    "pneumothorax": ("It is of air density and holds no vessels.", "It is air without vessels."),
}
_SIZE: Final[dict[str, tuple[str, ...]]] = {
    "nodule": ("It measures about {size} mm.", "Its long axis is about {size} mm."),
    "mass": ("It measures about {size} mm.", "Its long axis is about {size} mm."),
    "consolidation": ("It measures about {size} mm.",),
    "ground-glass": ("It measures about {size} mm.",),
}
_SO: Final[dict[str, tuple[str, ...]]] = {
    "nodule": ("It is round and below 30 mm: a nodule.",),
    "mass": ("It is above 30 mm: a mass.",),
    "consolidation": ("Air spaces are filled: consolidation.",),
    "ground-glass": ("The lung is veiled, not filled: ground-glass.",),
    "effusion": ("Fluid lies in the pleural space: effusion.",),
    "emphysema": ("Lung tissue is lost: emphysema.",),
    "pneumothorax": ("Air lies in the pleural space: pneumothorax.",),
}
_NORMAL: Final = (
    "The zoom shows no abnormal density.",
    "Vessels and lung look normal.",
    "Nothing in it stands out: no finding.",
)
_NORMAL_SLICE: Final = (
    "Both lungs are clear.",
    "Vessels and lung look normal.",
    "Nothing in it stands out: no finding.",
)


def round_size(size_mm: float) -> int:
    """A size as it is said: whole mm below 10, even mm below 30, then steps of 5."""
    step = 1 if size_mm < 10 else 2 if size_mm < 30 else 5
    return max(step, int(round(size_mm / step) * step))


def phantom_steps(case: Case, *, shown: bool, zoomed: bool, rng: np.random.Generator) -> list[str]:
    """The thinking text, sentence by sentence.

    Parameters
    ----------
    shown : bool
        Whether the region asked about holds the case's finding (it does not in a decoy).
    zoomed : bool
        Whether the picture has an inset.
    """
    steps = [pick(_LEVEL, rng).format(level=case.level)]
    if not shown or case.finding == NO_FINDING:
        return [*steps, *(_NORMAL if zoomed else _NORMAL_SLICE)]
    looks = _LOOKS[case.finding] if zoomed else _LOOKS[case.finding][1:]  # the first speaks of the zoom
    said = [pick(looks, rng), pick(_DENSITY[case.finding], rng)]
    if case.finding in _SIZE:
        said.append(pick(_SIZE[case.finding], rng))
    said.append(pick(_SO[case.finding], rng))
    size = round_size(case.size_mm) if case.size_mm else 0
    return [*steps, *(text.format(side=case.side, size=size) for text in said)]


def pick(wordings: Sequence[str], rng: np.random.Generator) -> str:
    """One of several wordings, by chance."""
    return wordings[int(rng.integers(len(wordings)))]
