"""What came to a writer through pipes: from those before it in its pipeline, however long that is.

A build's messages are no data of who gets them, nor is what tells a shell what to do.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import dropwhile, takewhile

from mycelial.graph.actors import Actor, is_named_pipe, is_place
from mycelial.graph.capturing import captured, finished_last, is_fed_by
from mycelial.graph.feeding import earlier_in_pipeline, outputs_of_all
from mycelial.graph.making import Making, Reads
from mycelial.graph.places import has_script_as_input
from mycelial.graph.processes import Processes
from mycelial.graph.programs import Kind, kind_of, script_text
from mycelial.graph.redirections import ADJACENT, inputs_of_shell, made_since
from mycelial.graph.telling import is_before, is_told


def note_input(making: Making, processes: Processes) -> None:
    """Note what most likely was the input of a program that has closed it already."""
    writer = making.writer
    if not writer.pipe_in - writer.pipe_out and _is_at_its_end(making):
        earlier = earlier_in_pipeline(writer, processes)
        if earlier and earlier.finished.keys() <= {making.product}:
            processes.take_for_reader(writer, earlier.pipe_out - outputs_of_all(writer, processes))


def through_pipes(making: Making, processes: Processes) -> Reads:
    """What was read by programs whose output came through a pipe, however long the pipeline."""
    seen: set[int] = {making.writer.number}
    reading = (member for member in processes.unit(making.writer) if member.pipe_in)
    pipes = {pipe for member in reading for pipe in member.pipe_in - member.pipe_out}
    pipes -= _had_before(making, making.writer)
    if any(pid == making.creator.pid for pid, _ in making.writer.chain):
        creator = making.creator  # xargs keeps it from those it runs
        pipes |= creator.pipe_in - creator.pipe_out - _had_before(making, creator)
    pipes = {pipe for pipe in pipes if not _has_commands(pipe, making, processes)}
    if _is_of_all(making) and not processes.writers_into(pipes):
        pipes = set()
    if pipes and not processes.writers_into(pipes) and not _has_all_its_parts(making, pipes):
        pipes |= _into_who_started(making, processes)
        earlier = earlier_in_pipeline(making.writer, processes)
        if namers := [other for other in _named(making, processes) if other.number not in seen]:
            for other in namers:
                yield from other.reads.items()
        elif earlier is not None:
            own = outputs_of_all(making.writer, processes)
            pipes |= earlier.pipe_out - own if is_before(making, earlier) else set()
        elif (
            (shell := processes.latest(making.writer.ppid)) is not None
            and shell.kind is Kind.SHELL
            and not is_told(shell.args or ())
            and is_fed_by(shell, making.writer, pipes, processes)
        ):
            # It wrote into the pipe by itself, what it had captured before.
            since = processes.finishing.last_before(shell.pid, making.writer.first)
            yield from captured(making, shell, processes, since)
    scripts = _scripts_among(processes.writers_into(pipes), making)
    while pipes:
        if scripts:
            pipes = {pipe for pipe in pipes if not _is_led_to_file(pipe, scripts, processes)}
        found = [actor for actor in processes.writers_into(pipes) if actor.number not in seen]
        seen.update(actor.number for actor in found)
        for actor in found:
            if not _is_chatter(actor, making.writer, pipes, processes):
                yield from _said(actor, making, pipes, scripts, processes)
        found = [actor for actor in found if not _leads_elsewhere(actor, pipes)]
        pipes = {pipe for actor in found for pipe in actor.pipe_in - actor.pipe_out}
        pipes = {pipe for pipe in pipes if not _has_commands(pipe, making, processes)}


def _had_before(making: Making, shell: Actor) -> set[str]:
    """Return the pipes that a shell had as its input before: in other loops."""
    is_seen = shell.kind is Kind.SHELL and 0 in shell.fds
    return shell.pipe_in - inputs_of_shell(making, shell) if is_seen else set()


def _said(actor: Actor, making: Making, pipes: set[str], scripts: set[int], processes: Processes) -> Reads:
    """What a program read that it may have written into one of these pipes.

    Of the commands of `scripts` that is not what they made files of, nor what their shell itself made one of.
    """
    if _leads_elsewhere(actor, pipes):
        return
    if not _is_of(scripts, actor):
        yield from actor.reads.items()
        return
    since = finished_last(making, actor, making.t)
    if actor.kind is not Kind.SHELL:
        yield from () if since else actor.reads.items()
        return
    led = actor.fds.get(1, "")
    for file, read in takewhile(lambda item: item[1].last > since, reversed(actor.reads.items())):
        is_led = read.last >= actor.last and led.startswith("pipe:") and led not in pipes
        if not is_led and not (read.conducted and _has_output(actor, read.last, making, processes)):
            yield file, read


def _has_output(shell: Actor, t: float, making: Making, processes: Processes) -> bool:
    """Whether a shell that opened an input then opened an output, too, right before or behind that."""
    since = max(t - ADJACENT, finished_last(making, shell, t))
    beside = (begun for begun in making.begun_by(shell.number, since) if begun <= t + ADJACENT)
    return any(not processes.child_before(shell, min(t, begun), max(t, begun)) for begun in beside)


def _leads_elsewhere(actor: Actor, pipes: set[str]) -> bool:
    """Whether a program had nothing for these pipes but messages, at most."""
    output = actor.fds.get(1, "")
    is_other = output not in pipes and (is_place(output) or output.startswith("pipe:"))
    return is_other and actor.kind is not Kind.SHELL


def _is_of(scripts: set[int], actor: Actor) -> bool:
    return actor.pid in scripts or not scripts.isdisjoint(actor.above)


def _is_led_to_file(pipe: str, scripts: set[int], processes: Processes) -> bool:
    """Whether a command of these scripts has this as its input, and a file as its output."""
    first = min((actor.first for actor in processes.writers_into({pipe})), default=0.0)
    return any(
        is_place(reader.fds.get(1, "")) or (reader.kind is Kind.SHELL and made_since(reader, first))
        for reader in processes.readers_of({pipe})
        if _is_of(scripts, reader)
    )


def _scripts_among(found: list[Actor], making: Making) -> set[int]:
    """Return which of these are shells that run scripts of their own, and no copies of the writer's."""
    lines = making.process.chain_args
    return {
        actor.pid
        for actor in found
        if actor.kind is Kind.SHELL and actor.args not in lines and script_text(actor.args or ())
    }


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
        is_given = shell is not None and shell.kind is Kind.SHELL and pipe in shell.pipe_in
        return is_given or has_script_as_input(making)
    line = making.process.chain_args[0] if making.process.chain_args else ()
    if kind_of(writer.chain[0][1] if writer.chain else "") is not Kind.SHELL or not line or script_text(line):
        return False
    if any(writer.ppid in (other.ppid, *other.above) for other in writers):
        return False  # the shell has piped it
    above = processes.latest(writer.chain[1][0]) if len(writer.chain) > 1 else None
    if above is None:
        return len(writer.chain) > 1 and writer.chain[1][1] != writer.chain[0][1]
    return above.args != line  # else it is the copy of a shell, in parentheses


def _is_of_all(making: Making) -> bool:
    """Whether the writer has the input of all that is run there: its shell has it from who started it."""
    lines = making.process.chain_args
    copies = sum(1 for _ in takewhile(lambda line: line == lines[0], lines))
    return making.process.same_input > copies > 0


def _is_at_its_end(making: Making) -> bool:
    """Whether the writer has closed its input already, and was never seen before: a filter."""
    writer, creator = making.writer, making.creator
    if creator.pid == writer.ppid and is_place(target := creator.fds.get(0, "")) and target != creator.given:
        return False  # the shell had opened a file for it
    is_new = writer.first == making.t if writer is not creator else bool(writer.fds)
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
