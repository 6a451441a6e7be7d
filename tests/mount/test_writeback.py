"""With --writeback the kernel collects writes; what was written, by whom and how much stays as it is."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.mount.actor import Actor, Identity, run_apart
from tests.mount.mounted import Mounted
from tests.mount.recorded import shell, told, wait_for, wait_for_events

STRANGER = Identity(65534, 65534)


@pytest.fixture
def collecting(new_mount: Callable[..., Mounted]) -> Mounted:
    return new_mount("--writeback")


def test_the_program_that_wrote_is_recorded_at_its_close(collecting: Mounted) -> None:
    (collecting.source / "in.txt").write_text("b\na\n")
    shell("sort in.txt > out.txt; head -c 100000 /dev/zero | tee big >/dev/null", collecting)
    assert wait_for(collecting, "write", "out.txt")["comm"] == "sort"
    log = wait_for_events(collecting, lambda log: "write" in told(log, "big"))
    assert [e["comm"] for e in log if e["path"] == "big" and e["op"] == "write"] == ["tee"]
    assert told(log, "out.txt") == ["create", "write"]


def test_a_program_that_only_appends_needs_no_right_to_read(collecting: Mounted) -> None:
    path = collecting.mountpoint / "log"
    path.write_bytes(b"first\n")
    path.chmod(0o200)
    shell("echo second >> log", collecting)
    path.chmod(0o600)
    assert path.read_bytes() == b"first\nsecond\n"


def test_what_fsync_stored_is_below_at_once(collecting: Mounted) -> None:
    with open(collecting.mountpoint / "f", "wb") as file:
        file.write(b"stored")
        file.flush()
        os.fsync(file.fileno())
        assert (collecting.source / "f").read_bytes() == b"stored"


@pytest.mark.as_root
def test_times_that_the_kernel_keeps_are_stored_in_anybodys_name(new_mount: Callable[..., Mounted]) -> None:
    """Who removes another's link moves that one's change time, which is handed over in his name."""
    mount = new_mount("--writeback", "--allow-other")
    mount.source.chmod(0o777)
    path, second = mount.mountpoint / "roots", mount.mountpoint / "second"
    path.write_bytes(b"x")
    os.link(path, second)
    with Actor() as root:
        fd = root.call(os.open, path, os.O_RDONLY)
        run_apart(os.unlink, second, identity=STRANGER)
        root.call(os.close, fd)
    with pytest.raises(PermissionError):
        run_apart(os.utime, path, (1, 2), identity=STRANGER)


@pytest.mark.as_root
def test_who_may_write_may_set_the_times_to_now(new_mount: Callable[..., Mounted]) -> None:
    mount = new_mount("--writeback", "--allow-other")
    path = mount.mountpoint / "everybodys"
    path.write_bytes(b"x")
    path.chmod(0o666)
    os.utime(path, (1, 2))
    run_apart(os.utime, path, identity=STRANGER)
    assert path.stat().st_mtime > 2
    with Actor(STRANGER) as stranger:
        fd = stranger.call(os.open, path, os.O_RDWR)
        path.chmod(0o600)
        stranger.call(os.ftruncate, fd, 100)
        stranger.call(os.close, fd)
    with pytest.raises(PermissionError):
        run_apart(os.utime, path, (1, 2), identity=STRANGER)


def scribble(path: Path) -> bytes:
    """Write here and there through several descriptors, in small pieces; return what is read back."""
    choose = random.Random(7)
    flags = (os.O_RDWR, os.O_WRONLY, os.O_WRONLY | os.O_APPEND)
    path.touch()
    descriptors = [os.open(path, flag) for flag in flags]
    for number in range(2000):
        descriptor = choose.choice(descriptors)
        piece = bytes([number % 251]) * choose.randrange(1, 9000)
        os.pwrite(descriptor, piece, choose.randrange(300_000))
        if number % 97 == 0:
            os.ftruncate(descriptors[0], choose.randrange(400_000))
    for descriptor in descriptors:
        os.close(descriptor)
    return path.read_bytes()


def test_any_order_of_small_writes_gives_the_same_bytes(collecting: Mounted, workspace: Path) -> None:
    expected = scribble(workspace / "plain")
    assert scribble(collecting.mountpoint / "f") == expected
    collecting.unmount()
    assert (collecting.source / "f").read_bytes() == expected
