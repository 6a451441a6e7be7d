"""However a mount ends, while programs work in it: nothing stays behind, and what was done is recorded."""

from __future__ import annotations

import contextlib
import mmap
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.disks import faulty_source
from tests.faults.foreground import is_recorded
from tests.faults.test_kill import work
from tests.mount.actor import Actor, run_apart
from tests.mount.mounted import Mounted, mounted_at, run, wait_until

Way = Callable[[Mounted], object]


def by_signal(number: signal.Signals) -> Way:
    def end(mount: Mounted) -> None:
        daemons = [pid for pid, line in mount.processes().items() if "mycelial.graph" not in line]
        assert len(daemons) == 1
        os.kill(daemons[0], number)

    return end


def abort(mount: Mounted) -> None:
    """As the kernel's documentation says, where nobody has mounted the directory of connections."""
    number = os.minor(run_apart(os.stat, mount.mountpoint).st_dev)
    connections = "/sys/fs/fuse/connections"
    script = f"mount -t fusectl none {connections} && echo 1 > {connections}/{number}/abort"
    finished = run(["unshare", "-m", "sh", "-c", script])
    assert finished.returncode == 0, finished.stderr


WAYS: dict[str, Way] = {
    "fusermount3 -u -z": lambda mount: run(["fusermount3", "-u", "-z", mount.mountpoint]),
    "umount -l": lambda mount: run(["umount", "-l", mount.mountpoint]),
    "umount -f": lambda mount: run(["umount", "-i", "-f", mount.mountpoint]),  # is busy, and cut off
    "abort": abort,
    "SIGTERM": by_signal(signal.SIGTERM),
    "SIGINT": by_signal(signal.SIGINT),
    "SIGHUP": by_signal(signal.SIGHUP),
}
FOR_ROOT = {"umount -l", "umount -f", "abort"}


def keep_open(mount: Mounted) -> tuple[int, int]:
    """A file that is open for writing, and the working directory inside: what makes a mount busy."""
    os.chdir(mount.mountpoint)
    fd = os.open("held", os.O_RDWR | os.O_CREAT)
    os.write(fd, b"held")
    os.fsync(fd)
    return fd, os.getpid()


@pytest.mark.parametrize(
    "way", [pytest.param(way, marks=[pytest.mark.as_root] if way in FOR_ROOT else []) for way in WAYS]
)
def test_a_busy_mount_ends_and_leaves_nothing_behind(way: str, mount: Mounted) -> None:
    (mount.source / "before").touch()
    run_apart((mount.mountpoint / "before").read_bytes)
    with Actor(timeout=60) as holder, Actor(timeout=60) as worker:
        holder.call(keep_open, mount)
        worker.call(os.chdir, mount.mountpoint)  # by path, it would go on beside the mount
        done = worker.call(work, Path(), "before", 0.3, 1)
        worker.start(work, Path(), "w", 0.6, 1)
        wait_until(lambda: list(mount.source.glob("*w-*")), what="load")  # a busy machine may take a while
        WAYS[way](mount)
        done += worker.finish()
        holder.close()
    mount.wait_for_end()
    assert mounted_at(mount.mountpoint) is None
    assert os.listdir(mount.mountpoint) == []
    assert (mount.source / "held").read_bytes() == b"held"
    for file in done:
        assert (mount.source / file.name).read_bytes() == file.content
    left = sorted(os.listdir(mount.database.parent))
    assert left == ["events.db", "events.db-lock"], "the database is closed, and no socket or journal is left"
    assert is_recorded(mount.database, "before")
    assert is_recorded(mount.database, "held")
    assert done, "no load at all"
    assert is_recorded(mount.database, done[0].name) or is_recorded(mount.database, f".{done[0].name}.part")


def test_a_signal_at_the_first_moment_unmounts_too(workspace: Path) -> None:
    for number, how in enumerate((signal.SIGTERM, signal.SIGINT, signal.SIGHUP)):
        directory = workspace / f"mount{number}"
        (directory / "source").mkdir(parents=True)
        (directory / "mountpoint").mkdir()
        mount = Mounted(directory)
        process = subprocess.Popen([mount.command[0], "-f", *mount.command[1:]], stdin=subprocess.DEVNULL)
        while mounted_at(mount.mountpoint) is None:
            assert process.poll() is None
            time.sleep(0.001)
        process.send_signal(how)
        assert process.wait(60) == 0
        mount.wait_for_end()


def test_several_signals_end_it_once_and_cleanly(mount: Mounted) -> None:
    """As at a shutdown, where a terminal and a service manager both send theirs."""
    (daemon,) = (pid for pid, line in mount.processes().items() if "mycelial.graph" not in line)
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(ProcessLookupError):
            os.kill(daemon, number)
        time.sleep(0.01)
    mount.wait_for_end()
    assert os.listdir(mount.mountpoint) == []


@pytest.mark.slow
def test_a_disk_may_answer_when_all_is_over(workspace: Path) -> None:
    """Who waited for it was left behind, after ten seconds, and its answer is nobody's."""
    place = Mounted(workspace / "place", ("--no-passthrough",))
    for directory in (place.source, place.mountpoint, place.database.parent):
        directory.mkdir(parents=True)
    log = place.directory / "said"
    with faulty_source(place), open(log, "wb") as output:
        command = [place.command[0], "-f", *place.command[1:]]
        scribbling = "glibc.malloc.perturb=90:glibc.malloc.tcache_count=0"  # over what is given up
        environment = {**os.environ, "GLIBC_TUNABLES": scribbling}
        daemon = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=output, env=environment)
        wait_until(lambda: mounted_at(place.mountpoint), what="mounted")
        reading = ["tail", "-c", "500000", place.mountpoint / "slow"]
        with subprocess.Popen(reading, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as waiting:
            wait_until((place.source / "asked").exists, what="a request to a slow disk")
            os.kill(int(place.status()["engine"]["pid"]), signal.SIGSTOP)  # so that the daemon is there yet
            daemon.send_signal(signal.SIGTERM)
            wait_until(lambda: mounted_at(place.mountpoint) is None, what="the end of the mount")
            (place.source / "quick").read_bytes()
            assert waiting.wait(60) != 0
        assert daemon.wait(60) == 0


held: list[mmap.mmap] = []


def keep_unwritten(mount: Mounted) -> None:
    """What the kernel need not hand over before somebody asks it to."""
    fd = os.open(mount.mountpoint / "held", os.O_RDWR | os.O_CREAT)
    os.ftruncate(fd, 8192)
    held.append(mmap.mmap(fd, 8192))
    held[0][:6] = b"mapped"
    os.pwrite(fd, b"written", 4096)


def test_what_programs_have_written_is_below_though_they_still_have_it_open(
    new_mount: Callable[..., Mounted],
) -> None:
    mount = new_mount("--writeback")
    with Actor(timeout=60) as holder:
        holder.call(keep_unwritten, mount)
        by_signal(signal.SIGTERM)(mount)
        mount.wait_for_end()
        content = (mount.source / "held").read_bytes()
    assert content[:6] == b"mapped"
    assert content[4096:4103] == b"written"


# ---- where the path that it was mounted at leads elsewhere by then


class Deeper(Mounted):
    @property
    def mountpoint(self) -> Path:
        return self.directory / "above" / "mountpoint"


@pytest.mark.parametrize("instead", ["nothing", pytest.param("another mount", marks=pytest.mark.as_root)])
def test_a_directory_above_may_be_renamed_meanwhile(workspace: Path, instead: str) -> None:
    mount, moved = Deeper(workspace), workspace / "moved"
    above = mount.mountpoint.parent
    above.mkdir()
    mount.start()
    above.rename(moved)
    above.mkdir()
    try:
        if instead == "another mount":
            mount.mountpoint.mkdir()
            assert run(["mount", "-t", "tmpfs", "other", mount.mountpoint]).returncode == 0
        by_signal(signal.SIGTERM)(mount)
        wait_until(lambda: mounted_at(moved / "mountpoint") is None, what="the end of the mount")
        wait_until(lambda: not mount.processes(), what="the end of the daemon")
        assert os.listdir(moved / "mountpoint") == []
        assert (mounted_at(mount.mountpoint) is not None) == (instead == "another mount")
    finally:
        run(["umount", mount.mountpoint])
        run(["fusermount3", "-u", "-z", moved / "mountpoint"])


@pytest.mark.as_root
def test_what_lies_below_stays_where_somebody_unmounted_it_already(workspace: Path) -> None:
    mount = Mounted(workspace, in_place=True)
    mount.source.mkdir()
    assert run(["mount", "-t", "tmpfs", "below", mount.source]).returncode == 0
    try:
        mount.start()
        with Actor(timeout=60) as holder:
            holder.call(keep_open, mount)
            assert run(["umount", "-l", mount.mountpoint]).returncode == 0
            by_signal(signal.SIGTERM)(mount)
            wait_until(lambda: not mount.processes(), what="the daemon's end")
        below = mounted_at(mount.source)
        assert below is not None
        assert below.source == "below"
        assert (mount.source / "held").read_bytes() == b"held"
    finally:
        run(["umount", mount.source])


@pytest.mark.as_root
def test_what_covers_it_stays_too(mount: Mounted) -> None:
    assert run(["mount", "-t", "tmpfs", "over", mount.mountpoint]).returncode == 0
    try:
        by_signal(signal.SIGTERM)(mount)
        wait_until(lambda: not mount.processes(), what="the daemon's end")
        over = mounted_at(mount.mountpoint)
        assert over is not None
        assert over.source == "over"
    finally:
        run(["umount", mount.mountpoint])
