"""What our side still says when a connection is ending: dropped, for nobody waits for it any more.

An association may be aborted while its own thread is about to answer. pynetdicom 3.0.4 takes the answer for
an error of the state machine, and the thread that should close the connection dies of it.
"""

from __future__ import annotations

import contextlib
import queue
from typing import Final

from pynetdicom.association import Association
from pynetdicom.events import Event
from pynetdicom.fsm import TRANSITION_TABLE, StateMachine

_ENDING: Final = ("Sta1", "Sta13")  # idle; waiting for the connection to close (PS3.8, table 9-10)
_OURS: Final = ("Evt9", "Evt11", "Evt14", "Evt15")  # data, release, its answer, abort
_LATE: Final = {(event, state) for event in _OURS for state in _ENDING} - TRANSITION_TABLE.keys()


class _DropsLateWords(StateMachine):
    def do_action(self, event: str) -> None:
        if (event, self.current_state) in _LATE:
            with contextlib.suppress(queue.Empty):
                self.dul.to_provider_queue.get(block=False)
        else:
            super().do_action(event)


def drop_late_words(link: Association) -> None:
    """Before a connection is used: let it end whatever is still to be said."""
    link.dul.state_machine = _DropsLateWords(link.dul)


def opened(event: Event) -> None:
    """The same, to be bound to EVT_CONN_OPEN of those who connect to us."""
    drop_late_words(event.assoc)
