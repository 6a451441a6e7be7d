"""Whether a database can be kept somewhere: nobody else may read it, put one there first, or swap it later.

A file is as safe as the directories above it: whoever owns one of them, or may write to it, can put something
else in its place. So all of them must belong to this user or to root. The idea is that of sshd's StrictModes.
"""

from __future__ import annotations

import os
import pwd
import stat
from enum import Enum
from pathlib import Path

_BESIDE = ("", "-wal", "-shm", "-journal", "-lock")
_MEND = "keep the database in a directory of your own"
_OVERFLOW = Path("/proc/sys/kernel/overflowuid")
_UID_MAP = Path("/proc/self/uid_map")


class Sticky(Enum):
    """Whether the directory itself may be one like /tmp, where others cannot remove what is not theirs."""

    REFUSED = "refused"
    ACCEPTED = "accepted"  # for what is not there long enough to lie in wait for


def objection(db: Path, sticky: Sticky = Sticky.REFUSED) -> str | None:
    """Return why a database at `db` would not be this user's alone, in one line; None if it would be."""
    real = Path(os.path.realpath(db))
    trusted = _trusted()
    for directory in (real.parent, *real.parent.parents):
        try:
            found = directory.stat()
        except OSError:
            continue  # it will be made, or the attempt says what is wrong
        if found.st_uid not in trusted:
            return f"{directory} belongs to {_name(found.st_uid)}: {_MEND}"
        may_stick = directory != real.parent or sticky is Sticky.ACCEPTED
        if _is_open_to_others(found) and not (may_stick and found.st_mode & stat.S_ISVTX):
            mode = stat.S_IMODE(found.st_mode)
            return f"others may write to {directory} (mode {mode:o}): {_MEND}"
    for suffix in _BESIDE:
        path = f"{real}{suffix}"
        try:
            found = os.lstat(path)
        except OSError:
            continue
        if found.st_uid != os.geteuid() and not (found.st_uid in trusted and os.geteuid() == 0):
            return f"{path} belongs to {_name(found.st_uid)}, and only its owner may write to it"
        if not stat.S_ISREG(found.st_mode):
            return f"{path} is no regular file"
        if found.st_mode & 0o022:
            return f"others may write to {path}: chmod go-w it, if nobody did"
    return None


def _trusted() -> set[int]:
    """Return whose directories are as good as this user's own."""
    trusted = {0, os.geteuid()}
    if os.geteuid() == 0 and (sudo := os.environ.get("SUDO_UID", "")).isdigit():
        trusted.add(int(sudo))  # who may become root can do all this anyway
    try:
        if _UID_MAP.read_text().split() != ["0", "0", "4294967295"]:
            trusted.add(int(_OVERFLOW.read_text()))  # in a container, root of the machine looks like nobody
    except (OSError, ValueError):
        pass
    return trusted


def _is_open_to_others(found: os.stat_result) -> bool:
    if found.st_mode & stat.S_IWOTH:
        return True
    # Where every user has a group of his own, directories are often writable to it.
    return bool(found.st_mode & stat.S_IWGRP) and found.st_gid not in (0, os.getegid())


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"
