"""Whether a study is of the kind the model was trained on; if not, the reader is told before the answer."""

from __future__ import annotations

from .bundles.manifest import ScopeSpec
from .request import Scope

_WORDS = {
    "modality": "modality",
    "body_part": "body part",
    "plane": "plane",
    "kernel": "reconstruction kernel",
}


def scope_warnings(scope: Scope, trained: ScopeSpec) -> tuple[str, ...]:
    """A sentence for each respect in which the study is outside what the manifest names.

    Body parts match when either name holds the other (``CHEST`` and ``CHEST_ABDOMEN``); all else must be
    equal, without regard to case. What the study does not say is flagged as unknown.
    """
    warnings = []
    for name, word in _WORDS.items():
        known: tuple[str, ...] = getattr(trained, name)
        there: str = getattr(scope, name).strip()
        if known and not any(_same(name, there.lower(), each.lower()) for each in known):
            what = f"this study's is {there}" if there else "this study does not say its own"
            warnings.append(f"The model was trained on the {word} {' or '.join(known)}; {what}.")
    return tuple(warnings)


def _same(name: str, there: str, known: str) -> bool:
    if name != "body_part" or not there:
        return there == known
    return known in there or there in known
