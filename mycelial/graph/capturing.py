"""What a script, or a shell, captured of its children's output, and what it is in.

It is read from a pipe by a program that says nothing of it. What is captured into a variable is used by
what the shell writes next, or what it writes into the next pipeline; what is captured within a command's
words, or within a here-document, is used by that command.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from itertools import takewhile

from mycelial.graph.actors import Actor, Read, is_named_pipe, is_place
from mycelial.graph.calling import has_commands
from mycelial.graph.filters import reads_input
from mycelial.graph.making import Making, Reads
from mycelial.graph.processes import Processes
from mycelial.graph.programs import Kind, is_wrapper, kind_of, script_text
from mycelial.graph.shellparts import Simple
from mycelial.graph.substitutions import ANY_WORDS, Text, Use, names, says, text_of

SUBSTITUTED = 1.0
"""Seconds by which what is done in <( ) begins before the program that it is for is seen."""

LISTED = 3
"""Files on a command line that may be those of a list, be they all that is on it."""

CAPTURED = 60.0
"""Seconds for which a script is taken to use what it captured of a child's output."""


def finished_before(making: Making, shell: Actor) -> float:
    """Return when the shell itself had written something else: what it read before was for that."""
    begun = making.t if making.begun is None or making.since else making.begun
    return max(finished_last(making, shell, begun), making.since)


def finished_last(making: Making, shell: Actor, t: float) -> float:
    """Return when the shell itself had written something else last, until `t`; 0.0 for never."""
    times = (end for file, end in reversed(shell.finished.items()) if file != making.product and end <= t)
    return next(times, 0.0)


def wrote_since(making: Making, shell: Actor, child: Actor, processes: Processes) -> bool:
    """Whether what a child says was captured by a shell below this one that has written something since."""
    between = takewhile(lambda item: item[0] != shell.pid, child.chain)
    above = [actor for pid, _ in between if (actor := processes.latest(pid)) is not None]
    return any(
        actor.kind is Kind.SHELL and finished_last(making, actor, making.t) > child.first for actor in above
    )


def captured(making: Making, script: Actor, processes: Processes, since: float) -> Reads:
    """What a script's children read whose output went into a pipe that no program has as its input."""
    inherited = {pipe for actor in (script, making.writer, making.creator) for pipe in actor.pipe_out}
    children = processes.unread_below(script.pid, max(since, making.t - CAPTURED), inherited)
    if not children:  # mostly
        return
    named = [(actor.first, actor.last) for actor in processes.given_pipes_below(script.pid, since)]
    used_up = processes.finishing.last_before(script.pid, making.t if making.begun is None else making.begun)
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
        if counted is None and _may_count(child):
            counted = _counted_until(making, script, min(one.last for one in children), processes)
        if counted is not None and child.last < counted and _may_count(child):
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


def as_told(making: Making, processes: Processes) -> list[tuple[int, Read]] | None:
    """What a shell captured for what it writes now, by the text of its commands; None if not known."""
    process = making.process
    shell, _ = making.writer.shell or ((), "")
    lines = [process.args or shell, *process.chain_args]  # at its end it has none
    text, depth = _told(lines[0]), 0
    if text is None or (uses := text.written_to(making.path_of(making.product))) is None:
        return None
    while lines[depth + 1 : depth + 2] == lines[:1]:
        depth += 1  # it is a copy
    pid = process.chain[depth - 1][0] if depth else process.pid
    return list(_said(uses, pid, making, processes))


def is_told(line: tuple[str, ...]) -> bool:
    """Whether the text of its commands says what a shell does with what it captures."""
    return _told(line) is not None


def _told(line: tuple[str, ...]) -> Text | None:
    return text_of(script_text(line)) if has_commands(line) else None


def _said(uses: list[Use], shell: int, making: Making, processes: Processes) -> Reads:
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


def is_in_copy_of(shell: int, child: Actor) -> bool:
    """Whether the parent of a child is a copy that a shell made of itself."""
    return [pid for pid, _ in child.chain[1:2]] == [shell] and kind_of(child.chain[0][1]) is Kind.SHELL


def captured_lately(making: Making, processes: Processes) -> Reads:
    """What a program captured of its children for this; for want of that, what it had captured before."""
    if _in_last(making) is not None:
        return iter(())
    since = finished_before(making, making.writer)
    lately = list(captured(making, making.writer, processes, since))
    latest = next(reversed(making.writer.reads.values()), None)
    if lately or (latest is not None and latest.last > since):
        return iter(lately)
    return captured(making, making.writer, processes, 0.0)


_CAPTURES = re.compile(r"\$\((?!\()|`")
_INTO_VARIABLES = re.compile(
    r"(?:^|[;&|(\n]|\b(?:then|do|else)\b)[^\S\n]*(?:\w+\s+)?(?P<name>\w+)=[\"']?(?:\$\(|`)"
)
_ENDS = re.compile(r"[;&|\n]")


def captures_for_words(line: tuple[str, ...]) -> bool:
    """Whether a shell, by its command line, uses at once whatever it captures, as in cp $(cat list) to."""
    text = script_text(line)
    return _CAPTURES.search(text) is not None and _INTO_VARIABLES.search(text) is None


def _may_be_in_words(line: tuple[str, ...], program: str) -> bool:
    """Whether what a shell captured may be in the words of the program that it started.

    What a script says, or what somebody typed, is not known: captured is mostly what is needed next.
    """
    text = script_text(line)
    if not text or _is_file(text, line):
        return True
    if not (names := [found["name"] for found in _INTO_VARIABLES.finditer(text)]):
        return _CAPTURES.search(text) is not None
    used = re.compile(rf"\$\{{?(?:{'|'.join(names)})\b")
    return any(program in part and used.search(part) for part in _ENDS.split(text))


def _is_file(text: str, line: tuple[str, ...]) -> bool:
    return text not in line  # but the name of a script


def _in_last(making: Making) -> list[Use] | None:
    """What is in the words of the last command of a shell, which the writer is now; None if not known."""
    writer = making.writer
    told = None if writer.shell is None else _told(writer.shell[0])
    path = making.path_of(making.product)
    return None if told is None else told.used_by(writer.args or (writer.comm, *ANY_WORDS), path)


def in_words(making: Making, processes: Processes) -> Reads:
    """What was captured for the command line of the writer, or of what stands before it in its pipeline."""
    writer, process = making.writer, making.process
    depth = _depth_of_shell(writer)
    line = process.chain_args[depth] if depth is not None and depth < len(process.chain_args) else ()
    if writer.kind is not Kind.SHELL and writer.shell is not None and writer.shell[0] != line:
        uses = _in_last(making)
        if uses is not None or not is_told(writer.shell[0]):
            yield from _said(uses or [], writer.pid, making, processes)
            return
    if depth is None or not line:
        return
    pid, _ = writer.chain[depth]
    called = process.chain_args[depth - 1] if depth else writer.args or ()
    if (told := _told(line)) is not None and (
        uses := told.used_by(called or (writer.comm, *ANY_WORDS), making.path_of(making.product))
    ) is not None:
        while process.chain_args[depth + 1 : depth + 2] == (line,):
            depth += 1  # it is a copy
        uses += told.written_to(making.path_of(making.product)) or []  # with others, in a group
        yield from _said(uses, writer.chain[depth][0], making, processes)
        return
    if writer.kind is Kind.SHELL:
        return
    if not _may_be_in_words(line, (called or (writer.comm,))[0].rpartition("/")[2]):
        return
    shell, others = processes.latest(pid), (writer, making.creator)
    inherited = {pipe for one in (*others, *((shell,) if shell else ())) for pipe in one.pipe_out}
    since = max(processes.finishing.last_before(pid, writer.first), writer.first - CAPTURED)
    loose = list(_loose_words(called, making))
    has_room = not called or _takes_document(called, writer, processes)
    own = {file for file, read in writer.reads.items() if not read.conducted} - {making.product}
    has_words = bool(loose) or len(own) >= LISTED
    until = making.t if writer.pipe_in else writer.first
    for child in (one for one in processes.unread_below(pid, since, inherited) if since < one.first <= until):
        pipes = child.pipe_out - inherited - {other.streams[0] for other in child.neighbours}
        if not pipes or processes.has_reader(pipes):
            continue
        is_word = has_room or (has_words and _may_be_among(loose, child))
        if (child.first < writer.first and is_word) or _is_for_another_part(child, writer, pid):
            yield from child.reads.items()
    text = script_text(line)
    reads_itself = (has_room or has_words) and (not text or _is_file(text, line) or "$(<" in text)
    for file, read in reversed(shell.reads.items()) if shell is not None and reads_itself else ():
        if read.last <= since:  # since then it took up nothing itself, as by $(<file)
            break
        if read.conducted and read.last < writer.first and not is_for_the_shell(making.path_of(file)):
            yield file, read


def _takes_document(called: tuple[str, ...], writer: Actor, processes: Processes) -> bool:
    """Whether the input of a program so called may be a here-document."""
    given = writer.fds.get(0, "")
    if writer.same_input or not reads_input(called) or processes.writers_into({given}):
        return False
    return not is_place(given) or given.endswith("(deleted)")


def _loose_words(line: tuple[str, ...], making: Making) -> Iterator[str]:
    """Yield the words of a command line that are no plain options, nor the product or what was read."""
    files = {making.name_of(file) for file in (making.product, *making.writer.reads)}
    yield from (
        word
        for word in line[1:]
        if not (_OPTION.fullmatch(word) or is_named_pipe(word) or word.rpartition("/")[2] in files)
    )


_OPTION = re.compile(r"-[A-Za-z]*")
_COUNTING = frozenset({"wc", "cksum", "sum", "md5sum", "sha1sum", "sha256sum", "sha512sum", "b2sum"})
"""Programs that say numbers alone: in words that hold none these are not."""


def _may_be_among(loose: list[str], child: Actor) -> bool:
    """Whether what a child says may be such words.

    Of one that only was given a file by its shell, nobody saw what it became: most count lines.
    """
    if child.kind is Kind.SHELL:
        return bool(loose)
    return not _may_count(child) or any(character.isdigit() for word in loose for character in word)


def _may_count(child: Actor) -> bool:
    called = child.args or (child.comm,)
    return child.kind is Kind.SHELL or called[0].rpartition("/")[2] in _COUNTING


def _depth_of_shell(writer: Actor) -> int | None:
    """Return which of its ancestors is the shell that started the writer, or what runs it, if any is."""
    in_unit = writer.root != writer.pid
    for depth, (pid, comm) in enumerate(writer.chain):
        if not in_unit and not is_wrapper(comm):
            return depth if kind_of(comm) is Kind.SHELL else None
        in_unit = in_unit and pid != writer.root
    return None


def _is_for_another_part(child: Actor, writer: Actor, shell: int) -> bool:
    """Whether what a child says is in the words of another part of the writer's pipeline, a shell still."""
    return bool(writer.pipe_in) and child.ppid not in (writer.pid, shell) and is_in_copy_of(shell, child)


def in_documents(making: Making, processes: Processes) -> Reads:
    """What was captured for the here-document that is the input of another part of the writer's pipeline.

    A copy of the shell puts that together before it becomes the program, while the writer waits already.
    """
    writer = making.writer
    if not writer.pipe_in or processes.writers_into(writer.pipe_in) or _is_in_text(making):
        return
    parts = {other.pid for other in writer.neighbours}
    for child in processes.unread_below(writer.ppid, writer.first - CAPTURED, writer.pipe_out):
        waits = child.first >= writer.first and child.chain[1:2] == writer.chain[:1] != ()
        if child.ppid == writer.pid or not (waits or child.ppid in parts):
            continue
        if not processes.has_reader(child.pipe_out - writer.pipe_out):
            yield from child.reads.items()


def _is_in_text(making: Making) -> bool:
    """Whether the text of a shell's commands says what goes into the writer."""
    depth = _depth_of_shell(making.writer)
    return depth is not None and any(map(is_told, making.process.chain_args[depth : depth + 1]))


def is_before(making: Making, other: Actor) -> bool:
    """Whether another program may write to the writer, for all that the text of a shell's commands says."""
    depth = _depth_of_shell(making.writer)
    line = making.process.chain_args[depth] if depth is not None and _is_in_text(making) else ()
    text = _told(line) if line else None
    return text is None or text.is_before(other.args or (), making.writer.args or ())


def is_for_the_shell(path: str) -> bool:
    """Whether a file says what to do: a script that is read into it, or a hidden one, as when it begins."""
    return "/." in f"/{path}" or path.endswith((".sh", ".bash", ".zsh", ".ksh", ".fish"))


def used_before(making: Making, shell: Actor, processes: Processes) -> float:
    """Return until when what a shell had captured was used up: by itself, or by those that it wrote it to."""
    begun = making.t if making.begun is None else making.begun
    since = finished_before(making, shell)
    if captures_for_words(shell.args or ()):
        return max(since, processes.finishing.last_before(shell.pid, begun))
    for child in processes.below(shell.pid, since):
        pipes = child.pipe_in - child.pipe_out - shell.pipe_in
        if pipes and child.ppid == shell.pid and is_fed_by(shell, child, pipes, processes):
            since = max(since, next((t for t in reversed(child.finished.values()) if t <= begun), 0.0))
    return since


def is_fed_by(shell: Actor, child: Actor, pipes: set[str], processes: Processes) -> bool:
    """Whether nobody else writes into the input of its child, as far as was seen."""
    lines = {other.args for other in child.neighbours if not pipes.isdisjoint(other.streams[1:2])}
    return not processes.writers_into(pipes) and lines <= {shell.args}
