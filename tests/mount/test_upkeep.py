"""A mount's database is looked after while it is in use, and by itself."""

from __future__ import annotations

import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mycelial.graph.priority import SLICE
from mycelial.graph.rebuild import replay
from mycelial.record.events import Event, Op, Process
from tests.mount.actor import run_apart
from tests.mount.mounted import PATIENCE, Mounted, installed, wait_until
from tests.mount.recorded import events, mycelial, wait_for

KEEPS = 300
"""Events that the configuration of these tests keeps."""


def old_work(count: int) -> list[Event]:
    """A log that is longer than what is kept; each event is of a process and a file of its own."""
    return [
        Event(
            1.7e9 + number, Op.OPEN, f"old/{number}", Process(5000 + number, 1, "less", os.getuid(), start=9)
        )
        for number in range(count)
    ]


def rows(db: Path, query: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(f"file:{db}?mode=ro", uri=True)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


def test_a_live_mount_is_checked_copied_and_pruned(mount: Mounted, tmp_path: Path) -> None:
    for number in range(5):
        (mount.source / str(number)).touch()
        run_apart((mount.mountpoint / str(number)).read_bytes)
    wait_for(mount, "open", "4")
    for command in (["check"], ["backup", tmp_path / "copy.db"], ["prune", "--events", "2"], ["check"]):
        done = mycelial(*command, mount.mountpoint)
        assert done.returncode == 0, (command, done)
    assert [event["path"] for event in events(mount)] == ["3", "4"]
    assert rows(tmp_path / "copy.db", "SELECT count(*) FROM event") == [(5,)]
    run_apart((mount.mountpoint / "0").read_bytes)
    wait_for(mount, "open", "0")
    assert mount.status()["engine"]["dropped"] == 0


def test_following_shows_what_happens_in_the_mount(mount: Mounted) -> None:
    (mount.source / "seen").touch()
    wait_until(lambda: mount.status()["engine"]["state"] == "ok")
    command = [
        installed("mycelial"),
        "events",
        "--follow",
        "--path",
        mount.mountpoint / "seen",
        mount.mountpoint,
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        run_apart((mount.mountpoint / "seen").read_bytes)
        assert process.stdout.readline().endswith("  seen\n")
        process.send_signal(signal.SIGINT)


def test_the_engine_lets_other_work_go_first(mount: Mounted) -> None:
    wait_until(lambda: mount.status()["engine"]["state"] == "ok")
    pid = mount.status()["engine"]["pid"]
    assert os.sched_getscheduler(pid) == os.SCHED_BATCH
    niceness = min(os.getpriority(os.PRIO_PROCESS, 0) + 5, 19)
    assert os.getpriority(os.PRIO_PROCESS, pid) == niceness
    autogroup = Path(f"/proc/{pid}/autogroup")
    if autogroup.exists() and autogroup.read_text():  # the kernel shares out by session
        wait_until(lambda: autogroup.read_text().endswith(f" nice {niceness}\n"))
    said = re.search(r"^se\.slice\s*:\s*(\d+)$", Path(f"/proc/{pid}/sched").read_text(), re.MULTILINE)
    if said is not None and tuple(map(int, os.uname().release.split(".")[:2])) >= (6, 12):
        assert int(said[1]) == SLICE


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(f"[retention]\nevents = {KEEPS}\n")
    return path


def test_retention_works_by_itself_and_through_kills_of_the_engine(
    new_mount: Callable[..., Mounted], tmp_path: Path, config: Path
) -> None:
    db = tmp_path / "state" / "long.db"
    replay(db, old_work(8_000))
    mount = new_mount("--db", str(db), "--config", str(config))
    (mount.source / "new").touch()
    killed = set()

    def is_done() -> bool:
        run_apart((mount.mountpoint / "new").read_bytes)
        time.sleep(0.1)
        engine = mount.status()["engine"]
        if len(killed) < 3 and engine.get("state") == "ok" and engine["pid"] not in killed:
            killed.add(engine["pid"])
            os.kill(engine["pid"], signal.SIGKILL)
        kept = rows(db, "SELECT count(*), (SELECT count(*) FROM log_path) FROM event")[0]
        return len(killed) == 3 and kept[0] <= KEEPS + 100 and kept[1] <= KEEPS + 100

    wait_until(is_done)
    checked = mycelial("check", "--db", db)
    assert (checked.returncode, checked.stdout) == (0, "")


def test_a_prune_that_is_killed_at_any_moment_leaves_a_sound_database(tmp_path: Path) -> None:
    db = tmp_path / "long.db"
    replay(db, old_work(7_000))
    command = [sys.executable, "-c", "from mycelial.cli.main import main; main()"]
    keep, ended = 6_000, False
    for delay in (0.25, 0.3, 0.35, 0.4, 0.5, 2 * PATIENCE):
        process = subprocess.Popen(
            [*command, "prune", "--db", db, "--events", str(keep)], stdout=subprocess.DEVNULL
        )
        try:
            ended = process.wait(delay) == 0
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        assert rows(db, "PRAGMA integrity_check") == [("ok",)]
        assert rows(db, "PRAGMA foreign_key_check") == []
        keep -= 1000
    assert ended
    assert rows(db, "SELECT count(*) FROM event") == [(keep + 1000,)]
    assert rows(db, "SELECT count(*) FROM log_path") == [(keep + 1000,)]
