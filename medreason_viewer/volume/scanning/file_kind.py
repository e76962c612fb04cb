"""What a file is that holds no image, in words for the reader."""

from __future__ import annotations

from typing import Final

_KINDS: Final = (
    (b"%PDF", "it is a PDF document"),
    (b"PK\x03\x04", "it is an archive; open it by itself"),
    (b"PK\x05\x06", "it is an empty archive"),
    (b"\x1f\x8b", "it is a compressed file of another kind"),
    (b"\x89PNG", "it is a picture (PNG), not a CT image"),
    (b"\xff\xd8\xff", "it is a picture (JPEG), not a CT image"),
    (b"MZ", "it is a program"),
    (b"\x7fELF", "it is a program"),
)


def not_an_image(head: bytes) -> str:
    """Why a file that begins with these bytes is passed over, as a clause."""
    if not head:
        return "it is empty"
    return next((text for magic, text in _KINDS if head.startswith(magic)), "it is not a medical image")
