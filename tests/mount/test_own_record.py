"""On a mount of root's each user pauses and forgets what he did himself, and nothing of anybody else."""

from __future__ import annotations

import errno
import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.mount.actor import Identity, run_apart
from tests.mount.mounted import Mounted, wait_until
from tests.mount.recorded import events, wait_for
from tests.mount.two_users import ALICE, BOB, asked, work

pytestmark = pytest.mark.as_root

VIEWS = ".mycelial"
FORGET, PAUSED = "user.mycelial.forget", "user.mycelial.paused"


@pytest.fixture
def shared(mount: Mounted) -> Mounted:
    """A mount of root's with two files that both users may read, and a directory that is Alice's alone."""
    mount.unmount()
    mount.options = ("--allow-other",)
    mount.source.chmod(0o777)
    for name in ("one", "two"):
        (mount.source / name).write_text("x")
        (mount.source / name).chmod(0o644)
    (mount.source / "alice").mkdir(mode=0o700)
    os.chown(mount.source / "alice", ALICE.uid, ALICE.gid)
    return mount.start()


def of(mount: Mounted, user: Identity) -> list[dict[str, Any]]:
    """The events of a user."""
    return [event for event in events(mount) if event["uid"] == user.uid]


def opened(mount: Mounted, user: Identity) -> list[str]:
    return [event["path"] for event in of(mount, user) if event["op"] == "open"]


def said(directory: Path, name: str, value: bytes) -> int:
    """The errno of setting an attribute, 0 if it was done."""
    try:
        os.setxattr(directory, name, value)
    except OSError as problem:
        return problem.errno or -1
    return 0


def say(mount: Mounted, user: Identity, name: str, value: bytes, at: str = VIEWS) -> int:
    code: int = run_apart(said, mount.mountpoint / at, name, value, identity=user, timeout=60)
    return code


def is_paused(mount: Mounted, user: Identity) -> bool:
    return bool(json.loads(asked(mount, user, "status", "--json").stdout)["paused"])


def test_a_pause_is_ones_own_and_outlives_engine_and_mount(shared: Mounted) -> None:
    work(shared, BOB, "cat one")
    assert asked(shared, BOB, "pause").returncode == 0
    assert is_paused(shared, BOB)
    assert not is_paused(shared, ALICE)
    assert shared.status()["paused"] is False, "others are recorded"
    work(shared, BOB, "cat two; echo x > bobs; mv bobs moved")
    work(shared, ALICE, "cat one two")
    (engine,) = (pid for pid, line in shared.processes().items() if "mycelial.graph" in line)
    os.kill(engine, signal.SIGKILL)
    work(shared, BOB, "cat two")
    shared.unmount()
    shared.start()
    work(shared, BOB, "cat two")
    work(shared, ALICE, "cat moved")
    wait_for(shared, "open", "moved")
    assert opened(shared, BOB) == ["one"]
    assert opened(shared, ALICE) == ["one", "two", "moved"]
    assert asked(shared, BOB, "resume").returncode == 0
    work(shared, BOB, "cat moved")
    wait_until(lambda: opened(shared, BOB) == ["one", "moved"])
    assert len(of(shared, BOB)) == 2, "nothing of the time between comes later"


def test_a_pause_ends_by_itself(shared: Mounted) -> None:
    work(shared, BOB, "cat one")
    assert asked(shared, BOB, "pause", "1s").returncode == 0
    work(shared, BOB, "cat two")
    wait_until(lambda: not is_paused(shared, BOB))
    work(shared, BOB, "cat two")
    wait_until(lambda: opened(shared, BOB) == ["one", "two"])


def test_forgetting_takes_ones_own_events_and_no_others(shared: Mounted) -> None:
    for user in (ALICE, BOB):
        work(shared, user, f"cat one two > made-by-{user.uid}; cat one > /dev/null")
    wait_until(lambda: len(opened(shared, BOB)) >= 3)
    hers, his = of(shared, ALICE), of(shared, BOB)
    assert [event for event in hers if event["path"] == "one"]
    finished = asked(shared, BOB, "forget", "one")
    assert finished.returncode == 0, finished.stderr
    assert of(shared, ALICE) == hers
    left = of(shared, BOB)
    assert [event["path"] for event in left] == [event["path"] for event in his if event["path"] != "one"]
    assert not any("one" in event.get("args", ()) for event in left), "nor in his command lines"
    sources = shared.mountpoint / ".mycelial/sources"
    names = [run_apart(os.listdir, sources / f"made-by-{u.uid}", identity=u) for u in (ALICE, BOB)]
    assert [sorted(name[3:] for name in found) for found in names] == [["one", "two"], ["two"]]


def test_all_of_ones_own_can_be_forgotten(shared: Mounted) -> None:
    for user in (ALICE, BOB):
        work(shared, user, f"cat one two > made-by-{user.uid}")
    wait_until(lambda: len(opened(shared, BOB)) == 2)
    hers = of(shared, ALICE)
    assert asked(shared, BOB, "forget", "--all").returncode == 0
    assert of(shared, BOB) == []
    assert of(shared, ALICE) == hers
    again = asked(shared, BOB, "forget", "--all")
    assert (again.returncode, again.stderr.count("\n")) == (1, 1)
    assert "try again later" in again.stderr, "others' events wait meanwhile"


def test_what_is_asked_for_someone_elses_file_changes_nothing_and_tells_nothing(shared: Mounted) -> None:
    work(shared, ALICE, "cat one > alice/secret; cat alice/secret two")
    work(shared, BOB, "cat one")
    wait_until(lambda: opened(shared, BOB) == ["one"])
    before = events(shared)
    somebody = Identity(4321, 4321)
    wanted = [json.dumps({"paths": [path]}).encode() for path in ("alice/secret", "alice/no-such")]
    answers = [say(shared, user, FORGET, one) for user, one in zip((BOB, somebody), wanted, strict=True)]
    assert answers == [0, 0]
    assert events(shared) == before


@pytest.mark.parametrize(
    "wanted",
    [
        b"", b"[]", b"no", b"\xff", b"[" * 60000, b'{"uid": 1234}', b'{"paths": ["/etc/passwd"]}',
        b'{"paths": ["../one"]}', b'{"paths": [""]}', b'{"paths": [1]}', b'{"since": NaN}',
        b'{"before": "now"}',
    ],
)  # fmt: skip
def test_nonsense_is_refused(wanted: bytes) -> None:
    from mycelial.graph.own import selection_from

    with pytest.raises((ValueError, RecursionError)):
        selection_from(wanted, BOB.uid)


def test_what_cannot_be_wished_is_refused(shared: Mounted) -> None:
    work(shared, ALICE, "cat one")
    wait_for(shared, "open", "one")
    before = events(shared)
    for value in (b"", b"soon", b"nan", b"-1", b"0", b"-inf", b"1e999999x"):
        assert say(shared, BOB, PAUSED, value) == errno.EINVAL
    assert say(shared, BOB, FORGET, b'{"uid": 1234}') == errno.EINVAL
    for at in (f"{VIEWS}/related", f"{VIEWS}/README", f"{VIEWS}/related/one"):
        for name in (PAUSED, FORGET, "user.mycelial.mutes"):
            assert say(shared, BOB, name, b"inf", at) in (errno.EROFS, errno.EACCES)
    assert say(shared, BOB, "user.other", b"x") == errno.EROFS
    assert say(shared, BOB, PAUSED, b"inf", "one") in (errno.EPERM, errno.EACCES)
    assert not is_paused(shared, BOB)
    assert not is_paused(shared, ALICE)
    assert events(shared) == before
