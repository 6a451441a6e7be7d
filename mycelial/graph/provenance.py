"""What each file was made from.

At every close after writing, the product's direct sources are worked out anew from what its unit of work
read so far.  The unit is found by climbing from the writer to the nearest barrier (a shell, make, an
editor …): what hangs below, such as gcc with cc1, as, collect2 and ld, is one piece of work.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from operator import attrgetter
from typing import Any

from mycelial.graph.actors import Actor
from mycelial.graph.changes import Changes
from mycelial.graph.commands import step_of
from mycelial.graph.flows import Flow, bounded, flows_into
from mycelial.graph.making import Generation, Making, Written, begun_by, is_by_hand, opener_of
from mycelial.graph.pairing import belonging, is_paired, namesakes
from mycelial.graph.places import given, mounted_at
from mycelial.graph.processes import Processes
from mycelial.graph.programs import CONDUCTORS, Kind, is_script_of
from mycelial.graph.rounds import round_before
from mycelial.record.events import Event
from mycelial.record.steps import Step
from mycelial.store.files import FileTable
from mycelial.store.provenance import ProvenanceWriter, Source

UNKNOWN = 0
"""Process id of those of which nothing is known."""

REMEMBERED = 4096
"""Files being made whose beginning is remembered."""

SOURCES = 10_000
"""Sources of a product that are kept, those read last."""

SOURCES_OF_ALL = 20_000
FEWEST = 50
"""How many sources the products of one process may have altogether, and each in any case."""

STEPS = 64
"""Steps of a recipe that are kept, the latest."""

READS = 2000
"""What one process read for one product that are kept with its recipe if it writes on and on, the latest."""

EXECUTED = 16
"""Programs that are remembered of one process."""

REPEATED = 4
"""Times that a file is made from its own former content by the same command, as far as it matters."""

EMBEDDED = 100
"""Products that keep the steps of a source whose content goes."""

_CHOOSERS = frozenset({Kind.EDITOR, Kind.COPIER, Kind.VERSIONS})
"""Kinds that write what their user chose, whatever it was made from."""

_STATE = attrgetter(*Generation.__slots__)


class Provenance:
    """Keeps tables `source` and `recipe` true."""

    def __init__(self, processes: Processes, tables: ProvenanceWriter, files: FileTable) -> None:
        self._processes = processes
        self._files = files
        self._tables = tables
        self._generations: dict[int, Generation] = {}
        self._dirty = Changes[int]()

    def read(self, actor: Actor, file: int, path: str, t: float, *, closed: bool) -> None:
        """Note that `actor` read the file; a shell's script says what to do and is no input.

        What it has only `closed` now, it had opened before, for itself or for another.
        """
        is_shell = actor.kind is Kind.SHELL
        if is_shell and is_script_of(actor.args or (), path):
            self.execute(actor, file, t)
        elif actor.pid != UNKNOWN and not (is_shell and closed and file in actor.reads):
            self._processes.read(actor, file, t, conducted=actor.kind in CONDUCTORS)

    def execute(self, actor: Actor, file: int, t: float) -> None:
        """Note that `actor` becomes a program that lies in the mount: what it makes needs that."""
        if actor.pid == UNKNOWN:
            return
        actor.executed.pop(file, None)
        actor.executed[file] = t
        if len(actor.executed) > EXECUTED:
            del actor.executed[next(iter(actor.executed))]

    def create(self, actor: Actor, file: int, t: float, *, existed: bool) -> None:
        """Begin a new generation of the file."""
        carries = existed and any(file in member.reads for member in self._processes.unit(actor))
        conducted = actor.kind in CONDUCTORS
        self._set(file, Generation(t, actor.number, existed, carries, conducted=conducted))

    def write(self, actor: Actor, file: int, t: float, event: Event) -> bool:
        """The file was closed after writing: work out what it was made from.

        Returns
        -------
        bool
            Whether it was made from others, by a program that knew nothing of what had been there.
        """
        generation = self._generations.get(file)
        making = self._making(actor, file, generation, event)
        flows = bounded(self._flows(making), making.most)
        if actor.kind is Kind.COPIER:
            copied = namesakes(event.to or event.path, {number: self._files.path(number) for number in flows})
            flows = {number: flows[number] for number in copied} or flows
        if (bounds := round_before(making)) is not None:
            self._part(actor, *bounds)
        is_first = len(actor.finished) == (file in actor.finished)
        if not is_first and actor.kind in (Kind.TOOL, Kind.INTERPRETER):
            self._pair_off(making, list(flows))
        self._processes.finish(actor, file, t)
        if generation is None or generation.carries or generation.closed:
            again = 0 if generation is None or generation.closed else 1
            added = [Source(flow.file, flow.t, flow.program) for flow in flows.values()]
            self._tables.add_sources(file, actor.uid, added, again, SOURCES)
        else:
            self._replace_sources(actor, file, flows)
        if is_by_hand(making):
            self._leave_to_hand(file)
        else:
            self._note_recipe(actor, file, event, flows)
        if generation is not None and not generation.closed:
            generation.closed, generation.closer = True, actor.number
            self._dirty.add(file)
        is_new = generation is not None and not generation.carries
        return bool(flows) and is_new and actor.kind not in _CHOOSERS and not is_by_hand(making)

    def _replace_sources(self, actor: Actor, file: int, flows: dict[int, Flow]) -> None:
        """The content is new: these are all its sources."""
        old = self._tables.sources(file)
        sources = {}
        for flow in flows.values():
            known = old.get(flow.file)
            sources[flow.file] = Source(
                flow.file, flow.t, flow.program, 1 if known is None else known.times + 1
            )
        if sources != old:
            self._tables.set_sources(file, actor.uid, sources, had=bool(old))

    def link(self, actor: Actor, file: int, other: int) -> None:
        """`file` is a further name of `other`: what the one was made from, the other was."""
        sources = self._tables.sources(other)
        sources.pop(file, None)
        self._tables.set_sources(file, actor.uid, sources)
        self._tables.copy_recipe(other, file)

    def settle(self, actor: Actor, file: int) -> None:
        """A file made under another name has its own now: an editor's first save of something."""
        if actor.kind is Kind.EDITOR:
            self._tables.set_sources(file, actor.uid, {})
        elif actor.kind is Kind.COPIER:
            self._keep_namesakes(file, actor.uid)
        self._tables.set_steps(file, self._renamed(actor, file, self._tables.steps(file)))

    def replace(self, actor: Actor, kept: int, temporary: int, *, existed: bool) -> bool:
        """`kept` has the content of `temporary` now, which is gone; return whether others are its sources."""
        tables = self._tables
        made = tables.sources(temporary)
        before = tables.sources(kept)
        if actor.kind is Kind.EDITOR and (existed or kept in made):
            sources = before
            self._leave_to_hand(kept)
        else:
            sources = dict(before) if kept in made else {}
            for source in made.values():
                known = before.get(source.file)
                count = source.times if known is None else known.times + 1
                sources[source.file] = Source(source.file, source.t, source.program, count)
            sources.pop(kept, None)
            steps = self._renamed(actor, kept, tables.steps(temporary))
            if kept in made:
                steps = _continued(tables.steps(kept), steps)
            tables.move_recipe(temporary, kept)
            tables.set_steps(kept, steps)
        tables.set_sources(temporary, actor.uid, {})
        if sources != before:
            tables.set_sources(kept, actor.uid, sources)
        if actor.kind is Kind.COPIER:
            self._keep_namesakes(kept, actor.uid)
        self._rename_source(temporary, kept)
        for member in self._processes.unit(actor):
            if temporary in member.finished:
                self._processes.finish(member, kept, member.finished.pop(temporary))
        generation = self._generations.pop(temporary, None)
        if generation is not None:
            self._dirty.forget(temporary)
            generation.existed = existed or generation.existed
            self._set(kept, generation)
        return bool(sources) and kept not in made and actor.kind not in _CHOOSERS

    def begin_anew(self, file: int) -> None:
        """The file is not what it was: what was made from it was made from its former sources."""
        own = self._tables.sources(file)
        self._embed(file)
        for product, uid in self._tables.products(file):
            sources = self._tables.sources(product)
            through = sources.pop(file)
            for source in own.values():
                if source.file != product:
                    known = sources.get(source.file)
                    count = through.times if known is None else max(known.times, through.times)
                    sources[source.file] = Source(source.file, source.t, source.program, count)
            self._tables.set_sources(product, uid, sources)

    def dump(self) -> Iterator[tuple[str, Any]]:
        """Yield (key, state) of what changed since the last call; None for what was forgotten."""
        for file in sorted(self._dirty):
            g = self._generations.get(file)
            yield str(file), None if g is None else _STATE(g)
        self._dirty.settle(self._generations)

    def load(self, states: Iterator[tuple[str, Any]]) -> None:
        """Take up what :meth:`dump` gave."""
        found = [(int(key), Generation(*state)) for key, state in states]
        self._generations.update(sorted(found, key=lambda item: (item[1].begun, item[0])))
        self._dirty.load(self._generations)

    def _keep_namesakes(self, file: int, uid: int) -> None:
        """A copy that now has its name is one of what is called so."""
        sources = self._tables.sources(file)
        copied = namesakes(self._files.path(file), {number: self._files.path(number) for number in sources})
        if copied and len(copied) < len(sources):
            self._tables.set_sources(file, uid, {number: sources[number] for number in copied})

    def _part(self, actor: Actor, begun: float, end: float, earlier: set[int]) -> None:
        """What was finished in one round was not made from what was read in the rounds before."""
        for product, t in actor.finished.items():
            if begun < t <= end:
                sources = self._tables.sources(product)
                name, found = self._name_of(product), earlier & sources.keys()
                others = {file for file in found if not is_paired(name, [self._name_of(file)])}
                kept = {file: source for file, source in sources.items() if file not in others}
                if kept and others:
                    self._tables.set_sources(product, actor.uid, kept)

    def _pair_off(self, making: Making, sources: list[int]) -> None:
        """What belongs to this product by name is in none that the same program made at the same time."""
        mine, others = belonging(making, sources)
        for product in others:
            its = self._tables.sources(product)
            if mine & its.keys() and is_paired(
                making.name_of(product), map(making.name_of, its.keys() - mine)
            ):
                kept = {file: source for file, source in its.items() if file not in mine}
                self._tables.set_sources(product, making.writer.uid, kept)

    def _name_of(self, file: int) -> str:
        return self._files.row(file).name

    def _number_at(self, path: str) -> int | None:
        row = self._files.find(path)
        return None if row is None or row.gone else row.number

    def _making(self, actor: Actor, file: int, generation: Generation | None, event: Event) -> Making:
        creator = None if generation is None else self._processes.by_number(generation.creator)
        return Making(
            product=file,
            writer=actor,
            process=event.process,
            creator=creator if creator is not None else actor,
            begun=None if generation is None else generation.begun,
            conducted=generation is not None and generation.conducted,
            existed=generation is None or generation.existed,
            closed_before=generation is not None and generation.closer not in (0, actor.number),
            t=event.t,
            since=actor.finished.get(file, 0.0) if generation is None or generation.closed else 0.0,
            most=min(SOURCES, max(FEWEST, SOURCES_OF_ALL // (len(actor.finished) + 1))),
            path_of=self._files.path,
            name_of=self._name_of,
            root=mounted_at(actor, self._files.path(file)) if actor.fds else "",
            number_at=self._number_at,
            begun_by=partial(begun_by, self._generations),
        )

    def _flows(self, making: Making) -> dict[int, Flow]:
        flows = flows_into(making, self._processes)
        for file in given(making, self._processes):
            if file != making.product and file not in flows:
                flows[file] = Flow(file, making.t, making.writer.comm)
        return flows

    def _note_recipe(self, actor: Actor, file: int, event: Event, flows: dict[int, Flow]) -> None:
        maker = actor
        for member in self._processes.unit(actor):
            if member.pid == member.root and member.args:
                maker = member
        generation = self._generations.get(file)
        anew = generation is not None and not generation.closed
        written = Written(
            path=event.to or event.path,
            writer=actor,
            process=event.process,
            creator=None if generation is None else self._processes.by_number(generation.creator),
            conducted=generation is not None and generation.conducted,
            anew=anew,
            t=event.t,
            begun=event.t if generation is None else generation.begun,
            unseen=any(flow.elsewhere for flow in flows.values()),
            creators=self._creator_at,
            path_of=self._files.path,
        )
        step = step_of(written, self._processes, self._needed(actor, written.creator, list(flows)))
        old = self._tables.steps(file)
        if generation is not None and anew and not generation.carries:
            if old and (old[-1].commands, old[-1].shell) != (step.commands, step.shell):
                self._embed(file)
            steps: tuple[Step, ...] = (step,)
        elif old and old[-1].by == step.by and old[-1].product == step.product:
            reads = tuple(dict.fromkeys((*old[-1].reads, *step.reads)))[-READS:]
            steps = (*old[:-1], replace(old[-1], t=step.t, reads=reads))
        else:
            steps = _continued(old, (step,))
        self._tables.set_recipe(file, actor.uid, event.t, maker.record, actor.record, steps)

    def _leave_to_hand(self, file: int) -> None:
        """The file was written by hand, or brought from another version: nobody can do that again."""
        if (steps := self._tables.steps(file)) and steps[0].whole:
            self._tables.set_steps(file, (replace(steps[0], whole=False), *steps[1:]))

    def _needed(self, actor: Actor, creator: Actor | None, sources: list[int]) -> list[int]:
        """Return the sources, and what has to be there besides: programs that were made, a caller's input."""
        pipes = actor.pipe_in - actor.pipe_out
        opener = opener_of(actor, creator)
        running = [
            *self._processes.unit(actor),
            *self._processes.writers_into(pipes),
            *filter(None, [creator, *map(self._processes.latest, sorted(actor.above))]),
        ]
        tools = [file for one in running for file in one.executed if self._tables.steps(file)]
        reads = [] if opener is None else [file for file, read in opener.reads.items() if not read.conducted]
        return list(dict.fromkeys([*sources, *reads, *tools]))

    def _creator_at(self, path: str) -> int:
        row = self._files.find(path)
        generation = None if row is None else self._generations.get(row.number)
        creator = generation and generation.conducted and self._processes.by_number(generation.creator)
        return creator.pid if creator else 0

    def _renamed(self, actor: Actor, file: int, steps: tuple[Step, ...]) -> tuple[Step, ...]:
        """Who renames what it made, itself or by what it runs, does so again when it is run again."""
        if not steps:
            return steps
        last, path = steps[-1], self._files.path(file)
        renaming = {actor.pid, *actor.above, *(member.pid for member in self._processes.unit(actor))}
        if last.by[0] in renaming:
            return (*steps[:-1], replace(last, product=path))
        later = path if path != last.product else ""
        return (*steps[:-1], replace(last, later=later)) if last.shell_by[0] in renaming else steps

    def _embed(self, file: int) -> None:
        """The content of `file` goes: what was made from it keeps the steps by which it was made."""
        steps = self._tables.steps(file)
        if not steps:
            return
        for product, _ in self._tables.products(file)[:EMBEDDED]:
            own = self._tables.steps(product)
            if own and steps[-1] not in own and own[-1].t >= steps[-1].t:
                self._tables.set_steps(product, (*steps, *own)[-STEPS:])

    def _rename_source(self, old: int, new: int) -> None:
        for product, uid in self._tables.products(old):
            sources = self._tables.sources(product)
            source = sources.pop(old)
            if product != new:
                sources.setdefault(new, Source(new, source.t, source.program, source.times))
            self._tables.set_sources(product, uid, sources)

    def _set(self, file: int, generation: Generation) -> None:
        self._generations.pop(file, None)
        self._generations[file] = generation
        self._dirty.add(file)
        while len(self._generations) > REMEMBERED:
            self._dirty.forget(oldest := next(iter(self._generations)))
            del self._generations[oldest]


def _continued(before: tuple[Step, ...], steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """Return the steps of a file that was changed in place; without `before` it was somebody's own."""
    if before:
        like = [step for step in before[-REPEATED:] if step.commands == steps[0].commands]
        if len(like) == REPEATED and not any(command.appends for command in steps[0].commands):
            # LaTeX is run again until nothing changes; further runs add nothing.
            before = (
                *before[:-REPEATED],
                replace(before[1 - REPEATED], whole=before[-REPEATED].whole),
                *before[2 - REPEATED :],
            )
        return (*before, *steps)[-STEPS:]
    return tuple(replace(step, whole=False) for step in steps)
