"""What came to a writer through pipes: from those before it in its pipeline, however long that is.

A build's messages are no data of who gets them, nor is what tells a shell what to do.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import dropwhile

from mycelial.graph.actors import Actor, is_named_pipe
from mycelial.graph.capturing import captured, is_before, is_fed_by, is_told
from mycelial.graph.making import Making, Reads
from mycelial.graph.processes import Processes
from mycelial.graph.programs import Kind, kind_of, script_text
from mycelial.graph.redirections import inputs_of_shell


def through_pipes(making: Making, processes: Processes) -> Reads:
    """What was read by programs whose output came through a pipe, however long the pipeline."""
    seen: set[int] = {making.writer.number}
    pipes = {pipe for member in processes.unit(making.writer) for pipe in member.pipe_in - member.pipe_out}
    if making.writer.kind is Kind.SHELL and 0 in making.writer.fds:
        # what it had before, in another loop
        pipes -= making.writer.pipe_in - inputs_of_shell(making, making.writer)
    if any(pid == making.creator.pid for pid, _ in making.writer.chain):
        pipes |= making.creator.pipe_in - making.creator.pipe_out  # xargs keeps it from those it runs
    pipes = {pipe for pipe in pipes if not _has_commands(pipe, making, processes)}
    if not pipes and _is_at_its_end(making):
        earlier = processes.earlier_in_pipeline(making.writer)
        if earlier and earlier.finished.keys() <= {making.product}:
            pipes |= earlier.pipe_out - making.writer.pipe_out
            processes.take_for_reader(making.writer, pipes)
    elif pipes and not processes.writers_into(pipes) and not _has_all_its_parts(making, pipes):
        pipes |= _into_who_started(making, processes)
        earlier = processes.earlier_in_pipeline(making.writer)
        if namers := [other for other in _named(making, processes) if other.number not in seen]:
            for other in namers:
                yield from other.reads.items()
        elif earlier is not None:
            pipes |= earlier.pipe_out - making.writer.pipe_out if is_before(making, earlier) else set()
        elif (
            (shell := processes.latest(making.writer.ppid)) is not None
            and shell.kind is Kind.SHELL
            and not is_told(shell.args or ())
            and is_fed_by(shell, making.writer, pipes, processes)
        ):
            # It wrote into the pipe by itself, what it had captured before.
            since = processes.finished_below(shell.pid, making.writer.first)
            yield from captured(making, shell, processes, since)
    while pipes:
        found = [actor for actor in processes.writers_into(pipes) if actor.number not in seen]
        seen.update(actor.number for actor in found)
        for actor in found:
            if not _is_chatter(actor, making.writer, pipes, processes):
                yield from actor.reads.items()
        pipes = {pipe for actor in found for pipe in actor.pipe_in - actor.pipe_out}
        pipes = {pipe for pipe in pipes if not _has_commands(pipe, making, processes)}


def _into_who_started(making: Making, processes: Processes) -> set[str]:
    """Return the pipes that are the input of the program that started the writer, and touched no file itself.

    split --filter is known only to those beside it in its pipeline.
    """
    chain = dropwhile(lambda item: kind_of(item[1]) is Kind.SHELL, making.writer.chain)
    pid, comm = next(chain, (0, ""))
    above, _ = next(chain, (0, ""))
    if kind_of(comm) is not Kind.TOOL or processes.latest(pid) is not None:
        return set()
    beside = (one for other in processes.below(above, 0.0) for one in other.neighbours if one.pid == pid)
    return {one.streams[0] for one in beside if one.streams[:1] and one.streams[0].startswith("pipe:")}


def _has_all_its_parts(making: Making, pipes: set[str]) -> bool:
    """Whether a pipeline begins with a program that was seen, and read no file."""
    line = making.process.chain_args[0] if making.process.chain_args else ()
    return any(
        other.streams[1] in pipes
        and other.args not in ((), line)
        and not other.streams[0].startswith("pipe:")
        for other in making.process.neighbours
        if len(other.streams) > 1
    )


def _has_commands(pipe: str, making: Making, processes: Processes) -> bool:
    """Whether a pipe is the input of a shell that is told there what to do: its children have it, too."""
    writer = making.writer
    shell = processes.latest(writer.ppid)
    writers = processes.writers_into({pipe})
    if not writers:
        return shell is not None and shell.kind is Kind.SHELL and pipe in shell.pipe_in
    line = making.process.chain_args[0] if making.process.chain_args else ()
    if kind_of(writer.chain[0][1] if writer.chain else "") is not Kind.SHELL or not line or script_text(line):
        return False
    if any(writer.ppid in (other.ppid, *other.above) for other in writers):
        return False  # the shell has piped it
    above = processes.latest(writer.chain[1][0]) if len(writer.chain) > 1 else None
    if above is None:
        return len(writer.chain) > 1 and writer.chain[1][1] != writer.chain[0][1]
    return above.args != line  # else it is the copy of a shell, in parentheses


def _is_at_its_end(making: Making) -> bool:
    """Whether the writer has closed its input already, and was never seen before: a filter."""
    writer = making.writer
    is_new = writer.first == making.t if writer is not making.creator else bool(writer.fds)
    return is_new and writer.first in (making.t, making.begun) and not writer.reads and 0 not in writer.fds


def _named(making: Making, processes: Processes) -> Iterator[Actor]:
    """Yield those beside the writer that are given pipes by name, as they write to what is done in >( )."""
    for other in making.process.neighbours:
        actor = processes.latest(other.pid)
        if actor is not None and any(map(is_named_pipe, other.args)):
            yield actor


def _is_chatter(actor: Actor, reader: Actor, pipes: set[str], processes: Processes) -> bool:
    """Whether the actor works for a build whose messages the reader gets: they are not its data.

    A reader within the build may have lost its ancestors, as what is done in >( ) goes on when the program is
    gone that it is for.  Then what counts is whether the build itself has the pipe as its output.
    """
    readers = {pid for pid, _ in reader.chain}
    builders = [pid for pid, comm in actor.chain if kind_of(comm) is Kind.BUILDER and pid not in readers]
    if not builders or any(pid in readers and kind_of(comm) is not Kind.HOST for pid, comm in actor.chain):
        return bool(builders)
    known = filter(None, map(processes.latest, builders))
    return any(not builder.pipe_out.isdisjoint(pipes) for builder in known)
