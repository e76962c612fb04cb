"""A scripted reading: every kind of event, of two patients."""

from __future__ import annotations

from collections.abc import Iterator

from explanations import explanation, follow_up_answer, judgement, key

from medreason_viewer.findings.journal import (
    Explained,
    Exported,
    FollowedUp,
    Judged,
    KeyImageMarked,
    Measured,
    Quantity,
    ReadFirst,
    SendChanged,
    StudyOpened,
    Subject,
    Undone,
    WindowArranged,
    new_id,
)
from medreason_viewer.findings.journal.subject import Event
from medreason_viewer.volume.series import Identity


def reading(patient: str, tag: str) -> Iterator[Event]:
    """Twelve events about one patient; ``tag`` stands in each of them."""
    image = key(patient, study=f"1.2.{tag}", series=f"1.2.{tag}.1", sop=f"1.2.{tag}.1.1")
    identity = Identity(patient, f"NAME^{tag}", study_uid=image.study_uid, series_uid=image.series_uid)
    finding, subject = new_id(), Subject.of(image)
    yield StudyOpened(f"/cases/{tag}", identity)
    yield ReadFirst(finding, image, "Dr. Ada Read", f"own words {tag}")
    yield Explained(explanation(key=image, raw_reply=f"reply {tag}"), finding_id=finding)
    yield FollowedUp(finding, image, follow_up_answer(question=f"asked {tag}"))
    yield Judged(finding, image, judgement("accepted", text=f"words {tag}"))
    yield Measured(new_id(), image, 3, "distance", ((1.0, 2.0), (3.5, 4.0)), (Quantity("length", 2.5, "mm"),))
    yield KeyImageMarked(image, 3, note=tag)
    yield Undone(finding, image, "Dr. Ada Read")
    yield Judged(finding, image, judgement("rejected", text=f"more words {tag}"))
    yield Exported(Subject.of(image, finding), ("sr", "pdf"), (f"/out/{tag}.dcm", f"/out/{tag}.pdf"))
    yield SendChanged(new_id(), subject, "queued", "PACS", (f"/out/{tag}.dcm",))
    yield WindowArranged(f'{{"open": "{tag}"}}', (subject,))
