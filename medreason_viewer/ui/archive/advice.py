"""What went wrong with an archive, and what the reader can do about it."""

from __future__ import annotations

from typing import Final

from ...errors import (
    LoginRefused,
    MedReasonError,
    NotTrusted,
    SecretError,
    ServerUnreachable,
    SettingsError,
    TitleRefused,
)

_ADVICE: Final[tuple[tuple[type[MedReasonError], str], ...]] = (  # the first that fits
    (NotTrusted, "Check the certificates of this archive under Archives, or ask who runs it."),
    (TitleRefused, "Check both AE titles under Archives; whoever runs the archive must have entered ours."),
    (LoginRefused, "Enter the user and the password or token again under Archives."),
    (SecretError, "Enter the password or token again under Archives."),
    (ServerUnreachable, "Check the network, then try again; address and port are under Archives."),
    (SettingsError, "Correct it under Archives."),
)


def sentence(error: MedReasonError) -> str:
    """The error's own sentence, and the next step where there is one."""
    advice = next((words for kind, words in _ADVICE if isinstance(error, kind)), "")
    return f"{error} {advice}".strip()
