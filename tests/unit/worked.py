"""Writing event logs as a story: programs that open, write and rename files, and what is known afterwards."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mycelial.graph.rebuild import replay
from mycelial.record.events import Event, Op, Process
from mycelial.store.answers import Answers

ALICE = 1000
NOON = 1_760_000_000.0


@dataclass
class Program:
    """One process of a story; its methods are the events that it causes, each a moment after the last."""

    story: Story
    process: Process

    def open(self, *paths: str) -> Program:
        for path in paths:
            self._cause(Op.OPEN, path)
        return self

    def create(self, *paths: str) -> Program:
        for path in paths:
            self._cause(Op.CREATE, path)
        return self

    def close(self, *paths: str) -> Program:
        """Close after writing."""
        for path in paths:
            self._cause(Op.WRITE, path)
        return self

    def make(self, *paths: str) -> Program:
        """Create, write and close."""
        for path in paths:
            self.create(path).close(path)
        return self

    def execute(self, path: str) -> Program:
        return self._cause(Op.EXEC, path)

    def rename(self, path: str, to: str) -> Program:
        return self._cause(Op.RENAME, path, to)

    def link(self, path: str, to: str) -> Program:
        return self._cause(Op.LINK, path, to)

    def unlink(self, *paths: str) -> Program:
        for path in paths:
            self._cause(Op.UNLINK, path)
        return self

    def becomes(self, comm: str, **changes: Any) -> Program:
        """Run another program in the same process."""
        self.process = self.process._replace(comm=comm, **changes)
        return self

    def run(self, comm: str, **about: Any) -> Program:
        """Start a child."""
        return self.story.program(comm, parent=self, **about)

    def _cause(self, op: Op, path: str, to: str | None = None) -> Program:
        self.story.now += 0.01
        self.story.events.append(Event(self.story.now, op, path, self.process, to))
        return self


@dataclass
class Story:
    """An event log in the making, and the database that it is replayed into."""

    directory: Path
    now: float = NOON
    events: list[Event] = field(default_factory=list)
    pid: int = 100

    def program(self, comm: str, *, parent: Program | None = None, uid: int = ALICE, **about: Any) -> Program:
        self.pid += 1
        chain: tuple[tuple[int, str], ...] = ((50, "bash"),)
        if parent is not None:
            above = parent.process
            chain, uid = ((above.pid, above.comm), *above.chain), above.uid
        process = Process(self.pid, chain[0][0], comm, uid, chain, start=self.pid * 10)
        return Program(self, process._replace(**about))

    def wait(self, seconds: float) -> None:
        self.now += seconds

    def pause(self) -> None:
        """Let the episode end."""
        self.now += 400.0

    @property
    def database(self) -> Path:
        return self.directory / "story.db"

    def answers(self, uid: int | None = None) -> Answers:
        """Replay what happened since the last call and open the database."""
        replay(self.database, self.events)
        self.events.clear()
        return Answers.open(self.database, uid)

    def sources(self, path: str) -> list[str]:
        with self.answers() as answers:
            return sorted(found.path for found in answers.sources(path, limit=1000))

    def products(self, path: str) -> list[str]:
        with self.answers() as answers:
            return sorted(found.path for found in answers.products(path, limit=1000))

    def together(self, path: str) -> list[str]:
        with self.answers() as answers:
            return [found.path for found in answers.together(path)]

    def episodes(self, path: str) -> dict[str, int]:
        """Return the number of common episodes of each file that was used together with `path`."""
        with self.answers() as answers:
            return {found.path: found.episodes for found in answers.together(path)}
