"""A synthetic chest CT: a procedural patient with at most one finding, slice by slice or as a DICOM study.

Everything is drawn from random numbers; no patient contributed. The phantom is for training and showing the
demo model and for tests; what a model learns from it means nothing on a patient.

What varies: sex-like build, size, fat, muscle, heart, diaphragm, organ positions, vessel density, intravenous
contrast, bones, position and rotation in the field of view (300 to 400 mm), couch, dose, grain and sharpness.

Findings, as they are in people (general radiology knowledge):

============== ============================================ =========================== =====================
finding        size                                         HU                          place
============== ============================================ =========================== =====================
nodule         6-30 mm, round, lobulated or spiculated      -15 to 70                   anywhere in the lung
mass           30-70 mm                                     -15 to 70                   anywhere in the lung
consolidation  20-70 mm, ill-defined, cut by fissure or     5 to 58, dark bronchi       under the pleura
               pleura
ground-glass   25-70 mm, ill-defined, vessels visible       -700 to -470                anywhere in the lung
effusion       15-42 % of the chest's depth                 0 to 20                     dependent (back), base
emphysema      holes of 4-12 mm in an area of 45-80 mm,     -1000 to -968               upper lung in 80 %
               bullae to 34 mm
pneumothorax   9-42 mm thick                                -996, line about 1 mm       front and side
============== ============================================ =========================== =====================

The ``shifted`` setting (for testing only) has lower dose, coarser grain, heavier or slighter bodies, denser
lungs and lesions 25 to 70 HU lower. In the ``small`` setting nodules measure 5.5 to 11 mm; all else is as in
``standard``.
"""

from __future__ import annotations

from .build import Setting
from .dicom import StudyTruth, write_study
from .patient import Phantom, PhantomSlice, sample_slice
from .site import FINDINGS, Finding, Side

__all__ = [
    "FINDINGS",
    "Finding",
    "Phantom",
    "PhantomSlice",
    "Setting",
    "Side",
    "StudyTruth",
    "sample_slice",
    "write_study",
]
