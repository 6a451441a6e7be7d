"""Taking mounts away by what they are: whoever may rename a directory above one has its path lead elsewhere.

A path that was right when the mount was made may lead to nothing when it ends, which would leave a dead
mount, or to what somebody else has mounted, which would be taken away instead. So would what lies below a
mount that is gone already.
"""

from __future__ import annotations

import contextlib
import ctypes
import logging
import os
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

from mycelial.mount.mounted import Entry, is_dead, open_place, table

log = logging.getLogger(__name__)

_DETACH = 2  # MNT_DETACH: at once, though programs use it
_PATIENCE = 10.0  # seconds


def by_descriptor(fd: int) -> str:
    """Return a path that leads this process to what it has open, wherever that is by then."""
    return f"/proc/self/fd/{fd}"


def detach(entry: Entry) -> bool:
    """Take a mount away if it is still there, wherever that is now; False if that could not be done.

    What the kernel has not handed over yet, as programs have the files open, is written first.
    """
    if (now := _found(entry)) is not None:
        _at(now, _write_out)
    if (now := _found(entry)) is not None and not _at(now, detach_open) and _at(now, lambda place: True):
        detach_as_user(now.place)
    return _found(entry) is None


def detach_dead(entry: Entry) -> bool:
    """Take a mount away that the kernel has cut off from its daemon, which asks; False if it is still there.

    Its numbers may be those of another mount by now: that one answers.
    """
    now = _found(entry)
    if now is None:
        return True
    path = now.place

    def end(place: int) -> bool:
        if not _is_dead(place):
            return True
        log.warning("%s: cut off by umount -f, or an abort: unmounting", path)
        return detach_open(place) or detach_as_user(path)

    return _at(now, end) or _found(entry) is None  # a signal may have had it taken away meanwhile


def detach_open(place: int) -> bool:
    """Take away the mount whose root is open; False if that could not be done."""
    return bool(_libc().umount2(os.fsencode(by_descriptor(place)), _DETACH) == 0)


def detach_as_user(path: str) -> bool:
    """Have fusermount3 take away the mount at a path: one of the user who asks; of root's it takes any."""
    if os.geteuid() == 0:
        return False
    with contextlib.suppress(FileNotFoundError):
        command = ["fusermount3", "-u", "-q", "-z", "--", path]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    return False


def _found(entry: Entry) -> Entry | None:
    """Return where a mount is now; None if it is gone."""
    same = (now for now in table() if (now.number, now.device) == (entry.number, entry.device))
    return next(same, None)


def _is_dead(place: int) -> bool:
    try:
        return is_dead(place)
    except OSError:  # somebody else's, who lets nobody in
        return False


def _at(entry: Entry, act: Callable[[int], bool]) -> bool:
    """Act on a mount; False also if its path leads elsewhere, as something covers it, or nowhere."""
    with contextlib.suppress(OSError):
        place = open_place(entry.place)
        try:
            return _number_of_mount(place) == entry.number and act(place)
        finally:
            os.close(place)
    return False


def _write_out(place: int) -> bool:
    """Have the kernel write what it keeps, unless that takes too long: the disk below may be gone."""

    def write() -> None:
        with contextlib.suppress(OSError):
            root = os.open(by_descriptor(place), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            _libc().syncfs(root)
            os.close(root)

    writing = threading.Thread(target=write, daemon=True)
    writing.start()
    writing.join(_PATIENCE)
    return not writing.is_alive()


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _number_of_mount(fd: int) -> int:
    """Return the number that the table of mounts has for where an open file is."""
    for line in Path(f"/proc/self/fdinfo/{fd}").read_text().splitlines():
        if line.startswith("mnt_id:"):
            return int(line.split()[1])
    return 0
