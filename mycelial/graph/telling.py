"""What goes where that a shell captures, by the text of its commands and by who ran as one of them."""

from __future__ import annotations

import re
from collections import defaultdict
from itertools import takewhile

from mycelial.graph.actors import Actor, Read
from mycelial.graph.calling import has_commands
from mycelial.graph.making import Making, Reads
from mycelial.graph.processes import Processes
from mycelial.graph.programs import Kind, is_wrapper, kind_of, script_text
from mycelial.graph.shellparts import Simple
from mycelial.graph.substitutions import ANY_WORDS, Text, Use, names, says, text_of


def as_told(making: Making, processes: Processes) -> list[tuple[int, Read]] | None:
    """What a shell captured for what it writes now, by the text of its commands; None if not known."""
    process = making.process
    shell, _ = making.writer.shell or ((), "")
    lines = [process.args or shell, *process.chain_args]  # at its end it has none
    text, depth = told(lines[0]), 0
    if text is None or (uses := text.written_to(making.path_of(making.product))) is None:
        return None
    while lines[depth + 1 : depth + 2] == lines[:1]:
        depth += 1  # it is a copy
    pid = process.chain[depth - 1][0] if depth else process.pid
    return list(said(uses, pid, making, processes))


def is_told(line: tuple[str, ...]) -> bool:
    """Whether the text of its commands says what a shell does with what it captures."""
    return told(line) is not None


def told(line: tuple[str, ...]) -> Text | None:
    return text_of(script_text(line)) if has_commands(line) else None


def said(uses: list[Use], shell: int, making: Making, processes: Processes) -> Reads:
    """What those read who said it in substitutions of a shell: the latest of each command, or all of them."""
    inherited = {pipe for actor in (making.writer, making.creator) for pipe in actor.pipe_out}
    children: defaultdict[str, dict[int, Actor]] = defaultdict(dict)  # by what their command may be called
    for child in processes.writing_below(shell, 0.0, inherited):
        if child.finished.keys() <= {making.product} and child.first <= making.t:
            for name in _names(child, shell):
                children[name][child.number] = child
    for use in uses:
        for command in use.commands:
            of_its_names = (children.get(name, {}) for name in (*command.programs, _ANY))
            likely = {number: child for some in of_its_names for number, child in some.items()}.values()
            latest_first = sorted(likely, key=lambda child: (child.first, child.number), reverse=True)
            found = [child for child in latest_first if _is_command(command, child, shell, making)]
            if not use.all:
                latest = _runs_for(command, found[0], shell) if found else 0
                found = [child for child in found if _runs_for(command, child, shell) == latest]
            for child in found:
                yield from child.reads.items()
            if not found and not command.words and (own := processes.latest(shell)) is not None:  # $(<file)
                yield from (item for item in own.reads.items() if _is_input(command, *item, making))


_ANY = ""
"""Stands for the name of a program that nobody saw: its shell opened a file for it."""


def _names(child: Actor, shell: int) -> set[str]:
    """Return what a command may be called that such a process below a shell is, or belongs to."""
    between = {comm for _, comm in takewhile(lambda item: item[0] != shell, child.chain)}
    program = (child.args or (child.comm,))[0].rpartition("/")[2]
    return {program, *between, *([_ANY] if child.kind is Kind.SHELL else [])}


def _is_command(command: Simple, child: Actor, shell: int, making: Making) -> bool:
    if child.kind is Kind.SHELL and any(_is_input(command, *item, making) for item in child.reads.items()):
        return True  # it opened that, and became a program that touched nothing
    if says(command, child.args or (child.comm, *ANY_WORDS)):
        return True
    between = takewhile(lambda item: item[0] != shell, child.chain)
    return bool(command.program) and command.program in (comm for _, comm in between)


def _runs_for(command: Simple, child: Actor, shell: int) -> int:
    """Return the id of the process of a command that a child below a shell is, or works for, as in <( )."""
    between = takewhile(lambda item: item[0] != shell, child.chain)
    return next((pid for pid, comm in between if comm == command.program), child.pid)


def _is_input(command: Simple, file: int, read: Read, making: Making) -> bool:
    return read.conducted and any(names(word, making.path_of(file)) for word in command.inputs)


_CAPTURES = re.compile(r"\$\((?!\()|`")
_INTO_VARIABLES = re.compile(
    r"(?:^|[;&|(\n]|\b(?:then|do|else)\b)[^\S\n]*(?:\w+\s+)?(?P<name>\w+)=[\"']?(?:\$\(|`)"
)
_ENDS = re.compile(r"[;&|\n]")


def captures_for_words(line: tuple[str, ...]) -> bool:
    """Whether a shell, by its command line, uses at once whatever it captures, as in cp $(cat list) to."""
    text = script_text(line)
    return _CAPTURES.search(text) is not None and _INTO_VARIABLES.search(text) is None


def may_be_in_words(line: tuple[str, ...], program: str) -> bool:
    """Whether what a shell captured may be in the words of the program that it started.

    What a script says, or what somebody typed, is not known: captured is mostly what is needed next.
    """
    text = script_text(line)
    if not text or is_file(text, line):
        return True
    if not (names := [found["name"] for found in _INTO_VARIABLES.finditer(text)]):
        return _CAPTURES.search(text) is not None
    used = re.compile(rf"\$\{{?(?:{'|'.join(names)})\b")
    return any(program in part and used.search(part) for part in _ENDS.split(text))


def is_file(text: str, line: tuple[str, ...]) -> bool:
    return text not in line  # but the name of a script


def in_last(making: Making) -> list[Use] | None:
    """What is in the words of the last command of a shell, which the writer is now; None if not known."""
    writer = making.writer
    text = None if writer.shell is None else told(writer.shell[0])
    path = making.path_of(making.product)
    return None if text is None else text.used_by(writer.args or (writer.comm, *ANY_WORDS), path)


def is_in_text(making: Making) -> bool:
    """Whether the text of a shell's commands says what goes into the writer."""
    depth = depth_of_shell(making.writer)
    return depth is not None and any(map(is_told, making.process.chain_args[depth : depth + 1]))


def is_before(making: Making, other: Actor) -> bool:
    """Whether another program may write to the writer, for all that the text of a shell's commands says."""
    depth = depth_of_shell(making.writer)
    line = making.process.chain_args[depth] if depth is not None and is_in_text(making) else ()
    text = told(line) if line else None
    return text is None or text.is_before(other.args or (), making.writer.args or ())


def depth_of_shell(writer: Actor) -> int | None:
    """Return which of its ancestors is the shell that started the writer, or what runs it, if any is."""
    in_unit = writer.root != writer.pid
    for depth, (pid, comm) in enumerate(writer.chain):
        if not in_unit and not is_wrapper(comm):
            return depth if kind_of(comm) is Kind.SHELL else None
        in_unit = in_unit and pid != writer.root
    return None
