"""What is mounted at a place, asked without setting off an automount that waits there."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator

_MOUNTS = "/proc/self/mountinfo"
_OURS = "fuse.mycelial"


def ask(path: str) -> None:
    """Ask the filesystem at `path` for a sign of life.

    An automount holds up whoever opens its directory until the mount is made; whoever makes the mount must
    not wait for it. A descriptor that only names the place (O_PATH) does not set it off.

    Raises
    ------
    OSError
        if nothing is there, or no answer came: see :func:`is_dead`.
    """
    place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        os.fstatvfs(place)  # unlike stat, this asks the daemon of a FUSE filesystem
    finally:
        os.close(place)


def names_death(problem: OSError) -> bool:
    """Whether an error says that the daemon behind a mount is gone, or is just going."""
    return problem.errno in (errno.ENOTCONN, errno.ECONNABORTED)


def is_dead(path: str) -> bool:
    """Whether a FUSE mount is there whose daemon is gone."""
    try:
        ask(path)
    except OSError as problem:
        return names_death(problem)
    return False


def type_at(path: str) -> str | None:
    """Return the type of the topmost filesystem that is mounted at that very place; None if none is."""
    # Not realpath: that would look at the place itself, which may be dead.
    above, name = os.path.split(os.path.abspath(path))
    return _topmost(os.path.join(os.path.realpath(above), name))[0]


def shown_at(path: str) -> str | None:
    """Return what the mount of ours shows that is topmost at that real path; None if none is."""
    type_, shown = _topmost(path)
    return shown if type_ == _OURS else None


def mountpoints_of(source: str) -> set[str]:
    """Return where mounts of ours show `source`, even if something else is mounted over them.

    The table of mounts tells it: none of them is asked, so none can hang.
    """
    return {place for place, type_, shown in _table() if type_ == _OURS and shown == source}


def _topmost(wanted: str) -> tuple[str | None, str | None]:
    found: tuple[str | None, str | None] = (None, None)
    for place, type_, shown in _table():
        if place == wanted:
            found = (type_, shown)
    return found


def _table() -> Iterator[tuple[str, str, str]]:
    """Yield mountpoint, type and source of every mount, those on top after those below."""
    # Only a newline ends a line there: the kernel leaves other characters of names as they are.
    with open(_MOUNTS, encoding="utf-8", errors="surrogateescape", newline="\n") as table:
        for line in table:
            before, _, after = line.rstrip("\n").partition(" - ")
            type_, source = after.split(" ")[:2]
            yield _unescaped(before.split(" ")[4]), type_, _unescaped(source)


def _unescaped(field: str) -> str:
    """Undo the kernel's octal escapes of white space and backslashes (seq_path in fs/seq_file.c)."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), field)
