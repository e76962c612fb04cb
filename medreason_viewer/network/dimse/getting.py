"""C-GET and C-MOVE: an archive sends a study, a series or single objects to us."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Final

from pydicom.dataset import Dataset
from pynetdicom import build_role, evt
from pynetdicom.association import Association
from pynetdicom.presentation import build_context

from ...cancel import Cancel
from ...errors import Cancelled, NetworkError, ServerRefused
from ...servers import Receiver, Server
from ..archive import Wanted
from ..inbox import StudyFolder
from ..limits import Limits
from ..streaming import Put
from .association import associated, check_status
from .receiver import listening
from .syntaxes import GET, MOVE, one_syntax_each
from .taking import Taker, TooMuch

_MOST_UIDS: Final = 100  # in one request, for servers limit the length of a value
_PENDING: Final = (0xFF00, 0xFF01)
_PARTLY: Final = 0xB000
_UNKNOWN_DESTINATION: Final = 0xA801


def get(server: Server, wanted: Wanted, into: StudyFolder, limits: Limits, put: Put, stop: Cancel) -> None:
    """Ask for it, and take it over the same association."""
    taker, too_much = Taker(into, wanted.sop_uids, put), TooMuch(lambda event: stop.request())
    storage = one_syntax_each(instance.sop_class for instance in wanted.instances)
    classes = dict.fromkeys(context.abstract_syntax for context in storage)
    roles = [build_role(sop_class, scp_role=True) for sop_class in classes if sop_class is not None]
    handlers = [
        (evt.EVT_C_STORE, taker),
        (evt.EVT_DATA_RECV, too_much.count),
        (evt.EVT_DIMSE_RECV, too_much.over),
    ]
    contexts = [build_context(GET), *storage]
    try:
        with associated(server, contexts, stop, negotiate=roles, handlers=handlers, limits=limits) as link:
            for identifier in requests(wanted):
                _follow(server, link.send_c_get(identifier, GET), put)
                check_room(taker)
    except Cancelled:
        if too_much.noticed:
            raise ServerRefused(f"{server.name} sends an object larger than any may be.") from None
        raise


def move(
    server: Server,
    receiver: Receiver,
    wanted: Wanted,
    into: StudyFolder,
    limits: Limits,
    put: Put,
    stop: Cancel,
) -> None:
    """Ask for it, and take it at the store receiver, which listens to this server alone, and only so long."""
    taker = Taker(into, wanted.sop_uids, put)
    with (
        listening(receiver, (server.called_ae,), taker),
        associated(server, [build_context(MOVE)], stop, limits=limits) as link,
    ):
        for identifier in requests(wanted):
            _move(server, receiver, link, identifier, put)
            check_room(taker)


def requests(wanted: Wanted) -> Iterator[Dataset]:
    """The identifiers that ask for it: one for all of a study or series, else by objects of a series."""
    if wanted.whole:
        yield _identifier("SERIES" if wanted.series_uid else "STUDY", wanted.study_uid, wanted.series_uid)
        return
    ordered = sorted(wanted.instances, key=lambda instance: instance.series_uid)
    for series_uid, group in groupby(ordered, key=lambda instance: instance.series_uid):
        uids = [instance.sop_uid for instance in group]
        for first in range(0, len(uids), _MOST_UIDS):
            yield _identifier("IMAGE", wanted.study_uid, series_uid, uids[first : first + _MOST_UIDS])


def check_room(taker: Taker) -> None:
    """Raise NetworkError where this workstation could not write what came."""
    if taker.problem is not None:
        reason = taker.problem.strerror or taker.problem
        raise NetworkError(f"What arrived could not be written to this workstation ({reason}).")


def _identifier(level: str, study: str, series: str | None, instances: list[str] | None = None) -> Dataset:
    identifier = Dataset()
    identifier.QueryRetrieveLevel = level
    identifier.StudyInstanceUID = study
    if series:
        identifier.SeriesInstanceUID = series
    if instances:
        identifier.SOPInstanceUID = instances
    return identifier


def _move(server: Server, receiver: Receiver, link: Association, identifier: Dataset, put: Put) -> None:
    replies = link.send_c_move(identifier, receiver.ae_title, MOVE)
    try:
        _follow(server, replies, put)
    except ServerRefused as refused:
        if f"{_UNKNOWN_DESTINATION:04X}" not in str(refused):
            raise
        raise ServerRefused(
            f"{server.name} does not know this workstation as {receiver.ae_title}: "
            "its administrator must enter that AE title with this host and port."
        ) from None


def _follow(server: Server, replies: Iterable[tuple[Dataset, Dataset | None]], put: Put) -> None:
    """Until the archive says that it is done; what it could not send is missing, and noticed later."""
    for status, _ in replies:
        code = check_status(server, status, "it sent what was asked for")
        if code in _PENDING:
            put(None)
        elif code not in (0, _PARTLY) and not _some_came(status):
            raise ServerRefused(f"{server.name} refuses to send what was asked for (status {code:04X}).")


def _some_came(status: Dataset) -> bool:
    return bool(status.get("NumberOfCompletedSuboperations"))
