"""An archive in a process of its own that holds the planted study: ``planted_peer.py FOLDER``.

It prints its port. Called ``RUDE`` it refuses what is sent to it, and names the patient in its reason.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from pydicom import dcmread
from pydicom.dataset import Dataset
from pynetdicom import AE, evt
from pynetdicom.presentation import AllStoragePresentationContexts
from pynetdicom.sop_class import (  # type: ignore[attr-defined]
    CTImageStorage,
    StudyRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelGet,
    Verification,
)

_STUDY = ("PatientName", "PatientID", "PatientBirthDate", "AccessionNumber", "StudyDate", "StudyDescription")
_SERIES = ("SeriesInstanceUID", "SeriesDescription", "Modality", "SeriesNumber")


class Peer:
    """Answers from the files of a folder."""

    def __init__(self, folder: Path) -> None:
        self.images = [dcmread(file) for file in sorted(folder.iterdir())]

    def find(self, event: evt.Event) -> Iterator[tuple[int, Dataset | None]]:
        level, wanted = event.identifier.QueryRetrieveLevel, ["StudyInstanceUID", *_STUDY]
        if level != "STUDY":
            wanted += _SERIES
        found = self.images if level == "IMAGE" else self.images[:1]
        for image in found:
            answer = Dataset()
            answer.QueryRetrieveLevel = level
            for keyword in [*wanted, *(["SOPInstanceUID", "SOPClassUID"] if level == "IMAGE" else [])]:
                setattr(answer, keyword, getattr(image, keyword))
            answer.ModalitiesInStudy, answer.NumberOfStudyRelatedInstances = "CT", len(self.images)
            yield 0xFF00, answer

    def get(self, _event: evt.Event) -> Iterator[tuple[int, Dataset | None] | int]:
        yield len(self.images)
        for image in self.images:
            yield 0xFF00, image

    def store(self, event: evt.Event) -> Dataset | int:
        if event.assoc.acceptor.primitive.called_ae_title.strip() != "RUDE":
            return 0x0000
        refusal = Dataset()
        refusal.Status = 0xA900
        refusal.ErrorComment = f"Not {event.dataset.PatientName} {event.dataset.PatientID}"[:64]
        return refusal


def main() -> None:
    """Serve until killed."""
    peer, entity = Peer(Path(sys.argv[1])), AE("PEER")
    for context in (
        Verification,
        StudyRootQueryRetrieveInformationModelFind,
        StudyRootQueryRetrieveInformationModelGet,
    ):
        entity.add_supported_context(context)
    for context in AllStoragePresentationContexts[:120]:
        role = context.abstract_syntax == CTImageStorage
        entity.add_supported_context(context.abstract_syntax, scu_role=role, scp_role=True)
    handlers = [(evt.EVT_C_FIND, peer.find), (evt.EVT_C_GET, peer.get), (evt.EVT_C_STORE, peer.store)]
    server = entity.start_server(("127.0.0.1", 0), block=False, evt_handlers=handlers)
    assert server is not None
    sys.stdout.write(f"{server.server_address[1]}\n")
    sys.stdout.flush()
    sys.stdin.read()


if __name__ == "__main__":
    main()
