"""A small piece of recorded work in a real database, and the source directory that it was done in.

Bo (uid 1000) edits ``src/main.c`` and ``src/main.h`` together and compiles them into ``build/main.o``, on
several days; Eve (uid 2000) reads two notes. Nobody else did anything.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mycelial.graph.rebuild import replay
from mycelial.record.events import Event, Op, Process, text_of
from mycelial.views.node import Caller, SourceKind

BO = Caller(uid=1000, gid=1000)
EVE = Caller(uid=2000, gid=2000)

DAYS = 6
ODD = text_of(b"src/odd \xff\n\x1b[2Jname.h")
"""A file that Bo also edits, whose name is no UTF-8 and moves a terminal's cursor."""


def work() -> Iterator[Event]:
    """Yield everything that happened, in order."""
    for day in range(DAYS):
        t = 1_760_000_000.0 + 86_400 * day
        vim = Process(pid=100 + day, ppid=90, comm="vim", uid=BO.uid, chain=((90, "bash"),))
        for number, path in enumerate(("src/main.c", "src/main.h", ODD)):
            yield Event(t + 10 * number, Op.OPEN, path, vim)
            yield Event(t + 10 * number + 5, Op.WRITE, path, vim)
        cc = Process(
            pid=200 + day,
            ppid=90,
            comm="cc",
            uid=BO.uid,
            chain=((90, "bash"),),
            exe="/usr/bin/cc",
            args=("cc", "-c", "-o", "build/main.o", "src/main.c"),
            cwd="/home/bo",
        )
        yield Event(t + 60, Op.OPEN, "src/main.c", cc)
        yield Event(t + 60.1, Op.OPEN, "src/main.h", cc)
        yield Event(t + 60.2, Op.CREATE, "build/main.o", cc)
        yield Event(t + 60.3, Op.WRITE, "build/main.o", cc)
        less = Process(pid=300 + day, ppid=91, comm="nano", uid=EVE.uid)
        for number, path in enumerate(("notes/one.txt", "notes/two.txt")):
            yield Event(t + 4000 + number, Op.OPEN, path, less)
            yield Event(t + 4100 + number, Op.WRITE, path, less)


FILES = ("src/main.c", "src/main.h", ODD, "build/main.o", "notes/one.txt", "notes/two.txt", "untouched")


def database(directory: Path) -> Path:
    """Make the database of :func:`work` in `directory` and return its path."""
    path = directory / "recorded.db"
    replay(path, work())
    return path


class MemorySource:
    """A source that is only a set of paths; `hidden` ones exist, but not for Bo."""

    def __init__(self, files: tuple[str, ...] = FILES, hidden: tuple[str, ...] = ()) -> None:
        self.files = {path.encode("utf-8", "surrogateescape") for path in files}
        self.hidden = {path.encode("utf-8", "surrogateescape") for path in hidden}

    def kind(self, path: bytes, caller: Caller) -> SourceKind:
        if path in self.hidden and caller == BO:
            return SourceKind.ABSENT
        if path in self.files:
            return SourceKind.FILE
        is_directory = not path or any(file.startswith(path + b"/") for file in self.files)
        return SourceKind.DIRECTORY if is_directory else SourceKind.ABSENT

    def listdir(self, path: bytes, caller: Caller) -> list[tuple[bytes, SourceKind]]:
        below = path + b"/" if path else b""
        inside = (file.removeprefix(below) for file in self.files if file.startswith(below))
        names = sorted({name.partition(b"/")[0] for name in inside})
        kinds = ((name, self.kind(below + name, caller)) for name in names)
        return [(name, kind) for name, kind in kinds if kind is not SourceKind.ABSENT]
