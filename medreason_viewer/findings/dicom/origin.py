"""Who made an object, with what, and under which numbers."""

from __future__ import annotations

import logging
import uuid
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final

from pydicom.dataset import Dataset
from pydicom.uid import UID, generate_uid
from pydicom.valuerep import DA, DT, TM

from ... import __version__
from ...reasoning.request import ModelInfo
from .text import one_line

logging.getLogger("highdicom").setLevel(logging.CRITICAL)  # it would quote names of patients

MANUFACTURER: Final = "MedReason Viewer project"
MODEL: Final = "MedReason Viewer"
PURPOSE: Final = "research use only, not for diagnosis"
NOTICE: Final = f"AI-generated: {PURPOSE}."
NOT_STATED: Final = "Not stated"
_NAMES: Final = uuid.UUID("6f1d1c0c-6f2e-5f0e-9d53-0a4b7a4f3f55")  # of UIDs that are made from what they name
_SERIES_NUMBERS: Final = {"SR": 9901, "SEG": 9902, "PR": 9903, "KO": 9904, "OT": 9905}


def new_uid() -> UID:
    """A UID that nothing had before, under the root 2.25 (ITU-T X.667), which anybody may use."""
    return generate_uid(prefix=None)


def named_uid(name: str) -> UID:
    """The same UID for the same name, under 2.25, so that objects about one finding can be told to be."""
    written = name.encode("utf-8", "backslashreplace").decode()
    return UID(f"2.25.{uuid.uuid5(_NAMES, written).int}")


def series_of_its_own(modality: str, at: datetime, what: str) -> dict[str, Any]:
    """The arguments that every object of ours is made with."""
    content = {"content_date": DA(at.date()), "content_time": TM(at.time())} if modality != "PR" else {}
    return content | {
        "series_instance_uid": new_uid(),
        "series_number": _SERIES_NUMBERS[modality],
        "sop_instance_uid": new_uid(),
        "instance_number": 1,
        "manufacturer": MANUFACTURER,
        "manufacturer_model_name": MODEL,
        "software_versions": __version__,
        "series_description": one_line(f"AI {what}, research use only"),
        "series_date": DA(at.date()),
        "series_time": TM(at.time()),
    }


def model_parameters(model: ModelInfo) -> list[str]:
    """What else identifies a model besides its name and hash."""
    known = {"sha256": model.sha256, "quantization": model.quantization}
    parts = [f"{name}={value}" for name, value in known.items() if value]
    parts += [f"program={MODEL} {__version__}", *([] if model.sha256 else [f"device={model.device}"])]
    if model.adapter_sha256:
        parts.append(f"adapter_sha256={model.adapter_sha256}")
    return [one_line(part, 1024) for part in parts]


def model_name(model: ModelInfo) -> str:
    """What a model is called, never empty."""
    return one_line(model.name) or NOT_STATED


def model_version(model: ModelInfo) -> str:
    """A model's version is the hash of its files."""
    return one_line(model.sha256) or NOT_STATED


@contextmanager
def as_they_are() -> Iterator[None]:
    """Take names without a family name: whoever wrote them meant them, and highdicom would only warn."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The string .* is unlikely to represent")
        yield


def local_time(when: datetime, at: datetime) -> DT:
    """A moment by the clock of the object, whose TimezoneOffsetFromUTC says which that is."""
    return DT(when.astimezone(at.tzinfo).replace(tzinfo=None))


def complete(made: Dataset, at: datetime) -> None:
    """What highdicom leaves out or takes from its own clock."""
    made.InstanceCreationDate, made.InstanceCreationTime = DA(at.date()), TM(at.time())
    if made.Modality in ("PR", "OT"):
        made.Laterality = ""  # not known: nobody says which part of the body was examined
    made.TimezoneOffsetFromUTC = f"{at:%z}"[:5]
