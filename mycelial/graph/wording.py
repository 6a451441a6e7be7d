"""What was captured for the words of a command, or for the here-document that is its input.

A command line says how many words it has, and which of them are files; what is left may have been captured.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from itertools import islice, takewhile

from mycelial.graph.actors import Actor, is_named_pipe, is_place
from mycelial.graph.capturing import CAPTURED, is_for_the_shell, is_in_copy_of, may_count
from mycelial.graph.filters import reads_input
from mycelial.graph.making import Making, Reads
from mycelial.graph.processes import Processes
from mycelial.graph.programs import Kind, is_wrapper, kind_of, script_text
from mycelial.graph.substitutions import ANY_WORDS
from mycelial.graph.telling import (
    depth_of_shell,
    in_last,
    is_file,
    is_in_text,
    is_told,
    may_be_in_words,
    said,
    told,
)

NAMED = 512
"""Files that were read, the writer's latest first, that are looked at beyond as many as there are words."""

LISTED = 3
"""Files on a command line that may be those of a list, be they all that is on it."""


def in_words(making: Making, processes: Processes) -> Reads:
    """What was captured for the command line of the writer, or of what stands before it in its pipeline."""
    writer, process = making.writer, making.process
    depth = depth_of_shell(writer)
    line = process.chain_args[depth] if depth is not None and depth < len(process.chain_args) else ()
    if writer.kind is not Kind.SHELL and writer.shell is not None and writer.shell[0] != line:
        uses = in_last(making)
        if uses is not None or not is_told(writer.shell[0]):
            yield from said(uses or [], writer.pid, making, processes)
            return
    if depth is None or not line:
        return
    pid, _ = writer.chain[depth]
    called = process.chain_args[depth - 1] if depth else writer.args or ()
    if (text := told(line)) is not None and (
        uses := text.used_by(called or (writer.comm, *ANY_WORDS), making.path_of(making.product))
    ) is not None:
        while process.chain_args[depth + 1 : depth + 2] == (line,):
            depth += 1  # it is a copy
        uses += text.written_to(making.path_of(making.product)) or []  # with others, in a group
        yield from said(uses, writer.chain[depth][0], making, processes)
        return
    if writer.kind is Kind.SHELL or _is_of_builder(line):
        return
    if not may_be_in_words(line, (called or (writer.comm,))[0].rpartition("/")[2]):
        return
    shell, others = processes.latest(pid), (writer, making.creator)
    inherited = {pipe for one in (*others, *((shell,) if shell else ())) for pipe in one.pipe_out}
    since = max(processes.finishing.last_before(pid, writer.first), writer.first - CAPTURED)
    until = making.t if writer.pipe_in else writer.first
    children = [one for one in processes.unread_below(pid, since, inherited) if since < one.first <= until]
    commands = script_text(line)
    reads_itself = not commands or is_file(commands, line) or "$(<" in commands
    taken = list(_taken_by_itself(shell, since, writer.first)) if shell and reads_itself else []
    if not children and not taken:  # mostly
        return
    loose = list(_loose_words(called, making, processes))
    has_room = not called or _takes_document(called, writer, processes)
    own = {file for file, read in writer.reads.items() if not read.conducted} - {making.product}
    has_words = bool(loose) or len(own) >= LISTED
    for child in children:
        pipes = child.pipe_out - inherited - {other.streams[0] for other in child.neighbours}
        if not pipes or processes.has_reader(pipes):
            continue
        is_word = has_room or (has_words and _may_be_among(loose, child))
        if (child.first < writer.first and is_word) or _is_for_another_part(child, making, pid):
            yield from child.reads.items()
    if has_room or has_words:
        yield from (item for item in taken if not is_for_the_shell(making.path_of(item[0])))


def _taken_by_itself(shell: Actor, since: float, until: float) -> Reads:
    """What a shell took up itself, as by $(<file), the latest first."""
    latest = takewhile(lambda item: item[1].last > since, reversed(shell.reads.items()))
    return (item for item in latest if item[1].conducted and item[1].last < until)


def _is_of_builder(line: tuple[str, ...]) -> bool:
    """Whether the script that a shell runs decides what to run, as libtool: what it reads is for that."""
    text = script_text(line)
    return is_file(text, line) and kind_of(text.rpartition("/")[2]) is Kind.BUILDER


def _takes_document(called: tuple[str, ...], writer: Actor, processes: Processes) -> bool:
    """Whether the input of a program so called may be a here-document."""
    given = writer.fds.get(0, "")
    if not given and processes.writers_into(writer.pipe_in - writer.pipe_out):
        return False
    if writer.same_input or not reads_input(called) or processes.writers_into({given}):
        return False
    if given and any(other.streams[1:2] == (given,) for other in writer.neighbours):
        return False
    return not is_place(given) or given.endswith("(deleted)")


def _loose_words(line: tuple[str, ...], making: Making, processes: Processes) -> Iterator[str]:
    """Yield the words of a command line that are no plain options, nor the product or what was read.

    What runs others names their program; before that stands how it runs them, as in timeout 9 sort.
    """
    own = (making.writer.args or (making.writer.comm,))[0].rpartition("/")[2]
    words = [
        word
        for word in line[_begin(line, making.writer.comm) :]
        if _SAYS.search(word) and not _is_as_typed(word)
    ]
    if not words:
        return
    members = (making.writer, *processes.unit(making.writer))
    reads = islice((file for member in members for file in reversed(member.reads)), NAMED + len(line))
    files = {own, making.writer.comm, *(making.name_of(file) for file in (making.product, *reads))}
    beside = os.path.dirname(making.path_of(making.product))
    for word in words:
        if files.isdisjoint(_may_name(word)) and making.number_at(os.path.join(beside, word)) is None:
            yield word  # and no file: tee has several outputs


def _begin(line: tuple[str, ...], program: str) -> int:
    """Return where on a command line the words of a program begin, be it run by others."""
    if not line or not is_wrapper(line[0].rpartition("/")[2]):
        return 1
    return next((at for at, word in enumerate(line, 1) if word.rpartition("/")[2] == program), 1)


def _is_as_typed(word: str) -> bool:
    """Whether nothing was put into a word: where a shell would still put something in, it was quoted."""
    return bool(_VARIABLE.search(word)) or _PLAIN.fullmatch(word) is not None or is_named_pipe(word)


def _may_name(word: str) -> tuple[str, str]:
    """Return what the file is called that a word, or a setting like if=file, names if it names one."""
    return word.rpartition("/")[2], word.partition("=")[2].rpartition("/")[2]


_SAYS = re.compile(r"\w")
_VARIABLE = re.compile(r"\$[\w{(@*#?!-]")
_PLAIN = re.compile(r"-[A-Za-z]*|(?:\w-\w)+")  # an option, or ranges of characters


def _may_be_among(loose: list[str], child: Actor) -> bool:
    """Whether what a child says may be such words: not those that it was called with itself.

    A word that is a number was typed, unless the child counts. Of one that only was given a file by its
    shell, nobody saw what it became: most do.
    """
    if child.kind is Kind.SHELL:
        return bool(loose)
    if not loose:
        return not may_count(child)
    words = [word for word in loose if word not in (child.args or ())]
    return any(any(map(str.isdigit, word)) if may_count(child) else not word.isdigit() for word in words)


def _is_for_another_part(child: Actor, making: Making, shell: int) -> bool:
    """Whether what a child says is in the words of another part of the writer's pipeline, a shell still."""
    writer = making.writer
    pipe = writer.fds.get(0, "pipe:")
    if not pipe.startswith("pipe:") or not writer.pipe_in or writer.same_input:
        return False
    if child.ppid in (writer.pid, shell) or not is_in_copy_of(shell, child):
        return False
    beside = {one.streams[1]: one for one in making.process.neighbours if len(one.streams) > 1}
    known = set()
    while (other := beside.pop(pipe, None)) is not None:
        known.add(other.pid)
        pipe = other.streams[0]
    return not known or child.ppid in known or pipe not in child.pipe_in  # else all parts are others


def in_documents(making: Making, processes: Processes) -> Reads:
    """What was captured for the here-document that is the input of another part of the writer's pipeline.

    A copy of the shell puts that together before it becomes the program, while the writer waits already.
    """
    writer = making.writer
    if not writer.pipe_in or processes.writers_into(writer.pipe_in) or is_in_text(making):
        return
    parts = {other.pid for other in writer.neighbours}
    for child in processes.unread_below(writer.ppid, writer.first - CAPTURED, writer.pipe_out):
        waits = child.first >= writer.first and child.chain[1:2] == writer.chain[:1] != ()
        if child.ppid == writer.pid or not (waits or child.ppid in parts):
            continue
        if not processes.has_reader(child.pipe_out - writer.pipe_out):
            yield from child.reads.items()
