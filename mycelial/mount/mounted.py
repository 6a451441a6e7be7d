"""What is mounted at a place, asked without setting off an automount that waits there."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass

_MOUNTS = "/proc/self/mountinfo"
_OURS = "fuse.mycelial"


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the table of mounts. Numbers are used again when a mount is gone; its device is, too."""

    number: int
    device: str
    place: str
    type_: str
    shown: str

    def is_ours(self, source: str) -> bool:
        """Whether it is a mount of ours that shows that source."""
        return self.type_ == _OURS and self.shown == source


def open_place(path: str) -> int:
    """Open a place by its name alone (O_PATH): that sets off no automount, and asks no daemon.

    An automount holds up whoever opens its directory until the mount is made; whoever makes the mount must
    not wait for it.
    """
    return os.open(path, os.O_PATH | os.O_CLOEXEC)


def names_death(problem: OSError) -> bool:
    """Whether an error says that the daemon behind a mount is gone, or is just going."""
    return problem.errno in (errno.ENOTCONN, errno.ECONNABORTED)


def is_dead(place: int) -> bool:
    """Whether the daemon of the FUSE filesystem at a place that is open is gone.

    Raises
    ------
    OSError
        if another answer came than those of a filesystem that is well.
    """
    try:
        os.fstatvfs(place)  # unlike stat, this asks the daemon
    except OSError as problem:
        if not names_death(problem):
            raise
        return True
    return False


def is_dead_at(path: str) -> bool:
    """Whether a FUSE mount is at that path whose daemon is gone."""
    try:
        place = open_place(path)
        try:
            return is_dead(place)
        finally:
            os.close(place)
    except OSError as problem:
        return names_death(problem)


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
    return {entry.place for entry in table() if entry.is_ours(source)}


def _topmost(wanted: str) -> tuple[str | None, str | None]:
    found: tuple[str | None, str | None] = (None, None)
    for entry in table():
        if entry.place == wanted:
            found = (entry.type_, entry.shown)
    return found


def table() -> Iterator[Entry]:
    """Yield what is mounted, what lies on top after what lies below."""
    # Only a newline ends a line there: the kernel leaves other characters of names as they are.
    with open(_MOUNTS, encoding="utf-8", errors="surrogateescape", newline="\n") as lines:
        for line in lines:
            before, _, after = line.rstrip("\n").partition(" - ")
            number, _, device, _, place = before.split(" ")[:5]
            type_, source = after.split(" ")[:2]
            yield Entry(int(number), device, _unescaped(place), type_, _unescaped(source))


def _unescaped(field: str) -> str:
    """Undo the kernel's octal escapes of white space and backslashes (seq_path in fs/seq_file.c)."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), field)
