"""What people do, as events: builds, edits, analyses, pipes, reading, and programs that walk over everything.

Each kind of work names its processes with their lineage, as the mount does, so that all of the derivation has
its work to do: episodes, provenance through pipes and builds, saving by rename, transients, sweeps.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from itertools import islice

from bench.synthetic.world import FILES, Project, World
from mycelial.record.events import Event, Op, Process

BEGIN = 1_700_000_000.0
"""Seconds since the epoch of the first event."""


def events(count: int, files: int, seed: int = 1) -> Iterator[Event]:
    """The first `count` events of a user's life among about `files` files."""
    return islice(_Life(files, seed).events(), count)


class _Life:
    """One user who does one thing after the other."""

    def __init__(self, files: int, seed: int) -> None:
        self._choice = random.Random(seed)
        self._world = World(files)
        self._t = BEGIN
        self._pid = 1000
        self._shell = self._process("bash", (), ("bash",), "/")

    def events(self) -> Iterator[Event]:
        kinds: list[tuple[Callable[[Project], Iterator[Event]], int]] = [
            (self._build, 25),
            (self._edit, 35),
            (self._analyse, 20),
            (self._pipe, 10),
            (self._read, 15),
            (self._sweep, 1),
        ]
        acts, weights = zip(*kinds, strict=True)
        while True:
            project = self._world.choose(self._choice)
            self._shell = self._process("bash", (), ("bash",), project.root)
            for _ in range(self._choice.randint(3, 25)):
                yield from self._choice.choices(acts, weights)[0](project)
                self._t += self._choice.expovariate(1 / 40)
            self._t += self._choice.choice((60, 600, 3600, 40_000))

    def _process(
        self,
        comm: str,
        parents: tuple[Process, ...],
        args: tuple[str, ...],
        root: str,
        pipe_in: tuple[str, ...] = (),
        pipe_out: tuple[str, ...] = (),
    ) -> Process:
        """A new process; `parents` from the nearest upwards."""
        self._pid += self._choice.randint(1, 3)
        pid = 1000 + self._pid % 4_000_000
        chain = tuple((parent.pid, parent.comm) for parent in parents)
        return Process(
            pid=pid,
            ppid=chain[0][0] if chain else 1,
            comm=comm,
            uid=1000,
            chain=(*chain, (1, "systemd")),
            pipe_in=pipe_in,
            pipe_out=pipe_out,
            sid=parents[-1].pid if parents else pid,
            pgid=parents[-2].pid if len(parents) > 1 else pid,
            start=int((self._t - BEGIN) * 100),
            cgroup="/user.slice/user-1000.slice",
            exe=f"/usr/bin/{comm}",
            args=args,
            cwd=f"/home/user/{root}",
        )

    def _event(self, op: Op, path: str, process: Process, to: str | None = None) -> Event:
        self._t += self._choice.expovariate(1000)
        return Event(round(self._t, 6), op, path, process, to)

    def _made(self, path: str, process: Process) -> Iterator[Event]:
        yield self._event(Op.CREATE, path, process)
        yield self._event(Op.WRITE, path, process)

    def _build(self, project: Project) -> Iterator[Event]:
        """A few modules compiled, and all of those linked."""
        make = self._process("make", (self._shell,), ("make", "-j2"), project.root)
        compiled = self._choice.sample(range(60), 6)
        for index in compiled:
            above = (
                self._process("gcc", (make, self._shell), ("gcc", "-c"), project.root),
                make,
                self._shell,
            )
            compiler = self._process("cc1", above, ("cc1", project.path(index)), project.root)
            yield self._event(Op.OPEN, project.path(index), compiler)
            for header in range(4):
                yield self._event(Op.OPEN, project.path(60 + (index * 3 + header * 7) % 40), compiler)
            assembler = self._process("as", above, ("as", "-o", project.object(index)), project.root)
            yield from self._made(project.object(index), assembler)
        linker = self._process("ld", (make, self._shell), ("ld", "-o", "program"), project.root)
        for index in compiled:
            yield self._event(Op.OPEN, project.object(index), linker)
        yield from self._made(f"{project.root}/build/program", linker)

    def _edit(self, project: Project) -> Iterator[Event]:
        """An editor that looks at a file or two and saves one by rename."""
        path = project.path(self._choice.randrange(FILES))
        other = project.path(self._choice.randrange(FILES))
        head, _, name = path.rpartition("/")
        editor = self._process("vim", (self._shell,), ("vim", name), project.root)
        yield self._event(Op.OPEN, other, editor)
        yield self._event(Op.OPEN, path, editor)
        swap, backup = f"{head}/.{name}.swp", f"{path}~"
        yield from self._made(swap, editor)
        self._t += self._choice.expovariate(1 / 20)
        yield self._event(Op.RENAME, path, editor, backup)
        yield from self._made(path, editor)
        yield self._event(Op.UNLINK, backup, editor)
        yield self._event(Op.UNLINK, swap, editor)

    def _analyse(self, project: Project) -> Iterator[Event]:
        """A script that makes a result from data."""
        script = 150 + self._choice.randrange(20)
        runner = self._process("python3", (self._shell,), ("python3", project.path(script)), project.root)
        yield self._event(Op.OPEN, project.path(script), runner)
        for index in range(self._choice.randint(1, 4)):
            yield self._event(Op.OPEN, project.path(100 + (script + index * 11) % 50), runner)
        yield from self._made(f"{project.root}/results/{script}.txt", runner)

    def _pipe(self, project: Project) -> Iterator[Event]:
        """cat data | sort > sorted"""
        pipe = (str(self._pid),)
        index = 100 + self._choice.randrange(50)
        data = project.path(index)
        reader = self._process("cat", (self._shell,), ("cat", data), project.root, pipe_out=pipe)
        writer = self._process("sort", (self._shell,), ("sort",), project.root, pipe_in=pipe)
        yield self._event(Op.CREATE, f"{project.root}/results/sorted-{index}", writer)
        yield self._event(Op.OPEN, data, reader)
        yield self._event(Op.WRITE, f"{project.root}/results/sorted-{index}", writer)

    def _read(self, project: Project) -> Iterator[Event]:
        for _ in range(self._choice.randint(1, 5)):
            path = project.path(170 + self._choice.randrange(30))
            yield self._event(
                Op.OPEN, path, self._process("less", (self._shell,), ("less", path), project.root)
            )
            self._t += self._choice.expovariate(1 / 15)

    def _sweep(self, project: Project) -> Iterator[Event]:
        walker = self._process("grep", (self._shell,), ("grep", "-r", "x", "."), project.root)
        for index in range(FILES):
            yield self._event(Op.OPEN, project.path(index), walker)
