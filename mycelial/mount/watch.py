"""mycelial-watch: notices that the daemon behind a mount died, which a plain .mount unit of systemd does not.

It asks the mount for its daemon once and then sleeps on that process, so watching costs nothing; only a mount
without views has to be looked at again and again. A unit that runs this can mount anew when it ends with 1.
"""

from __future__ import annotations

import errno
import json
import os
import select
import sys
import time

from mycelial import __version__
from mycelial.mount.complaint import complain
from mycelial.mount.mounted import is_dead_at, names_death, type_at

_STATUS = "user.mycelial.status"
_LOOKS_EVERY = 2.0  # seconds, at a mount that does not say which process serves it
_SETTLING = 0.05  # seconds

HELP = """\
usage: mycelial-watch MOUNTPOINT

Waits until the mount ends. Exit codes: 0 it was unmounted, 1 its daemon died and left a dead mount,
2 wrong usage, or there is no mount to watch.

  -V, --version        print the version
  -h, --help           print this
"""


class NoMountError(Exception):
    """There is nothing to watch; the text is one line."""


def main() -> None:
    """Run as a program."""
    sys.exit(_command(sys.argv[1:]))


def _command(arguments: list[str]) -> int:
    match arguments:
        case ["-h" | "--help"]:
            print(HELP, end="")
            return 0
        case ["-V" | "--version"]:
            print(f"mycelial-watch {__version__}")
            return 0
        case [mountpoint] if not mountpoint.startswith("-"):
            pass
        case _:
            complain("mycelial-watch", "MOUNTPOINT is needed, and nothing else")
            return 2
    try:
        died = daemon_died(mountpoint)
    except NoMountError as problem:
        complain("mycelial-watch", problem)
        return 2
    if died:
        complain("mycelial-watch", f"{mountpoint}: the daemon died")
    return int(died)


def daemon_died(mountpoint: str) -> bool:
    """Wait for the end of the mount's daemon, and say whether it left a dead mount behind.

    Raises
    ------
    NoMountError
        if the place is not one of our mounts, or not one that this user may enter.
    """
    try:
        device = os.stat(mountpoint).st_dev
        if type_at(mountpoint) != "fuse.mycelial":
            raise NoMountError(f"{mountpoint}: no mount of Mycelial")
        daemon = daemon_of(mountpoint)
    except OSError as problem:
        if names_death(problem):
            return True
        raise NoMountError(f"{mountpoint}: {problem.strerror}") from None
    while not is_dead_at(mountpoint):
        if not _is_there(mountpoint, device):
            return False
        if daemon is None:
            time.sleep(_LOOKS_EVERY)
        elif select.select([daemon], [], [])[0]:
            time.sleep(_SETTLING)  # it has ended, and the kernel is about to know
    return True


def daemon_of(mountpoint: str) -> int | None:
    """Return a descriptor that becomes readable when the process ends; None where the mount is silent."""
    try:
        return os.pidfd_open(int(json.loads(os.getxattr(mountpoint, _STATUS))["pid"]))
    except (ValueError, KeyError, TypeError, ProcessLookupError):
        return None
    except OSError as problem:
        if problem.errno in (errno.ENODATA, errno.ENOTSUP):  # without views there is no status
            return None
        raise


def _is_there(path: str, device: int) -> bool:
    try:
        return os.stat(path).st_dev == device
    except OSError as problem:
        return names_death(problem)
