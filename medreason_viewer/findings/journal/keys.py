"""Where the journal's key and last known head are kept: the system keyring, or a file where there is none."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import keyring
from keyring.backend import KeyringBackend
from keyring.backends import fail

from ...errors import JournalError
from .place import default_path, flush_folder

_SERVICE: Final = "MedReason Viewer journal"


class KeyPlace(Protocol):
    """Small secrets under names."""

    @property
    def safe(self) -> bool:
        """Whether who can change the journal's file cannot read them as easily."""
        ...

    @property
    def text(self) -> str:
        """Where that is, in words."""
        ...

    def get(self, name: str) -> str | None:
        """A secret, or None."""
        ...

    def put(self, name: str, value: str) -> None:
        """Keep a secret in place of the one there was."""
        ...


@dataclass(frozen=True, slots=True)
class KeyringPlace:
    """The system keyring."""

    backend: KeyringBackend
    safe: bool = True

    @property
    def text(self) -> str:
        """See :class:`KeyPlace`."""
        return f"the system keyring ({self.backend.name})"

    def get(self, name: str) -> str | None:
        """See :class:`KeyPlace`; raises JournalError if the keyring is locked."""
        try:
            return self.backend.get_password(_SERVICE, name)
        except Exception as error:  # backends raise whatever their library does
            raise _closed(error) from error

    def put(self, name: str, value: str) -> None:
        """See :class:`KeyPlace`; raises JournalError if the keyring is locked."""
        try:
            self.backend.set_password(_SERVICE, name, value)
        except Exception as error:
            raise _closed(error) from error


def _closed(error: Exception) -> JournalError:
    return JournalError(
        f"The journal's key lies in the system keyring, which does not open ({type(error).__name__}). "
        "Unlock the keyring and try again."
    )


@dataclass(frozen=True, slots=True)
class FilePlace:
    """A file beside the journal, readable by its user alone, where the system has no keyring."""

    path: Path
    safe: bool = False

    @property
    def text(self) -> str:
        """See :class:`KeyPlace`."""
        return f"the file {self.path}"

    def get(self, name: str) -> str | None:
        """See :class:`KeyPlace`; raises JournalError if the file cannot be read."""
        return self._read().get(name)

    def put(self, name: str, value: str) -> None:
        """See :class:`KeyPlace`; raises JournalError if the file cannot be written."""
        held = self._read() | {name: value}
        beside = None
        try:
            descriptor, beside = tempfile.mkstemp(dir=self.path.parent, prefix=".key-")  # 0600, says mkstemp
            with os.fdopen(descriptor, "w") as file:
                json.dump(held, file)
                file.flush()
                os.fsync(file.fileno())
            os.replace(beside, self.path)
            flush_folder(self.path.parent)
        except OSError as error:
            if beside is not None:
                with contextlib.suppress(OSError):
                    os.unlink(beside)
            raise JournalError(f"The key file {self.path} cannot be written: {error.strerror}.") from error

    def _read(self) -> dict[str, str]:
        try:
            held = json.loads(self.path.read_text("ascii"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise JournalError(f"The key file {self.path} cannot be read: {error}.") from error
        if not (isinstance(held, dict) and all(isinstance(value, str) for value in held.values())):
            raise JournalError(f"The key file {self.path} holds no keys.")
        return held


def key_place(path: Path) -> KeyPlace:
    """Where the keys of the journal at ``path`` are: the system keyring if there is a proper one.

    What an earlier start without a keyring left in the file moves into it.
    """
    file = FilePlace(_beside(path))
    backend = keyring.get_keyring()
    if isinstance(backend, fail.Keyring) or backend.priority < 1:
        return file
    place = KeyringPlace(backend)
    for name, value in file._read().items():
        if place.get(name) is None:
            place.put(name, value)
    file.path.unlink(missing_ok=True)
    return place


def keys_of(path: Path) -> KeyPlace:
    """As :func:`key_place`; a copy that has no key file beside it shares that of this user's own journal."""
    own = default_path()
    return key_place(path if _beside(path).exists() or not _beside(own).exists() else own)


def _beside(path: Path) -> Path:
    return path.with_name(path.name + ".key")
