"""Commands that write to the database of a live mount: the engine stands aside, and nothing is lost."""

from __future__ import annotations

import os
import select
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.mount.actor import run_apart
from tests.mount.mounted import Mounted, wait_until
from tests.mount.recorded import events, mycelial, told, wait_for, wait_for_events

BORROWS = """
import sys
from pathlib import Path
from mycelial.store.handover import maintaining
with maintaining(Path(sys.argv[1]), live=True) as writer:
    print(writer.database.tables["event"].count, flush=True)
    sys.stdin.readline()
"""


class Borrower:
    """A command that has the writer's place until the end of the block."""

    def __init__(self, mount: Mounted) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", BORROWS, str(mount.database)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Borrower:
        return self

    def events(self) -> int:
        """How many events it found; waits until it has the database."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, "the command did not get the database"
        return int(line)

    def end(self) -> None:
        self.process.communicate("\n", timeout=60)
        assert self.process.returncode == 0

    def __exit__(self, *_: object) -> None:
        if self.process.returncode is None:
            self.process.kill()
            self.process.communicate()


def socket_of(mount: Mounted) -> Path:
    (found,) = mount.database.parent.glob("*.control")
    return found


def test_a_live_database_can_be_rebuilt(mount: Mounted) -> None:
    (mount.source / "file").touch()
    run_apart((mount.mountpoint / "file").read_bytes)
    wait_for(mount, "open", "file")
    run_apart((mount.mountpoint / "file").read_bytes)
    finished = mycelial("rebuild", "--json", mount.mountpoint)
    assert finished.returncode == 0, finished.stderr
    assert told(events(mount), "file") == ["open"] * 2, "what happened just before is stored first"
    run_apart((mount.mountpoint / "file").read_bytes)
    wait_for_events(mount, lambda log: told(log, "file") == ["open"] * 3)


def test_events_wait_while_a_command_has_the_database(mount: Mounted) -> None:
    (mount.source / "before").touch()
    (mount.source / "meanwhile").touch()
    run_apart((mount.mountpoint / "before").read_bytes)
    with Borrower(mount) as command:
        assert command.events() == 1
        run_apart((mount.mountpoint / "meanwhile").read_bytes)
        time.sleep(0.5)
        assert told(events(mount), "meanwhile") == []
        command.end()
    wait_for(mount, "open", "meanwhile")
    assert mount.status()["engine"]["state"] == "ok"
    assert mount.status()["engine"]["dropped"] == 0


def test_a_killed_command_gives_the_database_back(mount: Mounted) -> None:
    (mount.source / "file").touch()
    with Borrower(mount) as command:
        command.events()
        command.process.kill()
        run_apart((mount.mountpoint / "file").read_bytes)
        wait_for(mount, "open", "file")


def test_two_commands_wait_for_each_other(mount: Mounted) -> None:
    with Borrower(mount) as first, Borrower(mount) as second:
        ready, _, _ = select.select([first.process.stdout, second.process.stdout], [], [], 20)
        early, late = (first, second) if first.process.stdout in ready else (second, first)
        early.events()
        assert not select.select([late.process.stdout], [], [], 0.5)[0]
        early.end()
        late.events()
        late.end()


def test_an_engine_killed_meanwhile_comes_back_when_the_command_is_done(mount: Mounted) -> None:
    (mount.source / "file").touch()
    with Borrower(mount) as command:
        command.events()
        os.kill(int(mount.status()["engine"]["pid"]), signal.SIGKILL)
        wait_until(lambda: mount.status()["engine"]["state"] == "degraded", what="the other engine waits")
        run_apart((mount.mountpoint / "file").read_bytes)
        assert told(events(mount), "file") == []
        command.end()
    wait_until(lambda: told(events(mount), "file"), what="it goes on")
    assert mycelial("rebuild", mount.mountpoint).returncode == 0


def test_unmounting_waits_for_a_command_that_is_nearly_done(mount: Mounted) -> None:
    (mount.source / "file").touch()
    with Borrower(mount) as command:
        command.events()
        run_apart((mount.mountpoint / "file").read_bytes)
        subprocess.run(["fusermount3", "-u", str(mount.mountpoint)], check=True)
        command.end()
    mount.wait_for_end()
    assert told(events(mount), "file") == ["open"]
    assert not list(mount.database.parent.glob("*.control"))


@pytest.mark.slow
def test_a_hung_engine_is_an_error_in_one_line(mount: Mounted) -> None:
    pid = int(mount.status()["engine"]["pid"])
    wait_until(lambda: list(mount.database.parent.glob("*.control")), what="the engine listens")
    os.kill(pid, signal.SIGSTOP)
    try:
        finished = mycelial("rebuild", mount.mountpoint, timeout=60)
    finally:
        os.kill(pid, signal.SIGCONT)
    assert finished.returncode == 1
    assert finished.stderr.count("\n") == 1
    assert "does not answer" in finished.stderr


def test_the_socket_is_its_owners_alone(mount: Mounted) -> None:
    wait_until(lambda: list(mount.database.parent.glob("*.control")), what="the engine listens")
    found = os.lstat(socket_of(mount))
    assert stat.S_ISSOCK(found.st_mode)
    assert stat.S_IMODE(found.st_mode) == 0o600
    assert found.st_uid == os.geteuid()
