"""Reading files one by one: what each gives, or why it gives nothing. The boundary to data from outside."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from ...errors import Cancelled, UnreadableFile
from .. import formats
from ..decoding.grid_headers import GridHeaders
from ..dicom import names
from ..dicom.headers import DamagedImage, Header, headers_of, read_headers
from ..dicom.pixels_only import keep_pixels
from ..dicom.tags import NotDicom, read_tags_from
from ..series import Format, Series, Unreadable
from .archive import Member
from .file_kind import not_an_image
from .scratch import Scratch

log = logging.getLogger(__name__)

_HEAD: Final = 512


@dataclass
class Catch:
    """What the files have given so far; ``owner`` keeps copies of archived files for as long as needed."""

    headers: list[Header] = field(default_factory=list)
    volumes: list[Series] = field(default_factory=list)
    damaged: list[DamagedImage] = field(default_factory=list)
    unreadable: list[Unreadable] = field(default_factory=list)
    owner: object | None = None
    grid_headers: GridHeaders = field(default_factory=GridHeaders)

    def read_file(self, path: Path) -> None:
        """Take what a file gives; never raises for what is in it."""
        self._guarded(path, lambda: self._read_file(path))

    def read_member(self, member: Member, scratch: Scratch) -> None:
        """Take what an archive's member gives, its pixels copied into the scratch folder."""
        self._guarded(member.origin, lambda: self._read_member(member, scratch))

    def pass_over(self, path: Path, reason: str) -> None:
        """Remember a file that gave nothing, and why."""
        self.unreadable.append(Unreadable(path, reason))

    def _guarded(self, path: Path, read: Callable[[], None]) -> None:
        try:
            read()
        except Cancelled:
            raise
        except UnreadableFile as error:
            if isinstance(error, DamagedImage):
                self.damaged.append(error)
            self.pass_over(path, error.reason)
        except PermissionError:
            self.pass_over(path, "this user may not read it")
        except MemoryError:
            self.pass_over(path, "it does not fit into memory")
        except Exception as error:  # parsers meet hostile bytes here: one file must not cost the others
            log.debug("a file could not be read: %s", type(error).__name__)
            self.pass_over(path, "its header is damaged")

    def _read_file(self, path: Path) -> None:
        try:
            self.headers += read_headers(path)
        except NotDicom:
            with path.open("rb") as file:
                head = file.read(_HEAD)
            kind = formats.format_of(path, head)
            if kind is None:
                raise UnreadableFile(path, not_an_image(head)) from None
            self.volumes.append(self._volume(path, kind))

    def _read_member(self, member: Member, scratch: Scratch) -> None:
        try:
            tags = read_tags_from(member.data, member.origin, names.WANTED)
        except NotDicom:
            self._keep_volume(member, scratch)
            return
        headers = headers_of(tags, member.origin, io.BytesIO(member.data))
        self.headers += keep_pixels(member.data, headers, scratch) if headers else []

    def _volume(self, path: Path, kind: Format) -> Series:
        return formats.series_of(path, kind, self.grid_headers.read(path, kind))

    def _keep_volume(self, member: Member, scratch: Scratch) -> None:
        head = member.data[:_HEAD]
        kind = formats.format_of(member.origin, head)
        if kind is None:
            raise UnreadableFile(member.origin, not_an_image(head))
        copy = scratch.write_nameless(member.data, formats.suffix(member.origin))  # its header names patients
        series = self._volume(copy, kind)
        named = replace(series.identity, series_description=member.origin.name)
        self.volumes.append(replace(series, identity=named))
