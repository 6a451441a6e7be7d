"""What is measured: each subject is one way to reach the same source directory.

A mounting subject runs its daemon in the foreground as a child of ours, in a session of its own. So its
process is known by id, Ctrl-C at the terminal reaches us first, and the mount can be taken down in order.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.machine import version_line
from bench.processes import cpu_seconds, descendants, send

_MOUNT_SECONDS = 20.0
_UNMOUNT_SECONDS = 15.0
_SETTLE_SECONDS = 2.0
_QUIET_SECONDS = 0.12  # events reach the engine after twentieths of a second


class SubjectError(Exception):
    """A subject could not be mounted or stopped answering; the text is for the user."""


class NotInstalled(SubjectError):
    """A peer that is not on this machine: the comparison goes on without it."""


@dataclass(frozen=True, slots=True)
class Paths:
    """Where a subject may put things: all three are its own, except `source`, which all subjects share."""

    source: Path
    mountpoint: Path
    database: Path


@dataclass(frozen=True, slots=True)
class Subject:
    """`command` gives the foreground command that mounts `source`; None for the source itself."""

    name: str
    title: str
    command: Callable[[Paths], list[str]] | None
    version_command: Callable[[], list[str]]

    def version(self) -> str:
        return version_line(self.version_command())


def _bindfs(paths: Paths) -> list[str]:
    return [_program("bindfs"), "-f", "--no-allow-other", str(paths.source), str(paths.mountpoint)]


def _mycelial(paths: Paths) -> list[str]:
    return [*_mycelial_mount(), "-f", "--db", str(paths.database), str(paths.source), str(paths.mountpoint)]


def _mycelial_unrecorded(paths: Paths) -> list[str]:
    return [*_mycelial_mount(), "-f", "--no-record", str(paths.source), str(paths.mountpoint)]


def _mycelial_mount() -> list[str]:
    """The command beside this interpreter, else one on PATH; without it there is nothing to measure."""
    beside = Path(sys.executable).with_name("mycelial-mount")
    found = str(beside) if beside.exists() else shutil.which("mycelial-mount")
    if found is None:
        raise SubjectError(
            f"no mycelial-mount beside {sys.executable} nor on PATH; install the package first"
        )
    return [found]


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise NotInstalled(f"{name} is not installed")
    return found


SUBJECTS: tuple[Subject, ...] = (
    Subject("native", "native", None, lambda: ["uname", "-r"]),
    Subject("bindfs", "bindfs", _bindfs, lambda: [_program("bindfs"), "--version"]),
    Subject("mycelial", "mycelial", _mycelial, lambda: [*_mycelial_mount(), "-V"]),
    Subject(
        "mycelial-no-record",
        "mycelial, recording off",
        _mycelial_unrecorded,
        lambda: [*_mycelial_mount(), "-V"],
    ),
)


class Running:
    """A subject whose files can be reached at `root`."""

    def __init__(self, subject: Subject, root: Path, process: subprocess.Popen[bytes] | None) -> None:
        self.subject = subject
        self.root = root
        self._process = process

    def describe(self) -> str:
        """Version; for our own mount its libfuse, too, and whether the kernel passes data through."""
        version = self.subject.version()
        try:
            core = json.loads(os.getxattr(self.root, "user.mycelial.status"))["core"]
        except (OSError, ValueError, KeyError):
            return version
        passthrough = "on" if core.get("passthrough") else "off"
        return f"{version}, libfuse {core.get('libfuse')}, kernel passthrough {passthrough}"

    def settle(self) -> None:
        """Waits until an engine that works beside the mount has nothing left to do, at most two seconds.

        Only of preparation: what the measured work itself causes belongs to its cost.
        """
        if self._process is None or not descendants(self._process.pid):
            return
        end = time.monotonic() + _SETTLE_SECONDS
        before = cpu_seconds(self._process.pid)
        while time.monotonic() < end:
            time.sleep(_QUIET_SECONDS)
            now = cpu_seconds(self._process.pid)
            if now == before:
                return
            before = now

    @contextmanager
    def held(self) -> Iterator[None]:
        """Stops the engine for a while.

        What it puts off must not be charged to the subject that is measured meanwhile; it goes on, and pays
        for it, when its own mount is measured again.
        """
        engine = descendants(self._process.pid) if self._process else []
        try:
            for pid in engine:
                send(pid, signal.SIGSTOP)
            yield
        finally:
            for pid in engine:
                send(pid, signal.SIGCONT)

    def check(self) -> None:
        """Raises SubjectError if the daemon has ended."""
        if self._process is not None and self._process.poll() is not None:
            raise SubjectError(f"{self.subject.name} ended by itself with {self._process.returncode}")

    def kill(self) -> None:
        """Ends the daemon at once; requests that wait for it then fail rather than hang."""
        if self._process is not None:
            self._process.kill()


@contextmanager
def running(subject: Subject, paths: Paths, log: Path) -> Iterator[Running]:
    """Mounts `subject` for the time of the context. Its output goes to `log`.

    Raises SubjectError when it does not answer in time, with the last line it wrote.
    """
    if subject.command is None:
        yield Running(subject, paths.source, None)
        return
    command = subject.command(paths)
    paths.mountpoint.mkdir()
    with open(log, "wb") as output:
        process = subprocess.Popen(
            [*_ending_with_us(), *command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        _await_mount(subject, process, paths.mountpoint, log)
        yield Running(subject, paths.mountpoint, process)
    finally:
        _take_down(process, paths.mountpoint)


def _ending_with_us() -> list[str]:
    """Words before a command that have the kernel end it, and so unmount, should this program be killed."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "TERM", "--"] if setpriv else []


def _await_mount(subject: Subject, process: subprocess.Popen[bytes], mountpoint: Path, log: Path) -> None:
    outside = mountpoint.parent.stat().st_dev
    end = time.monotonic() + _MOUNT_SECONDS
    while time.monotonic() < end:
        if process.poll() is not None:
            raise SubjectError(f"{subject.name} did not mount: {_last_line(log)}")
        if mountpoint.stat().st_dev != outside:
            return
        time.sleep(0.02)
    raise SubjectError(f"{subject.name} did not mount within {_MOUNT_SECONDS:.0f} s: {_last_line(log)}")


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else "it said nothing"


def _take_down(process: subprocess.Popen[bytes], mountpoint: Path) -> None:
    """Unmounts and waits for the daemon; a busy or dead mount is detached, a daemon that stays is killed."""
    for lazily in ([], [], [], ["-z"]):
        if not _is_mounted(mountpoint):
            break
        _unmount(mountpoint, lazily)
    try:
        process.wait(_UNMOUNT_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if _is_mounted(mountpoint):
        _unmount(mountpoint, ["-z"])


def _unmount(mountpoint: Path, words: list[str]) -> None:
    done = subprocess.run(["fusermount3", "-u", *words, str(mountpoint)], capture_output=True, check=False)
    if done.returncode != 0:
        time.sleep(0.2)


def _is_mounted(mountpoint: Path) -> bool:
    """Read from the mount table: a stat would hang or fail on a mount whose daemon is gone."""
    escaped = str(mountpoint).replace("\\", "\\134").replace(" ", "\\040")
    table = Path("/proc/self/mounts").read_text(errors="surrogateescape")
    return any(line.split(" ")[1] == escaped for line in table.splitlines())
