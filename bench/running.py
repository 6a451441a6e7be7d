"""Mounting a subject and taking it down again, in order.

A mounting subject runs its daemon in the foreground as a child of ours, in a session of its own. So its
process is known by id, Ctrl-C at the terminal reaches us first, and the mount can be taken down in order.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.processes import cpu_seconds, descendants, descriptors, send
from bench.subjects import Paths, Subject, SubjectError

_MOUNT_SECONDS = 20.0
_UNMOUNT_SECONDS = 15.0
_SETTLE_SECONDS = 2.0
_SPARE_DESCRIPTORS = 64  # a daemon that has so few left has just failed for want of them
_QUIET_SECONDS = 0.12  # events reach the engine after twentieths of a second


class Running:
    """A subject whose files can be reached at `root`, and natively, past any mount, at `source`."""

    def __init__(
        self, subject: Subject, root: Path, source: Path, process: subprocess.Popen[bytes] | None
    ) -> None:
        self.subject = subject
        self.root = root
        self.source = source
        self._process = process

    @property
    def pid(self) -> int | None:
        """The daemon's process; None for the source itself."""
        return None if self._process is None else self._process.pid

    def engine_pid(self) -> int | None:
        """The engine beside our own mount."""
        engine = self.status().get("engine")
        return engine.get("pid") if isinstance(engine, dict) else None

    def status(self) -> dict[str, object]:
        """What our own mount says of itself; empty for every other subject."""
        try:
            status = json.loads(os.getxattr(self.root, "user.mycelial.status"))
        except (OSError, ValueError):
            return {}
        return status if isinstance(status, dict) else {}

    def passes_through(self) -> bool:
        """Whether the kernel itself reads and writes the files of our own mount."""
        core = self.status().get("core")
        return isinstance(core, dict) and bool(core.get("passthrough"))

    def describe(self) -> str:
        """Version; for a daemon its libfuse; for our own, whether the kernel passes data through."""
        words = [self.subject.version()]
        if self._process is not None:
            words.append(f"libfuse {_libfuse_of(self._process.pid)}")
        if self.status():
            words.append(f"kernel passthrough {'on' if self.passes_through() else 'off'}")
        return ", ".join(word for word in words if word)

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

    def shortage(self) -> str:
        """What the daemon has run out of, in a line; empty if that is not known."""
        with contextlib.suppress(OSError):
            if self._process is not None:
                has, may = descriptors(self._process.pid)
                if has >= may - _SPARE_DESCRIPTORS:
                    return f"{self.subject.name} has used up the {may:,} file descriptors that it may have"
        return ""

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
        yield Running(subject, paths.source, paths.source, None)
        return
    command = subject.command(paths)
    if not subject.in_place:
        paths.mountpoint.mkdir()
    # A mount on its own source covers it: the way past it is a descriptor from before.
    below = os.open(paths.source, os.O_PATH | os.O_DIRECTORY) if subject.in_place else None
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
        source = paths.source if below is None else Path(f"/proc/{os.getpid()}/fd/{below}")
        yield Running(subject, paths.mountpoint, source, process)
    finally:
        _take_down(process, paths.mountpoint)
        if below is not None:
            os.close(below)


def _libfuse_of(pid: int) -> str:
    """The version in the name of the library that a process has loaded."""
    try:
        loaded = Path(f"/proc/{pid}/maps").read_text(errors="replace")
    except OSError:
        return "unknown"
    found = re.search(r"/libfuse3?\.so\.(\d+\.\d+[.\d]*)", loaded)
    return found.group(1) if found else "unknown"


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
