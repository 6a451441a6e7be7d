"""What an error of SQLite, or of the disk below it, means for the person who has to mend it."""

from __future__ import annotations

import errno
import os
import sqlite3
from pathlib import Path

from mycelial.store.errors import FullError, StoreError

_DISK = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY)
_NEED_ROOM = (
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_IOERR_WRITE,
    sqlite3.SQLITE_IOERR_FSYNC,
    sqlite3.SQLITE_IOERR_DIR_FSYNC,
    sqlite3.SQLITE_IOERR_TRUNCATE,
    sqlite3.SQLITE_IOERR_SHMOPEN,
    sqlite3.SQLITE_IOERR_SHMSIZE,
    sqlite3.SQLITE_IOERR_SHMMAP,
)
"""What SQLite says of these on a full disk, too, where it does not say that it is full."""
_LOCKED = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_LONGEST = 504
"""Bytes of a path that SQLite opens with its journal (MAX_PATHNAME in os_unix.c, without "-journal")."""

_ROOM = 1 << 20
"""Bytes that must be free for a database whose disk was full: its own closing frees a few, for a moment."""

_MOVE_AWAY = "move it away; a new one is made by itself"


def trouble_with(path: Path, error: Exception) -> StoreError:
    """Return what to raise, or to say, when `error` came up in the work with the database at `path`."""
    if isinstance(error, StoreError):
        return error
    if isinstance(error, OSError):
        return _disk(path, error.strerror or str(error), is_full=error.errno in (errno.ENOSPC, errno.EDQUOT))
    extended = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    code = extended & 0xFF
    if code == sqlite3.SQLITE_NOTADB:
        return StoreError(f"{path}: not a database (damaged, or some other file)", mend=_MOVE_AWAY)
    if code == sqlite3.SQLITE_CORRUPT:
        return StoreError(f"{path}: damaged ({error})", mend=_MOVE_AWAY)
    if code in _LOCKED:
        return StoreError(f"{path}: locked by another program", mend="end that program (fuser names it)")
    if code == sqlite3.SQLITE_CANTOPEN and len(os.fsencode(path)) > _LONGEST:
        return StoreError(
            f"{path}: SQLite takes no path of more than {_LONGEST} bytes", mend="keep it elsewhere (--db)"
        )
    if code == sqlite3.SQLITE_CANTOPEN and path.exists() and not os.access(path, os.R_OK):
        return StoreError(f"{path}: it may be read by its owner only", mend="ask as that user")
    if code in _DISK:
        is_full = code == sqlite3.SQLITE_FULL or (extended in _NEED_ROOM and not _has_any(path))
        return _disk(path, str(error), is_full=is_full)
    if not isinstance(error, sqlite3.Error):  # what stands there cannot be understood
        return StoreError(f"{path}: damaged ({type(error).__name__})", mend=_MOVE_AWAY)
    text = str(error).partition(" with text ")[0]  # what is recorded is not for the system's log
    return StoreError(f"{path}: {text}", mend=_MOVE_AWAY)


def free_bytes(path: Path) -> int:
    """Return how much is free on the disk of the database at `path`, be it for root alone or for nobody."""
    try:
        disk = os.statvfs(path.parent)
    except OSError:
        return 0
    return disk.f_bfree * disk.f_frsize


def has_room(path: Path, free_then: int) -> bool:
    """Whether the disk of the database at `path` has room again, for all that is known.

    When it was full, `free_then` bytes were free: what is kept for root, who may fill all but the rest.
    """
    try:
        disk = os.statvfs(path.parent)
    except OSError:
        return True
    needed = min(_ROOM, disk.f_blocks * disk.f_frsize // 8)
    return max(disk.f_bavail * disk.f_frsize, disk.f_bfree * disk.f_frsize - free_then) >= needed


def _has_any(path: Path) -> bool:
    """Whether anything at all is free for everybody on the disk of the database at `path`."""
    try:
        disk = os.statvfs(path.parent)
    except OSError:
        return True
    return bool(disk.f_bavail and (disk.f_favail or not disk.f_files))


def _disk(path: Path, text: str, *, is_full: bool) -> StoreError:
    """Say what is the matter with the disk; SQLite itself often says no more than "disk I/O error"."""
    if is_full:
        return FullError(f"{path}: the disk is full", mend="make room; recording then goes on by itself")
    try:
        figures = os.statvfs(path.parent)
    except OSError:
        return StoreError(f"{path}: {text}", mend="see whether its directory is there")
    if figures.f_flag & os.ST_RDONLY:
        return StoreError(
            f"{path}: on a read-only filesystem", mend="make it writable, or keep it elsewhere (--db)"
        )
    return StoreError(f"{path}: {text}", mend="see who owns it, and whether the disk is well")
