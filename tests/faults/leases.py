"""Leases on files of the source, as servers for other machines take them."""

from __future__ import annotations

import contextlib
import fcntl
import signal
from collections.abc import Iterator
from pathlib import Path

from tests.mount.mounted import Mounted, wait_until


def take(holder: int) -> None:
    fcntl.fcntl(holder, fcntl.F_SETSIG, signal.SIGURG)
    fcntl.fcntl(holder, fcntl.F_SETLEASE, fcntl.F_WRLCK)


@contextlib.contextmanager
def leased(mount: Mounted, count: int) -> Iterator[tuple[list[int], list[Path]]]:
    """The descriptors that hold the leases, and the files on the mount."""
    names = [f"leased{number}" for number in range(count)]
    with contextlib.ExitStack() as held:
        holders = []
        for name in names:
            (mount.source / name).write_text("content")
            held.callback((mount.source / name).unlink)
            holder = held.enter_context(open(mount.source / name, "r+b")).fileno()
            take(holder)
            holders.append(holder)
        yield holders, [mount.mountpoint / name for name in names]


def give_back(holder: int) -> None:
    fcntl.fcntl(holder, fcntl.F_SETLEASE, fcntl.F_UNLCK)


def wait_until_asked_for(holders: list[int]) -> None:
    wait_until(
        lambda: all(fcntl.fcntl(fd, fcntl.F_GETLEASE) != fcntl.F_WRLCK for fd in holders),
        what="somebody who asks for the files",
    )
