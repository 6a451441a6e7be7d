"""What is measured: each subject is one way to reach the same files.

A subject is a name and the command that mounts it in the foreground; `bench.running` does the rest.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench.machine import version_line

_PEERS = Path(__file__).parents[1] / ".cache" / "peers"  # where scripts/peers puts them


class SubjectError(Exception):
    """A subject could not be mounted or stopped answering; the text is for the user."""


class NotInstalled(SubjectError):
    """A peer that is not on this machine: the comparison goes on without it."""


@dataclass(frozen=True, slots=True)
class Paths:
    """Where a subject may put things: all three are its own, except `source`, which most subjects share."""

    source: Path
    mountpoint: Path
    database: Path


@dataclass(frozen=True, slots=True)
class Subject:
    """`command` gives the foreground command that mounts `source`; None for the source itself.

    One that is mounted `in_place` covers a source of its own. `ours` are the variants of this program: a
    failure of theirs ends the run, one of a peer is noted.
    """

    name: str
    title: str
    command: Callable[[Paths], list[str]] | None
    version_command: Callable[[], list[str]] | None
    in_place: bool = False
    ours: bool = False

    def version(self) -> str:
        return version_line(self.version_command()) if self.version_command else ""


def _bindfs(paths: Paths) -> list[str]:
    return [_program("bindfs"), "-f", "--no-allow-other", str(paths.source), str(paths.mountpoint)]


def _passthrough_hp(paths: Paths) -> list[str]:
    return [_peer("passthrough_hp"), "--foreground", str(paths.source), str(paths.mountpoint)]


def _pyfuse3_example(paths: Paths) -> list[str]:
    return [sys.executable, _peer("passthroughfs.py"), str(paths.source), str(paths.mountpoint)]


def _mycelial(*words: str) -> Callable[[Paths], list[str]]:
    def command(paths: Paths) -> list[str]:
        options = ["-f", "--db", str(paths.database), *words]
        return [mycelial_mount(), *options, str(paths.source), str(paths.mountpoint)]

    return command


def mycelial_mount() -> str:
    """The command beside this interpreter, else one on PATH; without it there is nothing to measure."""
    beside = Path(sys.executable).with_name("mycelial-mount")
    found = str(beside) if beside.exists() else shutil.which("mycelial-mount")
    if found is None:
        raise SubjectError(
            f"no mycelial-mount beside {sys.executable} nor on PATH; install the package first"
        )
    return found


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise NotInstalled(f"{name} is not installed")
    return found


def _peer(name: str) -> str:
    found = _PEERS / name
    if not found.exists():
        raise NotInstalled(f"scripts/peers has not brought {name}")
    return str(found)


def _ours(name: str, title: str, *words: str, in_place: bool = False) -> Subject:
    return Subject(name, title, _mycelial(*words), lambda: [mycelial_mount(), "-V"], in_place, ours=True)


USUAL: tuple[Subject, ...] = (
    Subject("native", "native", None, lambda: ["uname", "-r"]),
    Subject("bindfs", "bindfs", _bindfs, lambda: [_program("bindfs"), "--version"]),
    _ours("mycelial", "mycelial"),
    _ours("mycelial-no-record", "mycelial, recording off", "--no-record"),
)
"""What `make bench` compares."""

FURTHER: tuple[Subject, ...] = (
    _ours("mycelial-in-place", "mycelial, mounted on its source", in_place=True),
    _ours("mycelial-no-passthrough", "mycelial, kernel passthrough off", "--no-passthrough"),
    _ours("mycelial-writeback", "mycelial, the kernel collects writes", "--no-passthrough", "--writeback"),
    Subject("passthrough_hp", "libfuse's passthrough_hp", _passthrough_hp, None),
    Subject("pyfuse3-example", "pyfuse3's passthroughfs.py", _pyfuse3_example, None),
)
"""What `make bench-full` adds."""

SUBJECTS = USUAL + FURTHER
