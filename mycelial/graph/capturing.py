"""What a script, or a shell, captured of its children's output, and what it is in.

It is read from a pipe by a program that says nothing of it. What is captured into a variable is used by
what the shell writes next, or what it writes into the next pipeline; what is captured within a command's
words, or within a here-document, is used by that command.
"""

from __future__ import annotations

import re
from itertools import takewhile

from mycelial.graph.actors import Actor, is_named_pipe
from mycelial.graph.filters import GREP
from mycelial.graph.making import Making, Reads
from mycelial.graph.processes import Processes
from mycelial.graph.programs import Kind, kind_of
from mycelial.graph.telling import captures_for_words, in_last

SUBSTITUTED = 1.0
"""Seconds by which what is done in <( ) begins before the program that it is for is seen."""

CAPTURED = 60.0
"""Seconds for which a script is taken to use what it captured of a child's output."""


def finished_before(making: Making, shell: Actor) -> float:
    """Return when the shell itself had written something else: what it read before was for that."""
    return max(finished_last(making, shell, making.opened), making.since)


def finished_last(making: Making, shell: Actor, t: float) -> float:
    """Return when the shell itself had written something else last, until `t`; 0.0 for never."""
    times = (end for file, end in reversed(shell.finished.items()) if file != making.product and end <= t)
    return next(times, 0.0)


def wrote_since(making: Making, shell: Actor, child: Actor, processes: Processes) -> bool:
    """Whether what a child says was captured by a shell below this one that has written something since."""
    between = takewhile(lambda item: item[0] != shell.pid, child.chain)
    above = [actor for pid, _ in between if (actor := processes.latest(pid)) is not None]
    return any(
        actor.shell is not None and finished_last(making, actor, making.t) > child.first for actor in above
    )


def captured(making: Making, script: Actor, processes: Processes, since: float) -> Reads:
    """What a script's children read whose output went into a pipe that no program has as its input."""
    inherited = {pipe for actor in (script, making.writer, making.creator) for pipe in actor.pipe_out}
    children = processes.unread_below(script.pid, max(since, making.t - CAPTURED), inherited)
    if not children:  # mostly
        return
    named = [(actor.first, actor.last) for actor in processes.given_pipes_below(script.pid, since)]
    used_up = processes.finishing.last_before(script.pid, making.opened)
    counted: float | None = None
    for child in (one for one in children if one.first >= since):
        is_copys = is_in_copy_of(script.pid, child) and not child.pipe_in
        if child.ppid != script.pid and child.first < used_up and not is_copys:
            continue  # another pipeline within the script, whose output went where the script's does
        own = child.pipe_out - inherited
        pipes = own - {other.streams[0] for other in child.neighbours}
        if not pipes or processes.has_reader(pipes):
            continue
        readers = processes.readers_of(own)
        if readers and all(pipes.isdisjoint(reader.pipe_out) for reader in readers):
            continue  # what it wrote went there; only what was captured for them had its input open, too
        is_taken = child.ppid != script.pid and _is_for_parent(child, processes)
        if is_taken or (child.ppid != script.pid and wrote_since(making, script, child, processes)):
            continue
        is_named = any(first - SUBSTITUTED < child.first <= last for first, last in named)
        if is_named and pipes.isdisjoint(_outputs_of_given(child)):
            continue
        if counted is None and may_count(child):
            counted = _counted_until(making, script, min(one.last for one in children), processes)
        if counted is not None and child.last < counted and may_count(child):
            continue
        for file, read in child.reads.items():
            if read.last >= since and not (read.conducted and child.kind is Kind.BUILDER):
                yield file, read


def _counted_until(making: Making, script: Actor, since: float, processes: Processes) -> float:
    """Return when a program was seen first, the latest one, that was told a number, as in head -n $count."""
    found = (
        other.first
        for other in processes.finishing.below(script.pid, since)
        if other.first <= making.t and other.kind is not Kind.SHELL
        if any(word.lstrip("-").isdigit() for word in (other.args or ())[1:])
    )
    return max(found, default=0.0)


def _is_for_parent(child: Actor, processes: Processes) -> bool:
    """Whether a shell's copy captured it before it became the program that made something of it."""
    parent = processes.latest(child.ppid)
    return parent is not None and parent.kind is not Kind.SHELL and bool(parent.finished)


def _outputs_of_given(child: Actor) -> set[str]:
    """Return the outputs of those beside it that are given pipes by name: there goes what is done in <( )."""
    given = (other for other in child.neighbours if any(map(is_named_pipe, other.args)))
    return {stream for other in given for stream in other.streams[1:2]}


def is_in_copy_of(shell: int, child: Actor) -> bool:
    """Whether the parent of a child is a copy that a shell made of itself."""
    return [pid for pid, _ in child.chain[1:2]] == [shell] and kind_of(child.chain[0][1]) is Kind.SHELL


def captured_lately(making: Making, processes: Processes) -> Reads:
    """What a program captured of its children for this; for want of that, what it had captured before."""
    if in_last(making) is not None:
        return iter(())
    since = finished_before(making, making.writer)
    lately = list(captured(making, making.writer, processes, since))
    latest = next(reversed(making.writer.reads.values()), None)
    if lately or (latest is not None and latest.last > since):
        return iter(lately)
    return captured(making, making.writer, processes, 0.0)


def is_for_the_shell(path: str) -> bool:
    """Whether a file says what to do: a script that is read into it, or a hidden one, as when it begins."""
    return "/." in f"/{path}" or path.endswith((".sh", ".bash", ".zsh", ".ksh", ".fish"))


def used_before(making: Making, shell: Actor, processes: Processes) -> float:
    """Return until when what a shell had captured was used up: by itself, or by those that it wrote it to."""
    since = finished_before(making, shell)
    if captures_for_words(shell.args or ()):
        return max(since, processes.finishing.last_before(shell.pid, making.opened))
    for child in processes.below(shell.pid, since):
        pipes = child.pipe_in - child.pipe_out - shell.pipe_in
        if pipes and child.ppid == shell.pid and is_fed_by(shell, child, pipes, processes):
            times = (t for t in reversed(child.finished.values()) if t <= making.opened)
            since = max(since, next(times, 0.0))
    return since


def is_fed_by(shell: Actor, child: Actor, pipes: set[str], processes: Processes) -> bool:
    """Whether nobody else writes into the input of its child, as far as was seen."""
    lines = {other.args for other in child.neighbours if not pipes.isdisjoint(other.streams[1:2])}
    return not processes.writers_into(pipes) and lines <= {shell.args}


_COUNTING = frozenset({"wc", "cksum", "sum", "md5sum", "sha1sum", "sha256sum", "sha512sum", "b2sum"})
"""Programs that say numbers alone: in words that hold none these are not."""

_COUNTS = re.compile(r"-[A-Za-z]*c[A-Za-z]*|--count")
"""With such an option so does grep."""


def may_count(child: Actor) -> bool:
    called = child.args or (child.comm,)
    name = called[0].rpartition("/")[2]
    counts_lines = name in GREP and any(map(_COUNTS.fullmatch, called[1:]))
    return child.kind is Kind.SHELL or name in _COUNTING or counts_lines
