"""Everything a run makes lies in one directory that is gone afterwards, also after a failure or Ctrl-C."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import struct
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType

from bench.running import Running, running
from bench.subjects import NotInstalled, Paths, Subject

# From linux/fs.h, which Python does not carry; the numbers are those of a `long`.
_LONG = struct.calcsize("l")
_FS_IOC_GETFLAGS = 2 << 30 | _LONG << 16 | ord("f") << 8 | 1
_FS_IOC_SETFLAGS = 1 << 30 | _LONG << 16 | ord("f") << 8 | 2
_FS_TOPDIR_FL = 0x00020000


def default_directory() -> Path:
    """$TMPDIR, else /var/tmp: /tmp is often kept in memory, and a memory's speed would be measured."""
    return Path(os.environ.get("TMPDIR") or "/var/tmp")


@contextmanager
def workspace(parent: Path) -> Iterator[Path]:
    """A new directory below `parent`, removed at the end."""
    path = Path(tempfile.mkdtemp(prefix="mycelial-bench-", dir=parent)).resolve()
    try:
        yield path
    finally:
        remove(path)


def spread(directory: Path) -> None:
    """Has ext4 lay the directories made in `directory` out far from one another, as `chattr +T` does.

    ext4 gives out no inode that was deleted a short while ago, and looks for others one by one
    (`recently_deleted` in fs/ext4/ialloc.c). Whoever creates files where others were just deleted takes up to
    twenty times as long, and that would be measured: our own deletions, and those of anybody near. Other file
    systems refuse; they have no such search.
    """
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        flags = struct.pack("l", 0)
        (current,) = struct.unpack("l", fcntl.ioctl(descriptor, _FS_IOC_GETFLAGS, flags))
        fcntl.ioctl(descriptor, _FS_IOC_SETFLAGS, struct.pack("l", current | _FS_TOPDIR_FL))
    except OSError:
        pass
    finally:
        os.close(descriptor)


def remove(path: Path) -> None:
    """Never into a file system mounted below: a mount that is still there keeps its directory."""
    for entry in os.scandir(path):
        if entry.is_dir(follow_symlinks=False) and not os.path.ismount(entry.path):
            shutil.rmtree(entry.path, ignore_errors=True)
        elif not entry.is_dir(follow_symlinks=False):
            Path(entry.path).unlink(missing_ok=True)  # a daemon that ends removes its own socket
    if not any(os.scandir(path)):
        path.rmdir()


def sources(subjects: list[Subject], directory: Path) -> dict[Path, list[str]]:
    """The directories to fill, with the names of the subjects that work there."""
    found: dict[Path, list[str]] = {}
    for subject in subjects:
        found.setdefault(_paths(subject, directory).source, []).append(subject.name)
    return found


def _paths(subject: Subject, directory: Path) -> Paths:
    source = directory / (f"source-{subject.name}" if subject.in_place else "source")
    return Paths(
        source=source,
        mountpoint=source if subject.in_place else directory / f"mount-{subject.name}",
        database=directory / f"{subject.name}.db",
    )


@contextmanager
def mounted(subjects: list[Subject], directory: Path, left_out: dict[str, str]) -> Iterator[list[Running]]:
    """All subjects at once. One that this machine lacks is noted in `left_out`."""
    with ExitStack() as stack:
        present = []
        for subject in subjects:
            paths = _paths(subject, directory)
            try:
                present.append(
                    stack.enter_context(running(subject, paths, directory / f"{subject.name}.log"))
                )
            except NotInstalled as error:
                left_out[subject.name] = str(error)
        yield present


@contextmanager
def terminating_in_order() -> Iterator[None]:
    """Turns SIGTERM and SIGHUP into the exception that Ctrl-C raises, so that contexts are left properly."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
