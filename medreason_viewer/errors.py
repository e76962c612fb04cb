"""Everything that can go wrong for a user, each with a sentence to act on.

::

    MedReasonError
    ├── VolumeError             a CT that cannot be shown
    │   ├── PathNotFound
    │   ├── NothingToOpen
    │   ├── UnreadableFile      keeps the path and the reason
    │   ├── DecodeFailed
    │   └── TooLarge
    ├── RegionError             a box or point that is not on the slice
    ├── BundleError             a model folder that must not be loaded
    ├── ModelError              the model or its process
    │   ├── ModelOutOfMemory
    │   └── WorkerDied
    ├── AnswerUnreadable        keeps the model's raw text
    ├── ExportRefused           a finding that an object cannot carry
    ├── DataSetError            training data, named by file and row
    ├── TrainingError           a training run that cannot go on as it is
    ├── SettingsError
    ├── NetworkError            a PACS that does not do what was asked
    │   ├── ServerUnreachable   no answer: trying again may help
    │   │   └── NotTrusted      TLS does not come about: a certificate is missing or wrong
    │   ├── ServerRefused       the answer is no
    │   │   ├── TitleRefused    one of the two AE titles is not known there
    │   │   └── LoginRefused    the user, password or token is not accepted
    │   └── SecretError         a password or token that the keyring does not give
    ├── LaunchRefused           a link or a start of the program that asks for what is not given
    ├── PluginError             a plug-in that does not do what it is there for
    ├── RecordUnreadable        a file that holds no explanation or finding
    ├── JournalError            the journal cannot be opened, read or written
    └── Cancelled               the user stopped it

``str(error)`` is that sentence. Mistakes of a programmer stay ``ValueError`` and its like.
"""

from __future__ import annotations

from pathlib import Path


class MedReasonError(Exception):
    """Base of all errors whose text is meant for the user."""


class VolumeError(MedReasonError):
    """A CT that cannot be read or shown."""


class PathNotFound(VolumeError):
    """There is nothing at the path the user gave."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"There is no file or folder at {path}.")
        self.path = path


class NothingToOpen(VolumeError):
    """The path exists but holds no image this program reads."""


class UnreadableFile(VolumeError):
    """One file could not be read; ``reason`` is a clause without a full stop."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path.name} could not be read: {reason}.")
        self.path = path
        self.reason = reason


class DecodeFailed(VolumeError):
    """Compressed pixels could not be decoded within the limits."""


class TooLarge(VolumeError):
    """An image or archive is larger than this workstation may hold."""


class RegionError(MedReasonError):
    """A box or point that does not lie on the slice."""


class BundleError(MedReasonError):
    """A model folder that is incomplete, damaged or unsafe."""


class ModelError(MedReasonError):
    """The model, or the process that runs it, failed."""


class ModelOutOfMemory(ModelError):
    """The model does not fit into the memory there is."""


class WorkerDied(ModelError):
    """The model's process ended without an answer."""


class AnswerUnreadable(MedReasonError):
    """A reply that does not follow the bundle's format; ``raw`` is its text, unchanged."""

    def __init__(self, raw: str, what: str = "an answer") -> None:
        super().__init__(f"The model's reply did not contain {what} that can be read.")
        self.raw = raw


class ExportRefused(MedReasonError):
    """A finding that cannot be written as that kind of object, and why."""


class DataSetError(MedReasonError):
    """Training or evaluation data that cannot be used, named by file and row."""


class TrainingError(MedReasonError):
    """A training run that cannot go on as it is: out of memory, a full disk, numbers that are none."""


class SettingsError(MedReasonError):
    """A settings file that cannot be understood."""


class LaunchRefused(MedReasonError):
    """A link, or another start of the program, asks for what cannot be understood or is not given."""


class PluginError(MedReasonError):
    """A plug-in does not do what it is there for; the program goes on without it."""


class RecordUnreadable(MedReasonError):
    """A document that should hold an explanation or a finding, and does not."""


class JournalError(MedReasonError):
    """The journal cannot be opened, read or written; what it acknowledged before stands."""


class NetworkError(MedReasonError):
    """A PACS, or the way to it, does not do what was asked."""


class ServerUnreachable(NetworkError):
    """No answer within the time allowed, or the connection broke: trying again may help."""


class ServerRefused(NetworkError):
    """The server answered, and the answer is no."""


class NotTrusted(ServerUnreachable):
    """No connection over TLS: a certificate is missing, wrong or not trusted."""


class TitleRefused(ServerRefused):
    """The server does not talk to us under that AE title, or does not have the one it was called by."""


class LoginRefused(ServerRefused):
    """The server does not accept the user, password or token."""


class SecretError(NetworkError):
    """The system's keyring does not give, or does not take, a password or token."""


class Cancelled(MedReasonError):
    """The user stopped the work."""

    def __init__(self) -> None:
        super().__init__("Stopped.")
