"""A path -> the studies and series it holds, from headers only."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from ..cancel import Cancel
from ..errors import NothingToOpen, PathNotFound, UnreadableFile, VolumeError
from . import formats
from .decoding.grid_headers import GridHeaders
from .dicom.directory import listed_files
from .dicom.tags import is_media_directory
from .scanning.archive import Archive, Member, is_zip
from .scanning.assemble import build_series
from .scanning.catch import Catch
from .scanning.grouping import group_by_series, named, printable, series_key, split_parts
from .scanning.places import settle_places
from .scanning.scratch import Scratch
from .series import Scan, Series, Study

Progress = Callable[[int, int], None]


def scan(
    path: Path | str,
    *,
    cancel: Cancel | None = None,
    progress: Progress | None = None,
    wanted: Callable[[Path], bool] | None = None,
) -> Scan:
    """Read the headers of all that a folder, file, zip archive or DICOMDIR holds.

    Parameters
    ----------
    progress : callable, optional
        Called with (files done, files in all) as the scan goes on; while folders are listed, with 0 and the
        files found so far.
    wanted : callable, optional
        Which files below a folder to look at; all of them by default.

    Raises
    ------
    PathNotFound, NothingToOpen
        If the path is not there, or holds no image.
    VolumeError
        If it is one damaged file, or an archive or DICOMDIR that is damaged, encrypted or too large.
    Cancelled
        If a stop was requested.
    """
    path = Path(path)
    if not _exists(path):
        raise PathNotFound(path)
    try:
        with GridHeaders(cancel) as grid_headers:
            catch = Catch(grid_headers=grid_headers)
            for done, total in _read_all(path, catch, wanted or _any):
                if progress is not None:
                    progress(done, total)
                if cancel is not None:
                    cancel.check()
    except OSError as error:
        raise VolumeError(f"{printable(path.name)} could not be read: {error.strerror}.") from error
    if not (catch.headers or catch.volumes):
        raise _nothing(path, catch)
    return Scan(path, _studies(catch, cancel or Cancel()), tuple(catch.unreadable))


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a name too long, or a folder on the way that may not be entered
        return False


def _any(_path: Path) -> bool:
    return True


def _read_all(path: Path, catch: Catch, wanted: Callable[[Path], bool]) -> Iterator[tuple[int, int]]:
    """Read everything at the path into ``catch``; yields (files done, files in all)."""
    if path.is_dir():
        files: list[Path] = []
        for found in _files_under(path, catch):
            files += filter(wanted, found)
            yield 0, len(files)
        yield from _read_files(files, catch)
    elif not path.is_file():
        raise NothingToOpen(f"{printable(path.name)} is neither a file nor a folder.")
    elif is_zip(path):
        yield from _read_archive(path, catch)
    elif is_media_directory(path):
        files, refused = listed_files(path)
        catch.unreadable += refused
        yield from _read_files(files, catch)
    else:
        yield from _read_files([path], catch)


def _files_under(path: Path, catch: Catch) -> Iterator[list[Path]]:
    """Every regular file below a folder, a folder at a time, in order of their names.

    Links to folders are not followed.
    """
    waiting = [str(path)]
    while waiting:
        folder = waiting.pop()
        try:
            with os.scandir(folder) as entries:
                found = sorted(entries, key=lambda entry: entry.name)
        except OSError:
            catch.pass_over(Path(folder), "this folder cannot be read")
            continue
        yield [Path(entry.path) for entry in found if _is_file(entry)]
        waiting += [entry.path for entry in reversed(found) if entry.is_dir(follow_symlinks=False)]


def _is_file(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_file()
    except OSError:  # a link that leads back to itself
        return False


def _read_files(files: list[Path], catch: Catch) -> Iterator[tuple[int, int]]:
    for done, file in enumerate(files, start=1):
        catch.read_file(file)
        yield done, len(files)
    needed = {companion for series in catch.volumes for companion in formats.companions(series)}
    catch.unreadable = [item for item in catch.unreadable if item.path not in needed]


def _read_archive(path: Path, catch: Catch) -> Iterator[tuple[int, int]]:
    archive, scratch = Archive(path), Scratch()
    catch.owner = scratch
    for done, member in enumerate(archive.members(), start=1):
        if isinstance(member, Member):
            catch.read_member(member, scratch)
        else:
            catch.pass_over(member.path, member.reason)
        yield done, len(archive)


def _nothing(path: Path, catch: Catch) -> VolumeError:
    """The sentence for a path that gave no image at all."""
    name = printable(path.name or str(path))
    if not catch.unreadable:
        return NothingToOpen(f"{name} is empty: there is no file in it.")
    first = catch.unreadable[0]
    if path.is_file() and len(catch.unreadable) == 1 and first.path == path:
        return UnreadableFile(path, first.reason)
    passed = (
        f"{len(catch.unreadable)} file(s) were passed over ({printable(first.path.name)}: {first.reason})"
    )
    return NothingToOpen(f"{name} holds no image that can be shown; {passed}.")


def _studies(catch: Catch, cancel: Cancel) -> tuple[Study, ...]:
    """Series in order of their numbers, a series before what was split off from it, by patient and study."""
    studies: dict[tuple[str, str], list[Series]] = {}
    for series in [*_dicom_series(catch, cancel), *catch.volumes]:
        owned = replace(series, owner=catch.owner)
        key = series.identity.study_uid, series.identity.patient_key
        studies.setdefault(key, []).append(owned)
    return tuple(Study(uid, tuple(found)) for (uid, _), found in studies.items())


def _dicom_series(catch: Catch, cancel: Cancel) -> list[Series]:
    lost: dict[object, list[Path]] = {}
    for damaged in catch.damaged:
        lost.setdefault(series_key(damaged.tags, damaged.path), []).append(damaged.path)
    found: list[list[Series]] = []
    for part in group_by_series(catch.headers):
        cancel.check()
        missing = lost.get(series_key(part.headers[0].tags, part.headers[0].origin))
        if missing:
            part = part.with_note("unreadable", f"{named(missing)} could not be read.")
        found.append([build_series(stack) for piece in split_parts(part) for stack in settle_places(piece)])
    found.sort(key=_series_order)
    return [series for split in found for series in split]


def _series_order(split: list[Series]) -> tuple[bool, int, str]:
    """What can be shown comes first."""
    first = split[0]
    return not first.loadable, first.identity.series_number or 0, first.identity.series_uid
