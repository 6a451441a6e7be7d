"""Who most likely writes into the input of a program, where no link between the two was seen."""

from __future__ import annotations

from mycelial.graph.actors import Actor
from mycelial.graph.processes import Processes
from mycelial.graph.programs import FEEDING, Kind, is_one_command, kind_of
from mycelial.record.events import Process

PIPELINE = 2.0
PIPELINE_TICKS = 20
PIPELINE_IDS = 32
"""Within how many seconds, clock ticks and process ids a shell has started a whole pipeline."""


def feeder_of(writer: Actor, creator: Actor | None, process: Process, processes: Processes) -> Actor | None:
    """Return the program that writes into the input of its child: the writer, or who opened its output.

    tar starts a compressor like that, and a script a converter; a shell may stand in between. What the
    writer, seen as `process` now, read itself says more.
    """
    if writer.reads:
        return None
    lines = {pid: line for (pid, _), line in zip(process.chain, process.chain_args, strict=False)}
    for child in (writer,) if creator is None else (writer, creator):
        pipes = child.pipe_in - child.pipe_out
        if child is not writer and child.pid == writer.ppid and _has_its_parents(child, pipes, processes):
            pipes = set()
        if pipes and not processes.writers_into(pipes):
            return _above_pipes(child, pipes, lines, processes)
        if pipes and child is writer:
            return None
    if creator is not None and creator.pid == writer.ppid and creator.kind in FEEDING:
        return creator  # it opened the output for its child, and the input most likely
    return None


def _has_its_parents(child: Actor, pipes: set[str], processes: Processes) -> bool:
    """Whether the input of a program is that of who started it, so that nobody started it to feed it."""
    parent = processes.latest(child.ppid)
    return child.same_input > 0 or (parent is not None and pipes <= parent.pipe_in)


def _above_pipes(
    child: Actor, pipes: set[str], lines: dict[int, tuple[str, ...]], processes: Processes
) -> Actor | None:
    for pid, comm in child.chain:
        actor = processes.latest(pid)
        if actor is not None and pipes <= actor.pipe_in:
            continue  # it has them from its own parent
        if actor is None and kind_of(comm) is Kind.SHELL and is_one_command(lines.get(pid, ())):
            continue
        return actor if actor is not None and actor.kind in FEEDING else None
    return None


def earlier_in_pipeline(actor: Actor, processes: Processes) -> Actor | None:
    """Return who most likely stands before `actor` in its pipeline, though the links between are gone.

    A filter that touches no file is known from /proc only, and may have ended before anybody looked.
    What is left is that a shell starts the parts of a pipeline one right after the other.
    Who writes to where `actor` writes too stands beside it: make gives all jobs its own standard output,
    and to all but one a standard input that nobody ever writes to.
    """
    own = outputs_of_all(actor, processes)
    for pid in range(actor.pid - 1, actor.pid - PIPELINE_IDS - 1, -1):
        other = processes.latest(pid)
        if (
            other is not None
            and other.last >= actor.first - PIPELINE
            and other.ppid == actor.ppid
            and other.pipe_out - own
            and abs((other.start or 0) - (actor.start or 0)) <= PIPELINE_TICKS
            and not processes.has_reader(other.pipe_out - own)
            and not _is_seen_reading(other, actor)
        ):
            return None if processes.finishing.last_before(actor.ppid, actor.first) > other.last else other
    return None


def outputs_of_all(actor: Actor, processes: Processes) -> set[str]:
    """Return the pipes that are the output of a program, or of who started it."""
    return actor.pipe_out.union(*(above.pipe_out for above in (processes.latest(actor.ppid),) if above))


def _is_seen_reading(other: Actor, actor: Actor) -> bool:
    """Whether a third one was seen beside the other, with the other's pipe as its input."""
    return any(
        one.pid not in (actor.pid, other.pid) and not other.pipe_out.isdisjoint(one.streams[:1])
        for one in other.neighbours
    )
