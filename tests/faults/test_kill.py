"""Kill -9 at any moment: what was fsynced is there, the database is whole, the next start works.

A killed engine costs no event: the mount keeps what is not stored. A killed mount costs the last second."""

from __future__ import annotations

import contextlib
import errno
import os
import random
import signal
import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.faults.foreground import is_recorded
from tests.mount.actor import Actor
from tests.mount.mounted import Mounted, mounted_at, run, wait_until
from tests.mount.recorded import events, mycelial

LOST = 1.0  # seconds of events that a kill of the mount may cost, besides those without a processor
GONE = (errno.ENOTCONN, errno.ECONNABORTED)
TARGETS = ("engine", "mount", "both")


@dataclass(frozen=True, slots=True)
class Done:
    """A file whose fsync returned: when that was, its name and its content."""

    at: float
    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Kill:
    """Who was killed and when, and up to when all was stored by then (seconds since the epoch)."""

    target: str
    at: float
    since: float

    def excuses(self, file: Done) -> bool:
        """Whether this may have cost what was recorded of a file."""
        return self.target != "engine" and self.since - LOST <= file.at <= self.at


def content_of(name: str, size: int) -> bytes:
    return (name.encode() * (size // len(name) + 1))[:size]


def work(directory: Path, prefix: str, seconds: float, seed: int) -> list[Done]:
    """Write files as programs do, each with an fsync, until time is up or the mount is gone."""
    dice = random.Random(seed)
    done: list[Done] = []
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        name = f"{prefix}-{len(done)}"
        content = content_of(name, dice.choice((0, 1, 100, 5000, 70_000, 300_000)))
        by_rename = dice.random() < 0.5
        try:
            path = directory / (f".{name}.part" if by_rename else name)
            fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
            try:
                os.write(fd, content)
                os.fsync(fd)
            finally:
                os.close(fd)
            if by_rename:
                os.rename(path, directory / name)
            os.listdir(directory)
        except OSError as error:
            if error.errno in GONE:
                break
            raise
        done.append(Done(time.time(), name, content))
    return done


def processes(mount: Mounted, target: str) -> list[int]:
    """The processes to kill."""
    found = mount.processes()
    engines = [pid for pid, line in found.items() if "mycelial.graph" in line]
    daemons = [pid for pid in found if pid not in engines]
    return {"engine": engines, "mount": daemons, "both": daemons + engines}[target]


def waited(pid: int) -> float:
    """How long a process was ready to run and had no processor, in seconds, up to now."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[1]) / 1e9


def stored_until(mount: Mounted, began: float) -> float:
    """Up to when what happened is stored; a new engine may hold all since the last one's end."""
    engine = mount.status()["engine"]
    return time.time() - float(engine["lag"]) if engine.get("events") else began


def one_round(mount: Mounted, number: int, seconds: float, began: float) -> tuple[Kill, list[Done]]:
    """Work, kill in the middle, and come back: who was killed, and what was acknowledged."""
    target = TARGETS[number % len(TARGETS)]
    engines = {pid: waited(pid) for pid in processes(mount, "engine")}
    with Actor(timeout=60) as one, Actor(timeout=60) as two:
        for actor, prefix in ((one, f"a{number}"), (two, f"b{number}")):
            actor.start(work, mount.mountpoint, prefix, seconds + 0.3, number)
        time.sleep(seconds)
        without = sum(waited(pid) - engines.get(pid, 0.0) for pid in processes(mount, "engine"))
        since = stored_until(mount, began) - without
        for pid in processes(mount, target):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        kill = Kill(target, time.time(), since)
        done = [*one.finish(), *two.finish()]
    for file in done:
        assert (mount.source / file.name).read_bytes() == file.content, f"{file.name} after killing {target}"
    if mount.database.exists():
        with contextlib.closing(sqlite3.connect(f"file:{mount.database}?mode=ro", uri=True)) as database:
            assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)], f"killed {target}"
    if target != "engine":
        mount.start()
    elif number % 2:
        mount.unmount()  # while there is no engine, or a new one begins
        mount.start()
    return kill, done


def survive(mount: Mounted, rounds: int, seconds: tuple[float, ...]) -> None:
    dice = random.Random(rounds)
    kills: list[Kill] = []
    files: list[Done] = []
    for number in range(rounds):
        began = kills[-1].since - LOST if kills else 0.0
        kill, done = one_round(mount, number, dice.uniform(0.02, seconds[number % len(seconds)]), began)
        kills.append(kill)
        files += done
    mount.unmount()
    found = events(mount)
    recorded = {event.get("to", event["path"]) for event in found if event["op"] in ("write", "rename")}
    missing = [
        file.name
        for file in files
        if file.name not in recorded and not any(kill.excuses(file) for kill in kills)
    ]
    assert len(files) > rounds, "no load at all"
    assert not missing, f"{len(missing)} events: {missing[:10]}"
    assert "?" not in {event["comm"] for event in found}
    assert len({(event["t"], event["op"], event["path"]) for event in found}) == len(found), "recorded twice"


def test_a_few_kills_lose_no_data_and_break_nothing(mount: Mounted) -> None:
    survive(mount, 5, (0.3, 0.2, 2.0))


@pytest.mark.slow
def test_a_hundred_kills_lose_no_data_and_break_nothing(mount: Mounted) -> None:
    survive(mount, 100, (0.3, 1.0, 2.5))


def test_a_killed_engine_costs_no_event(mount: Mounted) -> None:
    """Neither what it had read, nor what it had not, nor who did it."""
    files: list[Done] = []
    for number in range(5):
        wait_until(lambda: processes(mount, "engine"))
        with Actor() as actor:
            actor.start(work, mount.mountpoint, f"f{number}", 0.4, number)
            time.sleep(0.2)
            for pid in processes(mount, "engine"):
                os.kill(pid, signal.SIGKILL)
            files += actor.finish()
    mount.unmount()
    found = events(mount)
    written = {event.get("to", event["path"]) for event in found if event["op"] in ("write", "rename")}
    assert {file.name for file in files} <= written
    assert "?" not in {event["comm"] for event in found}
    assert len({(event["t"], event["op"], event["path"]) for event in found}) == len(found), "recorded twice"


def stopped_engine(mount: Mounted) -> int:
    """The engine, which stands still once it has recorded that the file "before" was written."""
    (mount.mountpoint / "before").write_text("x")
    wait_until(lambda: is_recorded(mount.database, "before"))
    (engine,) = processes(mount, "engine")
    os.kill(engine, signal.SIGSTOP)
    return engine


def writers(mount: Mounted) -> dict[str, str]:
    """Which program wrote each file, by the record."""
    return {event["path"]: event["comm"] for event in events(mount) if event["op"] == "write"}


def test_what_happens_while_there_is_no_engine_is_recorded_at_the_unmount(mount: Mounted) -> None:
    engine = stopped_engine(mount)
    (mount.mountpoint / "unread").write_text("x")
    os.kill(engine, signal.SIGKILL)
    wait_until(lambda: engine not in processes(mount, "engine"))
    (mount.mountpoint / "meanwhile").write_text("x")
    mount.unmount()
    by = writers(mount)
    assert by["before"] == by["unread"] == by["meanwhile"] != "?"


def test_an_engine_that_is_killed_at_the_unmount_costs_no_event(mount: Mounted) -> None:
    engine = stopped_engine(mount)
    (mount.mountpoint / "unread").write_text("x")
    assert run(["fusermount3", "-u", mount.mountpoint]).returncode == 0
    wait_until(lambda: mounted_at(mount.mountpoint) is None)
    time.sleep(0.5)  # until it is waited for
    os.kill(engine, signal.SIGKILL)
    mount.wait_for_end()
    by = writers(mount)
    assert by["before"] == by["unread"] != "?"


def tells_its_connection(daemon: int) -> bool:
    """Whether the kernel says which process serves a mount."""
    told = Path(f"/proc/{daemon}/fdinfo").iterdir()
    return any("fuse_connection" in descriptor.read_text() for descriptor in told)


def link_on(directory: Path, name: str) -> int | None:
    """Give a file another name, and take it away, until the mount is gone."""
    file, other = directory / name, directory / f"other {name}"
    file.write_bytes(b"")
    try:
        while True:
            os.link(file, other)
            os.unlink(other)
    except OSError as error:
        return error.errno


def test_a_mount_that_is_killed_while_names_come_and_go_ends_at_once(mount: Mounted) -> None:
    for round in range(2):  # what waits for the lock of a directory keeps the device open, and is not killed
        with Actor(timeout=60) as one, Actor(timeout=60) as two, Actor(timeout=60) as three:
            for number, actor in enumerate((one, two, three)):
                actor.start(link_on, mount.mountpoint, f"{round}.{number}")
            wait_until(lambda round=round: all((mount.source / f"{round}.{n}").exists() for n in range(3)))
            time.sleep(0.2)
            for pid in processes(mount, "mount"):
                os.kill(pid, signal.SIGKILL)
            try:
                assert {one.finish(), two.finish(), three.finish()} <= set(GONE)
            finally:
                mount.unmount()
        mount.start()


def test_the_doctor_lets_a_stopped_mount_go_on(mount: Mounted, tmp_path: Path) -> None:
    daemon = int(mount.status()["pid"])
    mend = f"kill -CONT {daemon}" if tells_its_connection(daemon) else f"fusermount3 -uz {mount.mountpoint}"
    os.kill(daemon, signal.SIGSTOP)
    try:
        asked = mycelial("doctor", env={**os.environ, "XDG_STATE_HOME": str(tmp_path)})
    finally:
        os.kill(daemon, signal.SIGCONT)
    assert f"failed  mount        {mount.mountpoint}: no answer" in asked.stdout
    assert f"-> {mend}\n" in asked.stdout


def test_the_doctor_names_a_dead_mount_and_its_mend_works(mount: Mounted, tmp_path: Path) -> None:
    for pid in processes(mount, "both"):
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not mount.processes())
    asked = mycelial("doctor", env={**os.environ, "XDG_STATE_HOME": str(tmp_path)})
    assert asked.returncode == 1
    line = next(line for line in asked.stdout.splitlines() if str(mount.mountpoint) in line)
    assert "dead, its daemon is gone" in line
    assert f"-> fusermount3 -u {mount.mountpoint}" in asked.stdout
    mount.unmount()
    assert mounted_at(mount.mountpoint) is None
