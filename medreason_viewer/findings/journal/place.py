"""Where the journal lies: a file of its user alone, on a disk that can lock."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

import platformdirs
import psutil

from ...errors import JournalError

_APP: Final = "medreason-viewer"
_NETWORK: Final = frozenset(
    {
        *("nfs", "nfs4", "cifs", "smb2", "smb3", "smbfs", "afs", "afpfs", "9p", "coda", "ncpfs"),
        *("ceph", "glusterfs", "lustre", "gpfs", "beegfs", "pvfs2", "davfs", "webdav"),
        *("fuse.sshfs", "fuse.davfs2", "fuse.glusterfs", "fuse.ceph", "fuse.rclone", "fuse.s3fs"),
    }
)


def default_path() -> Path:
    """Where the journal of this user lies (it need not exist)."""
    return Path(platformdirs.user_data_path(_APP, appauthor=False)) / "journal.sqlite3"


def prepare(path: Path) -> bool:
    """Make the folder and an empty file that their user alone can read, and see that the disk can lock.

    Returns
    -------
    bool
        Whether the disk is on the network: then one program at a time may have the journal.

    Raises
    ------
    JournalError
        If the file cannot be made, or the disk cannot lock.
    """
    try:
        _private_folder(path.parent, ours=path == default_path())
        new = not path.exists()
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        if new:
            flush_folder(path.parent)
        elif os.name == "posix" and path.stat().st_mode & 0o077:
            path.chmod(0o600)
        return _lockable(path)
    except OSError as error:
        raise JournalError(f"The journal {path} cannot be opened: {error.strerror}.") from error


def _private_folder(folder: Path, *, ours: bool) -> None:
    new = not folder.exists()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if os.name == "posix" and (new or ours) and folder.stat().st_mode & 0o077:
        folder.chmod(0o700)


def flush_folder(folder: Path) -> None:
    """Have the folder's own entries on the disk, so that a new or renamed file is there after a power cut."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _lockable(path: Path) -> bool:
    kind = file_system(path)
    network = kind in _NETWORK or str(path).startswith("\\\\")
    if not excludes(path):
        where = (
            f"is on a network disk ({kind}) that" if network else f"is on a disk ({kind or 'unknown'}) that"
        )
        raise JournalError(
            f"The journal {path} {where} cannot lock files, and two programs could spoil it. "
            "Keep it on a disk of this computer: set XDG_DATA_HOME, or mount the disk with locking."
        )
    return network


def file_system(path: Path) -> str:
    """The type of the file system that holds a path, such as ``ext4`` or ``nfs4``; empty where unknown."""
    resolved = path.resolve()
    mounts = psutil.disk_partitions(all=True)
    holding = [mount for mount in mounts if resolved.is_relative_to(mount.mountpoint)]
    best = max(holding, key=lambda mount: len(mount.mountpoint), default=None)
    return str(best.fstype).lower() if best else ""


def excludes(path: Path) -> bool:
    """Whether a lock on the disk of ``path`` keeps a second one out, tried on a file beside it."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.lock")
    try:
        return _locks_out(beside)
    finally:
        beside.unlink(missing_ok=True)


if sys.platform == "linux":
    import fcntl
    import struct

    def _locks_out(beside: Path) -> bool:
        """Two open files of one process, under locks that belong to the file and not to the process."""
        with beside.open("wb") as one, beside.open("wb") as other:
            lock = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
            try:
                fcntl.fcntl(one, fcntl.F_OFD_SETLK, lock)
            except OSError:
                return False
            try:
                fcntl.fcntl(other, fcntl.F_OFD_SETLK, lock)
            except OSError:
                return True
            return False

else:

    def _locks_out(beside: Path) -> bool:
        """A child process has to be kept out, for elsewhere locks belong to processes."""
        import sqlite3
        import subprocess

        code = (
            "import sqlite3, sys\ntry: sqlite3.connect(sys.argv[1], timeout=0).execute('BEGIN EXCLUSIVE')\n"
            "except sqlite3.OperationalError: sys.exit(7)"
        )
        with sqlite3.connect(beside, isolation_level=None) as holder:
            holder.execute("BEGIN EXCLUSIVE")
            child = subprocess.run([sys.executable, "-c", code, str(beside)], check=False)
        holder.close()
        return child.returncode == 7
