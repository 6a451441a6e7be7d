"""What a script, or a shell, captured of its children's output, and what it is in.

It is read from a pipe by a program that says nothing of it. What is captured into a variable is used by
what the shell writes next, or what it writes into the next pipeline; what is captured within a command's
words, or within a here-document, is used by that command.
"""

from __future__ import annotations

import re

from mycelial.graph.actors import Actor
from mycelial.graph.making import Making, Reads
from mycelial.graph.processes import Processes
from mycelial.graph.programs import Kind, kind_of, script_text

SUBSTITUTED = 1.0
"""Seconds by which what is done in <( ) begins before the program that it is for is seen."""

CAPTURED = 60.0
"""Seconds for which a script is taken to use what it captured of a child's output."""


def finished_before(making: Making, shell: Actor) -> float:
    """Return when the shell itself had written something else: what it read before was for that."""
    begun = making.t if making.begun is None else making.begun
    times = (t for product, t in reversed(shell.finished.items()) if product != making.product and t <= begun)
    return next(times, 0.0)


def captured(making: Making, script: Actor, processes: Processes, since: float) -> Reads:
    """What a script's children read whose output went into a pipe that no program has as its input."""
    inherited = {pipe for actor in (script, making.writer, making.creator) for pipe in actor.pipe_out}
    children = processes.writing_below(script.pid, max(since, making.t - CAPTURED), inherited)
    if not children:  # mostly
        return
    named = [
        (actor.first, actor.last) for actor in processes.below(script.pid, since) if actor.is_given_pipes
    ]
    used_up = processes.finished_below(script.pid, making.t if making.begun is None else making.begun)
    for child in children:
        own = child.pipe_out - inherited
        pipes = own - {other.streams[0] for other in child.neighbours}
        if not pipes or child.finished or child.first < since or processes.has_reader(pipes):
            continue
        readers = processes.readers_of(own)
        if readers and all(pipes.isdisjoint(reader.pipe_out) for reader in readers):
            continue  # what it wrote went there; only what was captured for them had its input open, too
        if child.ppid != script.pid and child.first < used_up:
            continue  # another pipeline within the script, whose output went where the script's does
        if any(first - SUBSTITUTED < child.first <= last for first, last in named):
            continue
        for file, read in child.reads.items():
            if read.last >= since and not (read.conducted and child.kind is Kind.BUILDER):
                yield file, read


def captured_lately(making: Making, processes: Processes) -> Reads:
    """What a program captured of its children for this; for want of that, what it had captured before."""
    since = finished_before(making, making.writer)
    lately = list(captured(making, making.writer, processes, since))
    latest = next(reversed(making.writer.reads.values()), None)
    if lately or (latest is not None and latest.last > since):
        return iter(lately)
    return captured(making, making.writer, processes, 0.0)


_CAPTURES = re.compile(r"\$\((?!\()|`")
_INTO_VARIABLES = re.compile(r"(?:^|[;&|(\n]|\b(?:then|do|else)\b)[^\S\n]*(?:\w+\s+)?\w+=[\"']?(?:\$\(|`)")


def captures_for_words(line: tuple[str, ...]) -> bool:
    """Whether a shell, by its command line, uses at once whatever it captures, as in cp $(cat list) to."""
    text = script_text(line)
    return _CAPTURES.search(text) is not None and _INTO_VARIABLES.search(text) is None


def in_words(making: Making, processes: Processes) -> Reads:
    """What was captured for the command line of the writer."""
    writer, process = making.writer, making.process
    if not process.chain_args or not writer.chain or kind_of(writer.chain[0][1]) is not Kind.SHELL:
        return
    if not captures_for_words(process.chain_args[0]):
        return
    shell, others = processes.latest(writer.ppid), (writer, making.creator)
    inherited = {pipe for one in (*others, *((shell,) if shell else ())) for pipe in one.pipe_out}
    since = processes.finished_below(writer.ppid, writer.first)
    for child in processes.writing_below(writer.ppid, since, inherited):
        pipes = child.pipe_out - inherited - {other.streams[0] for other in child.neighbours}
        if not pipes or child.finished or not since < child.first < writer.first:
            continue
        if not processes.has_reader(pipes):
            yield from child.reads.items()


def in_documents(making: Making, processes: Processes) -> Reads:
    """What was captured for the here-document that is the input of another part of the writer's pipeline.

    A copy of the shell puts that together before it becomes the program, while the writer waits already.
    """
    writer = making.writer
    if not writer.pipe_in or processes.writers_into(writer.pipe_in):
        return
    parts = {other.pid for other in writer.neighbours}
    for child in processes.writing_below(writer.ppid, writer.first - CAPTURED, writer.pipe_out):
        waits = child.first >= writer.first and child.chain[1:2] == writer.chain[:1] != ()
        if child.finished or child.ppid == writer.pid or not (waits or child.ppid in parts):
            continue
        if not processes.has_reader(child.pipe_out - writer.pipe_out):
            yield from child.reads.items()


def used_before(making: Making, shell: Actor, processes: Processes) -> float:
    """Return until when what a shell had captured was used up: by itself, or by those that it wrote it to."""
    begun = making.t if making.begun is None else making.begun
    since = finished_before(making, shell)
    if captures_for_words(shell.args or ()):
        return max(since, processes.finished_below(shell.pid, begun))
    for child in processes.below(shell.pid, since):
        pipes = child.pipe_in - child.pipe_out - shell.pipe_in
        if pipes and child.ppid == shell.pid and is_fed_by(shell, child, pipes, processes):
            since = max(since, next((t for t in reversed(child.finished.values()) if t <= begun), 0.0))
    return since


def is_fed_by(shell: Actor, child: Actor, pipes: set[str], processes: Processes) -> bool:
    """Whether nobody else writes into the input of its child, as far as was seen."""
    lines = {other.args for other in child.neighbours if not pipes.isdisjoint(other.streams[1:2])}
    return not processes.writers_into(pipes) and lines <= {shell.args}
