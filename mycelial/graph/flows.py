"""Which reads flowed into a file that was just written.

Only opens and closes are known, not which bytes went where.  What a tool read before it wrote is taken to
be in what it wrote; each function below is one reason why some of it is not, or why what another
process read is.
"""

from __future__ import annotations

from dataclasses import dataclass

from mycelial.graph.actors import Actor
from mycelial.graph.making import Making, Reads
from mycelial.graph.processes import Processes
from mycelial.graph.programs import CONDUCTORS, Kind, kind_of
from mycelial.graph.rounds import own_reads

ADJACENT = 0.05
"""Seconds by which a shell's redirection of input comes before that of output."""

NEWBORN = 1.0
"""Seconds within which a forked shell has opened all that it was forked for."""

CAPTURED = 60.0
"""Seconds for which a script is taken to use what it captured of a child's output."""


@dataclass(frozen=True, slots=True)
class Flow:
    """A file that flowed into a product, when it was last read, and by what program."""

    file: int
    t: float
    program: str


def flows_into(making: Making, processes: Processes) -> dict[int, Flow]:
    """Return the direct sources of what was written, by their file."""
    writer = making.writer
    flows: dict[int, Flow] = {}
    match writer.kind:
        case Kind.VERSIONS:
            return {}
        case Kind.EDITOR:
            _gather(flows, making, _exported(making))
            return flows
        case kind if kind in CONDUCTORS:
            _gather(flows, making, _held_open(making, writer))
            _gather(flows, making, _from_children(making, writer, processes))
        case _:
            _gather(flows, making, own_reads(making))
            _gather(flows, making, _from_unit(making, processes))
            _gather(flows, making, _held_open(making, writer))
            if writer.kind is Kind.INTERPRETER:
                _gather(flows, making, _captured(making, processes))
    if making.creator is not writer and making.creator.kind in CONDUCTORS:
        _gather(flows, making, _held_open(making, making.creator))
    _gather(flows, making, _through_pipes(making, processes))
    return flows


def _gather(flows: dict[int, Flow], making: Making, reads: Reads) -> None:
    for file, read in reads:
        if file != making.product and read.first <= making.t:
            known = flows.get(file)
            if known is None or known.t < read.last:
                flows[file] = Flow(file, min(read.last, making.t), read.program)


def _exported(making: Making) -> Reads:
    """Saving a file that was there says nothing; a new one may be another form of a file of its name."""
    if making.existed:
        return
    stem = making.stem(making.product)
    for file, read in making.writer.reads.items():
        if making.stem(file) == stem:
            yield file, read


def _from_unit(making: Making, processes: Processes) -> Reads:
    """What other members of the unit read, and did not turn into something else before."""
    writer = making.writer
    unit = [member for member in processes.unit(writer) if member is not writer]
    # A read is used up if a third member finished a product after it and before the writer began.
    latest = sorted(
        (
            max((t for p, t in m.finished.items() if p != making.product and t < writer.first), default=0.0),
            m.number,
        )
        for m in unit
        if m.finished
    )[-2:]
    for member in unit:
        if any(product in writer.reads for product in member.finished):
            continue
        used_up = max((t for t, number in latest if number != member.number), default=0.0)
        for file, read in member.reads.items():
            if not read.conducted and read.last > used_up:
                yield file, read


def _held_open(making: Making, shell: Actor) -> Reads:
    """What a shell opened for its product's sake: redirections stand side by side."""
    if making.begun is None:
        return
    early = NEWBORN if making.begun - shell.first <= NEWBORN else ADJACENT
    for file, read in reversed(shell.reads.items()):
        if read.last < making.begun - early:
            return
        if read.conducted:
            yield file, read


def _from_children(making: Making, parent: Actor, processes: Processes) -> Reads:
    """What programs read that wrote through their parent's descriptor and made nothing of their own."""
    if making.begun is None:
        return
    for child in processes.below(parent.pid, making.begun):
        if any(member.finished for member in processes.unit(child)):
            continue
        for file, read in child.reads.items():
            if read.first >= making.begun and not read.conducted:
                yield file, read


def _captured(making: Making, processes: Processes) -> Reads:
    """What a script's children read whose output went into a pipe that no program has as its input."""
    writer = making.writer
    for child in processes.below(writer.pid, writer.first):
        pipes = child.pipe_out - writer.pipe_out
        if not pipes or child.finished or making.t - child.last > CAPTURED or processes.has_reader(pipes):
            continue
        for file, read in child.reads.items():
            if not read.conducted:
                yield file, read


def _through_pipes(making: Making, processes: Processes) -> Reads:
    """What was read by programs whose output came through a pipe, however long the pipeline."""
    seen: set[int] = {making.writer.number}
    pipes = {pipe for member in processes.unit(making.writer) for pipe in member.pipe_in - member.pipe_out}
    if pipes and not processes.writers_into(pipes):
        earlier = processes.earlier_in_pipeline(making.writer)
        pipes |= earlier.pipe_out if earlier is not None else set()
    while pipes:
        found = [actor for actor in processes.writers_into(pipes) if actor.number not in seen]
        seen.update(actor.number for actor in found)
        for actor in found:
            if not _is_chatter(actor, making.writer):
                yield from actor.reads.items()
        pipes = {pipe for actor in found for pipe in actor.pipe_in - actor.pipe_out}


def _is_chatter(actor: Actor, reader: Actor) -> bool:
    """Whether the actor works for a build whose messages the reader gets: they are not its data."""
    readers = {pid for pid, _ in reader.chain}
    return any(kind_of(comm) is Kind.BUILDER and pid not in readers for pid, comm in actor.chain)
