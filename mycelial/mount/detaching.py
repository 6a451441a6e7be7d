"""Taking mounts away by what they are: whoever may rename a directory above one has its path lead elsewhere.

A path that was right when the mount was made may lead to nothing when it ends, which would leave a dead
mount, or to what somebody else has mounted, which would be taken away instead. So would what lies below a
mount that is gone already.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import subprocess
import threading
from pathlib import Path

from mycelial.mount.mounted import Entry, open_place, table

_DETACH = 2  # MNT_DETACH: at once, though programs use it
_PATIENCE = 10.0  # seconds


def by_descriptor(fd: int) -> str:
    """Return a path that leads to what is open, also in another process, wherever it is by then."""
    return f"/proc/{os.getpid()}/fd/{fd}"


def detach(entry: Entry) -> bool:
    """Take a mount away if it is still there, wherever that is now; False if that could not be done.

    What the kernel has not handed over yet, as programs have the files open, is written first.
    """
    for now in table():
        if (now.number, now.device) == (entry.number, entry.device):
            return _detach_here(now) or detach_as_user(now.place)
    return True


def detach_open(place: int) -> bool:
    """Take away the mount whose root is open; False if that could not be done."""
    return bool(_libc().umount2(os.fsencode(by_descriptor(place)), _DETACH) == 0)


def detach_as_user(path: str) -> bool:
    """Have fusermount3 take away the mount at a path; it does so with those of the user who asks alone."""
    with contextlib.suppress(FileNotFoundError):
        command = ["fusermount3", "-u", "-q", "-z", "--", path]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    return False


def _detach_here(entry: Entry) -> bool:
    with contextlib.suppress(OSError):
        place = open_place(entry.place)
        try:
            if _number_of_mount(place) == entry.number:
                _write_out(place)
                return detach_open(place)
        finally:
            os.close(place)
    return False


def _write_out(place: int) -> None:
    """Have the kernel write what it keeps, unless that takes too long: the disk below may be gone."""

    def write() -> None:
        with contextlib.suppress(OSError):
            root = os.open(by_descriptor(place), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            _libc().syncfs(root)
            os.close(root)

    writing = threading.Thread(target=write, daemon=True)
    writing.start()
    writing.join(_PATIENCE)


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _number_of_mount(fd: int) -> int:
    """Return the number that the table of mounts has for where an open file is."""
    for line in Path(f"/proc/self/fdinfo/{fd}").read_text().splitlines():
        if line.startswith("mnt_id:"):
            return int(line.split()[1])
    return 0
