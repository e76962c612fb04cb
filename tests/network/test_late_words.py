"""An association that is aborted while its own thread is about to answer ends all the same."""

from __future__ import annotations

import pytest
from pynetdicom import AE
from pynetdicom.association import MODE_REQUESTOR, Association
from pynetdicom.fsm import InvalidEventError
from pynetdicom.pdu_primitives import A_ABORT, P_DATA
from pynetdicom.presentation import build_context
from pynetdicom.sop_class import Verification

from medreason_viewer.cancel import Cancel
from medreason_viewer.network.dimse.association import associated
from medreason_viewer.network.dimse.late_words import drop_late_words
from medreason_viewer.network.dimse.receiver import listening
from medreason_viewer.servers import Receiver, Server

WORDS = {"Evt9": P_DATA(), "Evt15": A_ABORT()}


@pytest.mark.parametrize("state", ["Sta1", "Sta13"])
@pytest.mark.parametrize("event", WORDS)
def test_what_is_said_after_the_end_is_dropped(state: str, event: str) -> None:
    link = Association(AE(), MODE_REQUESTOR)
    link.dul.to_provider_queue.put(WORDS[event])
    link.dul.state_machine.current_state = state
    with pytest.raises(InvalidEventError):  # pynetdicom's own way; this file can go when it no longer does
        link.dul.state_machine.do_action(event)
    drop_late_words(link)
    link.dul.state_machine.current_state = state
    link.dul.state_machine.do_action(event)
    assert link.dul.to_provider_queue.empty()
    assert link.dul.state_machine.current_state == state


def test_anything_else_out_of_order_is_still_an_error() -> None:
    link = Association(AE(), MODE_REQUESTOR)
    drop_late_words(link)
    with pytest.raises(InvalidEventError):
        link.dul.state_machine.do_action("Evt7")


def test_a_link_that_was_told_to_end_may_be_asked_to_say_more(receiver: Receiver) -> None:
    """Its own thread outlives it, over a real connection."""
    peer = Server("here", "dimse", host=receiver.host, port=receiver.port, called_ae=receiver.ae_title)
    told: list[Association] = []
    with listening(receiver, [peer.calling_ae], lambda _event: 0):
        for _ in range(5):
            with associated(peer, [build_context(Verification)], Cancel()) as link:
                told.append(link)
                link.abort(block=False)
                for _ in range(3):
                    link.dul.to_provider_queue.put(P_DATA())
    assert all(link.is_aborted or not link.is_established for link in told)
