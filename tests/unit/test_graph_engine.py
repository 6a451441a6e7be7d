"""The engine process: what the mount sends is stored soon, whatever happens to it or to the database."""

from __future__ import annotations

import json
import resource
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mycelial.graph.rebuild import rebuild, replay
from mycelial.record.events import Event, Process
from mycelial.record.told import Kind
from mycelial.record.wire import encode_dropped, encode_event, encode_number, encode_process
from mycelial.store.answers import Answers
from tests.unit.tables import derived
from tests.unit.worked import Story

PATIENCE = 60.0


class Mount:
    """The mount's end of the line, with engines at the other end."""

    def __init__(self, db: Path, *arguments: str) -> None:
        self.db = db
        self._arguments = arguments
        self._ours, self._theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._ours.settimeout(PATIENCE)
        self._numbers: dict[Process, int] = {}
        self.start()

    def start(self) -> None:
        number = self._theirs.fileno()
        command = [sys.executable, "-m", "mycelial.graph", "--db", str(self.db), "--fd", str(number)]
        self.engine = subprocess.Popen([*command, "--session", "test", *self._arguments], pass_fds=[number])
        self._numbers.clear()

    def send(self, *events: Event) -> None:
        for event in events:
            message = b""
            if event.process not in self._numbers:
                self._numbers[event.process] = len(self._numbers) + 1
                message += encode_process(self._numbers[event.process], event.process)
            self._ours.send(message + encode_event(self._numbers[event.process], event))

    def send_raw(self, message: bytes) -> None:
        self._ours.send(message)

    def status(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Wait for a status message that is as wanted."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            status: dict[str, Any] = json.loads(self._ours.recv(65536))
            if wanted(status):
                return status
        raise AssertionError("the engine did not report this")

    def kill(self) -> None:
        self.engine.kill()
        self.engine.wait()

    def hang_up(self) -> int:
        """Unmount; return the engine's exit code."""
        self._theirs.close()
        self._ours.shutdown(socket.SHUT_WR)
        return self.engine.wait(PATIENCE)

    def close(self) -> None:
        if self.engine.poll() is None:
            self.kill()
        self._theirs.close()
        self._ours.close()


@pytest.fixture
def mount(tmp_path: Path) -> Iterator[Mount]:
    mount = Mount(tmp_path / "state" / "a.db", "--exclude", "secret/")
    yield mount
    mount.close()


@pytest.fixture
def story(tmp_path: Path) -> Story:
    return Story(tmp_path)


def stored(count: int) -> Callable[[dict[str, Any]], bool]:
    return lambda status: status["events"] == count and status["state"] == "ok"


def test_an_event_is_soon_answered_for(mount: Mount, story: Story) -> None:
    mount.status(stored(0))
    story.program("vim").close("a", "b")
    mount.send(*story.events)
    until = time.monotonic() + PATIENCE
    found: list[str] = []
    while not found and time.monotonic() < until:
        with Answers.open(mount.db, None) as answers:
            found = [related.path for related in answers.related("a")]
        time.sleep(0.02)
    assert found == ["b"]


def test_what_is_asked_about_is_stored_at_once(mount: Mount, story: Story) -> None:
    mount.status(stored(0))
    for count in range(1, 5):
        name = f"f{count}"
        story.program("vim").close(name)
        mount.send(story.events[-1])
        mount.send_raw(encode_number(Kind.SETTLE, count))
        assert mount.status(lambda answer: "told" in answer) == {"told": count, "done": True}
        with Answers.open(mount.db, None) as answers:
            assert len(list(answers.events())) == count


def test_hanging_up_stores_everything_and_ends_the_engine(mount: Mount, story: Story) -> None:
    story.program("vim").close(*(f"f{number}" for number in range(200)))
    mount.send(*story.events)
    assert mount.hang_up() == 0
    with Answers.open(mount.db, None) as answers:
        assert len(list(answers.events())) == 200


def test_sigterm_stores_everything_and_ends_the_engine_but_sigint_does_nothing(
    mount: Mount, story: Story
) -> None:
    mount.status(stored(0))
    mount.engine.send_signal(signal.SIGINT)
    story.program("vim").close("a", "b")
    mount.send(*story.events)
    mount.engine.send_signal(signal.SIGTERM)
    assert mount.engine.wait(PATIENCE) == 0
    with Answers.open(mount.db, None) as answers:
        assert len(list(answers.events())) == 2


def test_only_its_owner_may_read_the_database(mount: Mount) -> None:
    mount.status(stored(0))
    assert mount.db.stat().st_mode & 0o777 == 0o600
    assert mount.db.parent.stat().st_mode & 0o777 == 0o700


def test_what_is_excluded_is_counted_and_never_stored(mount: Mount, story: Story) -> None:
    story.program("vim").close("secret/a", "src/.git/index", "b").rename("b", "secret/b")
    mount.send(*story.events)
    status = mount.status(stored(2))
    assert status["ignored"] == 2
    assert ".git" in status["left_out"]
    mount.hang_up()
    assert b"secret" not in mount.db.read_bytes()


def test_what_the_mount_dropped_is_reported(mount: Mount) -> None:
    mount.send_raw(encode_dropped(7))
    mount.send_raw(b"nonsense")
    assert mount.status(lambda status: bool(status["dropped"] == 8))["state"] == "ok"


def test_an_engine_that_was_killed_goes_on_where_it_was(mount: Mount, story: Story) -> None:
    gcc = story.program("gcc")
    vim = story.program("vim").open("a.c").make(".a.c.swp")
    gcc.run("cc1").open("a.c", "a.h")
    sent = 0
    steps: tuple[Callable[[], object], ...] = (
        lambda: vim.rename("a.c", "a.c~"),
        lambda: vim.make("a.c").unlink("a.c~"),
        lambda: gcc.run("as").create("a.o"),
        lambda: story.program("grep").open(*(f"tree/{number}" for number in range(20))),
        lambda: story.program("ar").open("a.o").make("lib.a"),
    )
    for step in steps:
        mount.send(*story.events[sent:])
        mount.status(stored(len(story.events) - sent))
        sent = len(story.events)
        mount.kill()
        mount.start()
        step()
    mount.send(*story.events[sent:])
    mount.hang_up()
    straight = story.directory / "straight.db"
    replay(straight, Answers.open(mount.db, None).events())
    assert derived(mount.db) == derived(straight)
    before = derived(mount.db)
    rebuild(mount.db)
    assert derived(mount.db) == before


def test_messages_that_come_again_are_stored_once(mount: Mount, story: Story) -> None:
    """As an engine finds them whose predecessor was killed before the mount knew what was stored."""
    story.program("vim").close(*(f"f{number}" for number in range(60)))
    number = encode_process(1, story.events[0].process)
    messages = [
        encode_number(Kind.SERIAL, serial)
        + b"".join(encode_event(1, event) for event in story.events[10 * at : 10 * at + 10])
        for at, serial in enumerate((1, 2, 3, 5, 6, 7))
    ]
    for upto in (2, 4, 6):
        mount.send_raw(number)
        for message in messages[:upto]:
            mount.send_raw(message)
        mount.status(lambda status, upto=upto: bool(status["stored"] == (1, 2, 3, 5, 6, 7)[upto - 1]))
        mount.kill()
        mount.start()
    mount.hang_up()
    with Answers.open(mount.db, None) as answers:
        assert [event.path for event in answers.events()] == [f"f{number}" for number in range(60)]


def test_the_log_keeps_no_more_than_it_was_told_to(tmp_path: Path, story: Story) -> None:
    config = tmp_path / "config.toml"
    config.write_text("[retention]\ndays = 10\nevents = 30\n")
    story.program("vim").close("old", "b")
    story.wait(20 * 86400)
    story.program("vim").close(*(f"new{number}" for number in range(20)))
    mount = Mount(tmp_path / "kept.db", "--config", str(config))
    try:
        mount.send(*story.events)
        mount.hang_up()
        with Answers.open(mount.db, None) as answers:
            assert [event.path for event in answers.events()] == [f"new{number}" for number in range(20)]
            assert [found.path for found in answers.together("old")] == ["b"]
    finally:
        mount.close()


def test_a_broken_database_degrades_the_engine_until_it_is_mended(tmp_path: Path, story: Story) -> None:
    db = tmp_path / "broken.db"
    db.write_bytes(b"this is no database" * 1000)
    mount = Mount(db)
    try:
        status = mount.status(lambda status: bool(status["state"] == "degraded"))
        assert "not a database" in status["reason"]
        story.program("vim").close("a", "b")
        mount.send(*story.events)
        db.unlink()
        mount.status(stored(2))
    finally:
        mount.close()


def test_a_newer_database_is_left_alone(tmp_path: Path, story: Story) -> None:
    db = tmp_path / "newer.db"
    connection = sqlite3.connect(db)
    connection.execute("PRAGMA user_version=999")
    connection.close()
    content = db.read_bytes()
    mount = Mount(db)
    try:
        status = mount.status(lambda status: bool(status["state"] == "degraded"))
        assert "newer" in status["reason"]
        story.program("vim").close("a")
        mount.send(*story.events)
        assert mount.hang_up() == 0
        assert db.read_bytes() == content
    finally:
        mount.close()


def test_a_database_that_somebody_else_writes_to_is_used_as_soon_as_it_is_free(
    tmp_path: Path, story: Story
) -> None:
    db = tmp_path / "shared.db"
    first, second = Mount(db), None
    try:
        first.status(stored(0))
        second = Mount(db)
        assert "another process" in second.status(lambda s: bool(s["state"] == "degraded"))["reason"]
        first.hang_up()
        story.program("vim").close("a")
        second.send(*story.events)
        second.status(stored(1))
    finally:
        first.close()
        if second is not None:
            second.close()


def test_a_full_disk_is_survived(tmp_path: Path, story: Story) -> None:
    db = tmp_path / "full.db"
    replay(db, [])
    mount = Mount(db)
    try:
        mount.status(stored(0))
        room = db.stat().st_size + 40_000
        resource.prlimit(mount.engine.pid, resource.RLIMIT_FSIZE, (room, resource.RLIM_INFINITY))
        story.program("vim").close(*(f"some/long/path/to/file {number}" for number in range(2000)))
        mount.send(*story.events)
        mount.status(lambda status: bool(status["state"] == "degraded"))
        free = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
        resource.prlimit(mount.engine.pid, resource.RLIMIT_FSIZE, free)
        mount.status(stored(2000))
    finally:
        mount.close()
