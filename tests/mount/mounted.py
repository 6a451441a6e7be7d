"""Real mounts for the tests: started with the real command, watched, and certainly gone afterwards.

The command is `mycelial-mount` beside the running interpreter, or what MYCELIAL_MOUNT_COMMAND says: any
program that takes SOURCE and MOUNTPOINT last will do for trying the matrix on another filesystem.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.mount.actor import ActorDied, ActorTimeout, run_apart

PATIENCE = 60.0
"""Seconds after which a test gives up on what must happen: a machine may be slow, or have much else to do."""


def installed(name: str) -> str:
    """The program of that name that belongs to the running interpreter."""
    return os.path.join(os.path.dirname(sys.executable), name)


def mount_command() -> list[str]:
    return shlex.split(os.environ.get("MYCELIAL_MOUNT_COMMAND", "")) or [installed("mycelial-mount")]


def is_stand_in() -> bool:
    """Whether another filesystem stands in for Mycelial, which then has none of its options."""
    return "MYCELIAL_MOUNT_COMMAND" in os.environ and "mycelial" not in os.environ["MYCELIAL_MOUNT_COMMAND"]


@dataclass(frozen=True, slots=True)
class MountEntry:
    """A line of /proc/self/mountinfo, as far as the tests ask."""

    mountpoint: str
    options: tuple[str, ...]
    type: str
    source: str
    super_options: tuple[str, ...]


def _unescaped(field: str) -> str:
    """Undo the kernel's octal escapes."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), field)


def mount_table() -> list[MountEntry]:
    entries = []
    # A name may have what others take for the end of a line or of a field.
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape", newline="\n") as table:
        for line in table:
            fields = line.rstrip("\n").split(" ")
            separator = fields.index("-")
            entries.append(
                MountEntry(
                    mountpoint=_unescaped(fields[4]),
                    options=tuple(fields[5].split(",")),
                    type=fields[separator + 1],
                    source=_unescaped(fields[separator + 2]),
                    super_options=tuple(fields[separator + 3].split(",")),
                )
            )
    return entries


def mounted_at(path: Path) -> MountEntry | None:
    """The topmost mount on that very path."""
    found = [entry for entry in mount_table() if entry.mountpoint == str(path)]
    return found[-1] if found else None


def processes_naming(word: str) -> dict[int, str]:
    """The processes that have a unique word (a test's path) in their command line, with that line."""
    found = {}
    for name in os.listdir("/proc"):
        if not name.isdigit() or int(name) == os.getpid():
            continue
        with contextlib.suppress(OSError):
            line = Path("/proc", name, "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            state = Path("/proc", name, "stat").read_text(errors="replace").rpartition(")")[2].split()[0]
            if word in line and state != "Z":
                found[int(name)] = line
    return found


def wait_until(condition: Callable[[], Any], seconds: float = PATIENCE, what: str = "") -> Any:
    """Poll until the condition is true; its value. Fails with the text otherwise."""
    deadline = time.monotonic() + seconds
    pause = 0.01
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:g} s: {what or condition}")
        time.sleep(pause)
        pause = min(1.3 * pause, 0.1)


def force_unmount(path: Path) -> None:
    """The last resort; for a mount that a failed test left."""
    for command in (["fusermount3", "-u", "-z", str(path)], ["umount", "-l", str(path)]):
        if mounted_at(path) is None:
            return
        with contextlib.suppress(subprocess.SubprocessError, OSError):
            subprocess.run(command, timeout=10, capture_output=True, check=False)


def clear_away(directory: Path) -> None:
    """Unmount everything below a test's directory and end the processes that name it."""
    for entry in reversed(mount_table()):
        if entry.mountpoint.startswith(str(directory) + "/") or entry.mountpoint == str(directory):
            force_unmount(Path(entry.mountpoint))
    deadline = time.monotonic() + 3
    while processes_naming(f"{directory}/") and time.monotonic() < deadline:
        time.sleep(0.02)
    for pid in processes_naming(f"{directory}/"):
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGKILL)


def run(
    command: Sequence[str | os.PathLike[str]], *, timeout: float = PATIENCE, **options: Any
) -> subprocess.CompletedProcess[str]:
    """A command with its output as text; never waits for ever."""
    options.setdefault("stdin", subprocess.DEVNULL)
    return subprocess.run(
        [os.fspath(word) for word in command],
        timeout=timeout,
        capture_output=True,
        text=True,
        errors="surrogateescape",
        check=False,
        **options,
    )


class MountFailed(AssertionError):
    """The mount command did not succeed; its text is the command's own."""


@dataclass(slots=True)
class Mounted:
    """A mount for a test: its places, and what can be done with it."""

    directory: Path
    options: tuple[str, ...] = ()
    in_place: bool = False
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def source(self) -> Path:
        return self.directory / "source"

    @property
    def mountpoint(self) -> Path:
        return self.source if self.in_place else self.directory / "mountpoint"

    @property
    def database(self) -> Path:
        return self.directory / "state" / "events.db"

    @property
    def command(self) -> list[str]:
        own = [] if is_stand_in() else ["--db", str(self.database)]
        return [*mount_command(), *own, *self.options, str(self.source), str(self.mountpoint)]

    def start(self) -> Mounted:
        for place in (self.source, self.mountpoint, self.database.parent):
            if place.name not in os.listdir(self.directory):
                place.mkdir()
        # The output goes to a file: a daemon that keeps its streams must not make this wait for ever.
        with open(self.directory / "mount.log", "a+b") as log:
            finished = subprocess.run(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                timeout=PATIENCE,
                env={**os.environ, **self.environment},
                check=False,
            )
        if finished.returncode:
            text = (self.directory / "mount.log").read_text(errors="replace")
            raise MountFailed(f"{shlex.join(self.command)} ended with {finished.returncode}: {text}")
        if mounted_at(self.mountpoint) is None:
            raise MountFailed(f"{shlex.join(self.command)} returned before {self.mountpoint} was mounted")
        return self

    def processes(self) -> dict[int, str]:
        """The daemon and its engine."""
        return processes_naming(f"{self.directory}/")

    def status(self) -> dict[str, Any]:
        """The status that the mount gives of itself."""
        text = run_apart(os.getxattr, os.fspath(self.mountpoint), "user.mycelial.status")
        status: dict[str, Any] = json.loads(text)
        return status

    def answers(self) -> bool:
        """Whether the mount is there and answers."""
        if mounted_at(self.mountpoint) is None:
            return False
        try:
            run_apart(os.statvfs, os.fspath(self.mountpoint))
            run_apart(os.listdir, os.fspath(self.mountpoint))
        except (OSError, ActorTimeout, ActorDied):
            return False
        return True

    def unmount(self) -> None:
        """The ordinary way: fusermount3 -u, and all processes end by themselves."""
        finished = wait_until(self._unmounted, what="nobody's looking at it")
        assert finished.returncode == 0, finished.stderr
        self.wait_for_end()

    def _unmounted(self) -> subprocess.CompletedProcess[str] | None:
        """What came of it; None if it was busy: the doctor of another test may just look at it."""
        finished = run(["fusermount3", "-u", str(self.mountpoint)], timeout=PATIENCE)
        return None if "busy" in finished.stderr else finished

    def wait_for_end(self) -> None:
        wait_until(lambda: mounted_at(self.mountpoint) is None, what="the mount's leaving the table")
        wait_until(lambda: not self.processes(), what=f"the end of {self.processes()}")

    def clear(self) -> None:
        clear_away(self.directory)
