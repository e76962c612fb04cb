"""How patient the viewer is with the model's process."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """How long the client is patient, in seconds, and how often it starts anew.

    Attributes
    ----------
    heartbeat_s, loading_heartbeat_s : float
        Silence after which the process counts as hung; importing libraries from a slow disk is silent longer.
    cancel_s : float
        A stop that takes longer ends the process.
    load_s, answer_silence_s : float
        Longest load; longest time without a new token (on a slow CPU, reading an image takes minutes).
    restarts, restarts_within_s
        After so many restarts within that time it gives up.
    close_s : float
        How long :meth:`ModelClient.close` waits before it kills.
    """

    heartbeat_s: float = 10.0
    loading_heartbeat_s: float = 60.0
    cancel_s: float = 1.0
    load_s: float = 1800.0
    answer_silence_s: float = 1800.0
    restarts: int = 3
    restarts_within_s: float = 300.0
    close_s: float = 2.0
