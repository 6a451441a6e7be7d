"""Names of the virtual tree beyond what the mount keeps: the kernel is asked to forget them. Nobody waits."""

from __future__ import annotations

import errno
import os
import platform
import signal
import sys
from pathlib import Path

import pytest

from tests.faults.test_limits import daemon_of
from tests.mount.actor import Actor, run_apart
from tests.mount.mounted import Mounted, mounted_at, wait_until

KEPT = 200
KEEPING_FEW = f"""
from mycelial import core
from mycelial.mount import main, virtual
virtual._INODES, virtual._LET_GO = {KEPT}, {KEPT // 2}
main.main()
"""
CAN_BE_ASKED = tuple(map(int, platform.release().split(".")[:2])) >= (6, 18)


class KeepingFew(Mounted):
    """A mount as any other, but that it keeps few names."""

    @property
    def command(self) -> list[str]:
        return [sys.executable, "-c", KEEPING_FEW, *Mounted.command.fget(self)[1:]]  # type: ignore[attr-defined]


def keeping_few(workspace: Path) -> Mounted:
    directory = workspace / "few"
    directory.mkdir()
    return KeepingFew(directory).start()


def look_up(search: Path, first: int, count: int) -> None:
    for number in range(first, first + count):
        os.lstat(search / f"word{number}")


def look_up_with_one_in_use(search: Path) -> tuple[bool, bool]:
    """Whether the numbers of a word in use, and of one that nobody uses, change when many are looked up."""
    numbers = []
    used = os.open(search / "used", os.O_PATH)
    for _ in range(2):
        numbers.append([os.lstat(search / name).st_ino for name in ("used", "unused")])
        look_up(search, 0, 3 * KEPT)
    os.close(used)
    return numbers[0][0] != numbers[1][0], numbers[0][1] != numbers[1][1]


def look_up_until_gone(search: Path, first: int) -> int:
    """Look more and more words up; the error in the end."""
    try:
        look_up(search, first, 1_000_000)
    except OSError as error:
        return error.errno or 0
    return 0


def test_names_that_nobody_uses_are_forgotten(workspace: Path) -> None:
    mount = keeping_few(workspace)
    changes = run_apart(look_up_with_one_in_use, mount.mountpoint / ".mycelial" / "search")
    assert changes == (False, CAN_BE_ASKED)
    mount.unmount()


@pytest.mark.parametrize("attempt", range(3))
def test_a_daemon_killed_while_it_has_names_forgotten_holds_up_nobody(attempt: int, workspace: Path) -> None:
    """Who looks a name up holds the directory's lock while he waits for the daemon."""
    mount = keeping_few(workspace)
    search = mount.mountpoint / ".mycelial" / "search"
    actors = [Actor() for _ in range(4)]
    try:
        for number, actor in enumerate(actors):
            actor.start(look_up_until_gone, search, 1_000_000 * number)
        wait_until(lambda: mount.status()["core"]["python_requests"] > (2 + attempt) * KEPT, what="look-ups")
        os.kill(daemon_of(mount), signal.SIGKILL)
        assert {actor.finish() for actor in actors} <= {errno.ENOTCONN, errno.ECONNABORTED}
    finally:
        for actor in actors:
            actor.close()
    mount.unmount()
    assert mounted_at(mount.mountpoint) is None
