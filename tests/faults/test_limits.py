"""Many files, many at once, few descriptors: nothing fails, and what was taken is given back."""

from __future__ import annotations

import contextlib
import errno
import os
import resource
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.foreground import is_recorded
from tests.faults.test_engine_faults import DEEP, OPENS, read_often, stop_engine
from tests.mount.actor import Actor, Identity, run_apart
from tests.mount.mounted import Mounted, wait_until
from tests.mount.two_users import ALICE, BOB

FEW = 256
IN_A_DIRECTORY = 500


def daemon_of(mount: Mounted) -> int:
    (pid,) = (pid for pid, line in mount.processes().items() if "mycelial.graph" not in line)
    return pid


def descriptors(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))


def memory(pid: int) -> int:
    """Resident memory in bytes."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize()


def limited(descriptor_limit: int, function: Callable[..., object], *arguments: object) -> object:
    """Call in a process that may have so many files open, for good, and so may its children."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (descriptor_limit, descriptor_limit))
    return function(*arguments)


def make_files(directory: Path, count: int) -> None:
    for number in range(count):
        if number % IN_A_DIRECTORY == 0:
            below = directory / f"d{number // IN_A_DIRECTORY}" / "deeper"
            below.mkdir(parents=True)
        os.close(os.open(below / f"f{number}", os.O_CREAT | os.O_WRONLY))


def look_at_all(directory: Path) -> int:
    """Look every file up by name and open some; how many there are."""
    seen = 0
    for parent, _, names in os.walk(directory):
        for name in names:
            path = os.path.join(parent, name)
            os.stat(path)
            seen += 1
            if seen % 50 == 0:
                with open(path, "ab") as file:
                    file.write(b"x")
    return seen


def remove_all(directory: Path) -> None:
    for parent, _, names in os.walk(directory, topdown=False):
        for name in names:
            os.unlink(os.path.join(parent, name))
        if parent != os.fspath(directory):
            os.rmdir(parent)


def many_files_with_few_descriptors(workspace: Path, count: int) -> None:
    directory = workspace / "limited"
    directory.mkdir()
    mount = Mounted(directory)
    mount.source.mkdir()
    run_apart(make_files, mount.source, count, timeout=600)
    run_apart(limited, FEW, start, mount)
    daemon = daemon_of(mount)
    assert resource.prlimit(daemon, resource.RLIMIT_NOFILE)[1] == FEW
    assert run_apart(look_at_all, mount.mountpoint, timeout=900) == count
    assert descriptors(daemon) < FEW
    assert mount.status()["core"]["inodes"] > count / 2, "they were really looked up"
    run_apart(remove_all, mount.mountpoint, timeout=900)
    wait_until(lambda: mount.status()["core"]["inodes"] < 100, what="removed files are forgotten")
    assert os.listdir(mount.source) == []
    mount.unmount()


def start(mount: Mounted) -> None:
    mount.start()


def test_many_files_are_looked_up_with_few_descriptors(workspace: Path) -> None:
    many_files_with_few_descriptors(workspace, 6_000)


@pytest.mark.slow
def test_two_hundred_thousand_files_are_looked_up_with_few_descriptors(workspace: Path) -> None:
    many_files_with_few_descriptors(workspace, 200_000)


def open_at_once(directory: Path, count: int) -> int:
    """Make, open and use so many files at the same time; the sum of what was read back."""
    files = []
    for number in range(count):
        fd = os.open(directory / f"f{number}", os.O_CREAT | os.O_RDWR)
        os.write(fd, str(number).encode())
        files.append(fd)
    total = sum(int(os.pread(fd, 20, 0)) for fd in files)
    for fd in files:
        os.close(fd)
    return total


def test_two_thousand_files_are_open_at_once(mount: Mounted) -> None:
    before = descriptors(daemon_of(mount))
    assert run_apart(limited, 2100, open_at_once, mount.mountpoint, 2000, timeout=120) == sum(range(2000))
    wait_until(lambda: descriptors(daemon_of(mount)) < before + 50, what="descriptors are given back")


def test_more_files_than_descriptors_fail_with_a_clear_error_and_the_mount_lives(workspace: Path) -> None:
    directory = workspace / "limited"
    directory.mkdir()
    mount = Mounted(directory)
    run_apart(limited, FEW, start, mount)
    with pytest.raises(OSError, match="Too many open files"):
        run_apart(open_at_once, mount.mountpoint, 400, timeout=60)
    assert run_apart(open_at_once, mount.mountpoint, 50) == sum(range(50))
    mount.unmount()


HELD: list[int] = []


def open_file(path: Path) -> int:
    return os.open(path, os.O_CREAT | os.O_RDWR)


def open_directory(path: Path) -> int:
    return os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)


def keep_removed(path: Path) -> int:
    """Hold on to what has no name any more."""
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY))
    held = os.open(path, os.O_PATH)
    os.unlink(path)
    return held


def take_all(take: Callable[[Path], int], directory: Path) -> str:
    """Take far more than there is, and keep it; what ended that."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (4 * FEW,) * 2)
    for number in range(3 * FEW):
        try:
            HELD.append(take(directory / f"mine{number}"))
        except OSError as error:
            return errno.errorcode[error.errno or 0]
    return "nothing"


@pytest.mark.as_root
@pytest.mark.parametrize("take", [open_file, open_directory, keep_removed])
def test_a_user_who_takes_all_that_he_gets_leaves_something_for_the_others(
    take: Callable[[Path], int], workspace: Path
) -> None:
    directory = workspace / "limited"
    directory.mkdir()
    mount = Mounted(directory, ("--allow-other",))
    mount.source.mkdir(mode=0o777)
    mount.source.chmod(0o777)
    run_apart(limited, 2 * FEW, start, mount)
    (mount.mountpoint / "others").mkdir()
    (mount.mountpoint / "others").chmod(0o777)
    with Actor(ALICE) as greedy:
        assert greedy.call(take_all, take, mount.mountpoint) == "EMFILE"
        for user in (BOB, Identity(0, 0)):
            assert run_apart(open_at_once, mount.mountpoint / "others", 20, identity=user) == sum(range(20))
            run_apart(remove_all, mount.mountpoint / "others")
    assert run_apart(open_at_once, mount.mountpoint / "others", 50, identity=ALICE) == sum(range(50))
    mount.unmount()


@pytest.mark.as_root
def test_a_user_whose_events_wait_leaves_room_for_those_of_the_others(
    new_mount: Callable[..., Mounted],
) -> None:
    mount = new_mount("--allow-other")
    (mount.source / DEEP).mkdir(parents=True)
    (mount.source / DEEP / "busy").touch()
    (mount.source / "bobs").mkdir(mode=0o777)
    (mount.source / "bobs").chmod(0o777)
    wait_until(lambda: mount.status()["engine"]["pid"], what="an engine")
    hung = stop_engine(mount)
    try:
        run_apart(read_often, mount, OPENS // 3, identity=ALICE)  # more than the mount lets wait
        run_apart(open_at_once, mount.mountpoint / "bobs", 20, identity=BOB)
        dropped = mount.status()["core"]["events_dropped"]
        run_apart(open_at_once, mount.mountpoint / "bobs", 20, identity=BOB)
        assert mount.status()["core"]["events_dropped"] == dropped
    finally:
        with contextlib.suppress(ProcessLookupError):  # on a slow machine the mount has given it up by now
            os.kill(hung, signal.SIGCONT)
    wait_until(lambda: is_recorded(mount.database, "bobs/f19"), what="what he did is recorded")


def read_and_write(directory: Path, number: int, rounds: int) -> int:
    """Write one's own file again and again, read it back and a neighbour's; how often that was right."""
    own, neighbour = directory / f"f{number}", directory / f"f{(number + 1) % 64}"
    for turn in range(rounds):
        data = bytes([turn % 256]) * (1000 * (1 + turn % 70))
        part = directory / f"part{number}"
        part.write_bytes(data)
        os.rename(part, own)
        assert own.read_bytes() == data
        if neighbour.exists():
            assert len(set(neighbour.read_bytes())) <= 1, (
                "a file that another writes by rename is never mixed"
            )
    return rounds


def test_sixty_four_readers_and_writers_at_once(mount: Mounted) -> None:
    actors = [Actor(timeout=300) for _ in range(64)]
    try:
        for number, actor in enumerate(actors):
            actor.start(read_and_write, mount.mountpoint, number, 5)
        assert [actor.finish() for actor in actors] == [5] * 64
    finally:
        for actor in actors:
            actor.close()
    assert mount.answers()


def open_and_close(directory: Path, times: int) -> None:
    for number in range(times):
        fd = os.open(directory / f"f{number % 100}", os.O_CREAT | os.O_RDWR)
        os.write(fd, b"x")
        os.close(fd)


def opens_leave_nothing_behind(mount: Mounted, times: int) -> None:
    daemon = daemon_of(mount)
    run_apart(open_and_close, mount.mountpoint, 2000, timeout=120)
    before, held = descriptors(daemon), memory(daemon)
    run_apart(open_and_close, mount.mountpoint, times, timeout=900)
    wait_until(lambda: descriptors(daemon) < before + 50, what="descriptors are given back")
    waiting = 9 << 20  # events on their way to the engine
    assert memory(daemon) - held < waiting + times * 20, "no more than 20 bytes an open"
    assert mount.status()["core"]["inodes"] < 200


def test_opens_and_closes_leave_nothing_behind(mount: Mounted) -> None:
    opens_leave_nothing_behind(mount, 8_000)


@pytest.mark.slow
def test_a_hundred_thousand_opens_and_closes_leave_nothing_behind(mount: Mounted) -> None:
    opens_leave_nothing_behind(mount, 100_000)


def change_while(directory: Path, count: int) -> None:
    """Add and remove files at both ends of a large directory."""
    for number in range(count):
        (directory / f"new{number}").touch()
        os.unlink(directory / f"f{number}")


def listings_are_whole(mount: Mounted, count: int) -> None:
    """Whatever was there all the time is named exactly once by each listing."""
    (mount.source / "large").mkdir()
    for number in range(count):
        os.close(os.open(mount.source / "large" / f"f{number}", os.O_CREAT))
    large = mount.mountpoint / "large"
    with Actor(timeout=600) as changer, Actor(timeout=600) as reader:
        changer.start(change_while, large, count // 10)
        for _ in range(3):
            names = reader.call(os.listdir, large, timeout=300)
            stayed = [name for name in names if name.startswith("f") and int(name[1:]) >= count // 10]
            assert len(stayed) == len(set(stayed)) == count - count // 10
        changer.finish()
        names = reader.call(os.listdir, large, timeout=300)
    assert sorted(names) == sorted(os.listdir(mount.source / "large"))


def test_a_large_directory_is_listed_whole_while_it_changes(mount: Mounted) -> None:
    listings_are_whole(mount, 4_000)


@pytest.mark.slow
def test_a_hundred_thousand_entries_are_listed_whole_while_they_change(mount: Mounted) -> None:
    listings_are_whole(mount, 100_000)
