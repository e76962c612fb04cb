"""The image of a finding, and what was made of it, as a key object selection."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from highdicom.ko import KeyObjectSelection, KeyObjectSelectionDocument
from highdicom.sr import ObserverContext, PersonObserverIdentifyingAttributes
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes

from .exhibit import Exhibit
from .origin import as_they_are, complete, series_of_its_own
from .text import one_line, person_name


@as_they_are()
def key_object(shown: Exhibit, at: datetime, others: Sequence[Dataset] = ()) -> KeyObjectSelectionDocument:
    """A document that points to the finding's image.

    Parameters
    ----------
    others : sequence of Dataset
        Objects made of the same finding, to point to as well.
    """
    judged = shown.finding.judgement
    person = PersonObserverIdentifyingAttributes(name=person_name(judged.reader)) if judged else None
    selected = [shown.header.dataset, *others]
    content = KeyObjectSelection(
        codes.DCM.OfInterest,
        selected,
        observer_person_context=ObserverContext(codes.DCM.Person, person) if person else None,
        description=one_line(f"{shown.finding.answer or 'No answer'}. {shown.standing}", 1024),
    )
    image = next(item for item in content[0].ContentSequence if item.ValueType == "IMAGE")
    shown.header.name_frame(image.ReferencedSOPSequence)
    made = KeyObjectSelectionDocument(
        evidence=selected, content=content, **series_of_its_own("KO", at, "key image")
    )
    complete(made, at)
    return made
