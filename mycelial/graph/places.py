"""What flows in by what a program has open: its standard input, named pipes, and files outside of the mount.

Nobody is heard of there.  But where a program's output leads is known of everyone who touched a file of ours,
and that another program reads there shows in its input or on its command line.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import islice, takewhile

from mycelial.graph.actors import Actor, is_place
from mycelial.graph.calling import has_commands
from mycelial.graph.filters import reads_input
from mycelial.graph.making import Making, Reads
from mycelial.graph.processes import Processes
from mycelial.graph.programs import CONDUCTORS, Kind, is_told_by_input
from mycelial.record.events import Neighbour

OPENED = 64
"""Files read latest by a process, among which is what it opened for its child."""

WORDS = 64
"""Words of a command line that are looked at."""


def mounted_at(actor: Actor, path: str) -> str:
    """Return where the mount's root is, as far as it shows from a process having the file open."""
    below = f"/{path}"
    return next((target[: -len(below)] for target in actor.fds.values() if target.endswith(below)), "")


def given(making: Making, processes: Processes) -> Iterator[int]:
    """Yield the files that are the standard input of a program, or of its pipeline, whoever opened them.

    Who stands below a shell that reads there what to do has that as its input, too, if given no other.
    """
    writer, creator = making.writer, making.creator
    if writer.kind in CONDUCTORS:
        return
    target = writer.fds.get(0, "")
    if target.startswith("pipe:"):
        yield from _given_to_pipeline(target, making, processes)
        return
    if not target and creator.pid == writer.ppid and _passes_input(creator, writer):
        target = creator.fds.get(0, "")  # the writer has closed it by now
    yield from _input_at(target, making, processes)


def _passes_input(shell: Actor, child: Actor) -> bool:
    """Whether a shell passes its input on to such a child: that reads one, and the shell has its commands."""
    return shell.kind is Kind.SHELL and has_commands(shell.args or ()) and reads_input(child.args or ())


def _given_to_pipeline(pipe: str, making: Making, processes: Processes) -> Iterator[int]:
    """Yield the file that is the input of the first part of a pipeline, as it was seen beside the writer."""
    beside = {one.streams[1]: one for one in making.process.neighbours if len(one.streams) > 1}
    first = beside.get(pipe)
    if first is None and not processes.writers_into({pipe}):
        yield from _opened_before_exec(making, processes)
    for _ in beside:
        if first is None or not first.streams[0].startswith("pipe:"):
            break
        first = beside.get(first.streams[0])
    if first is not None and reads_input(first.args):
        yield from _input_at(first.streams[0], making, processes)


def _opened_before_exec(making: Making, processes: Processes) -> Iterator[int]:
    """Yield what the shell that started the writer was given as its input by the one that forked it."""
    shell, lines = processes.latest(making.writer.ppid), making.process.chain_args
    if shell is not None and lines and shell.args != lines[0] and has_commands(lines[0]):
        latest = next(reversed(shell.reads), None)
        if latest is not None and shell.reads[latest].conducted and not shell.finished:
            yield latest


def _input_at(target: str, making: Making, processes: Processes) -> Iterator[int]:
    """Yield the file that an input leads to, if any, unless a shell above reads there what to do."""
    if not is_place(target):
        return
    writer, process = making.writer, making.process
    above = filter(None, (processes.latest(pid) for pid, _ in process.chain))
    if (file := _file_at(target, making, [writer, *above])) is None:
        return
    shell = processes.latest(writer.ppid)
    lines = zip(process.chain, process.chain_args, strict=False)
    told = next((pid for (pid, comm), line in lines if is_told_by_input(comm, line)), None)
    is_shells = shell is not None and shell.given != target and file in shell.reads
    between = takewhile(lambda item: item[0] != told, process.chain)
    openers = filter(None, (processes.latest(pid) for pid, _ in between))
    if told is None or file in writer.reads or is_shells or any(file in one.reads for one in openers):
        yield file


def _file_at(target: str, making: Making, openers: list[Actor]) -> int | None:
    if making.root:
        below = target.removeprefix(f"{making.root}/")
        return making.number_at(below) if below != target else None
    parts = target.split("/")
    for actor in openers:
        for file in islice(reversed(actor.reads), OPENED):
            if making.name_of(file) == parts[-1] and any(
                making.number_at("/".join(parts[begin:])) == file for begin in range(1, len(parts))
            ):
                return file
    return None


def has_script_as_input(making: Making) -> bool:
    """Whether the writer has the input of a shell that is told there what to do, as by `sh < script`."""
    process = making.process
    above = zip(process.chain, process.chain_args, strict=False)
    return any(is_told_by_input(comm, line) for (_, comm), line in islice(above, process.same_input))


def inputs_of(making: Making, processes: Processes) -> Iterator[str]:
    """Yield what the writer, and the other parts of its pipeline, read or are told to read by name."""
    process = making.process
    beside = [other for other in process.neighbours if not _is_led_to_file(other, processes)]
    lines = [process.args or (), *(other.args for other in beside)]
    inputs = [dict(process.fds).get(0, ""), *(other.streams[0] for other in beside if other.streams)]
    for line in lines:
        for word in line[1:WORDS]:
            name = word.partition("=")[2] or word
            if name.startswith("/") or process.cwd:
                inputs.append(
                    os.path.normpath(os.path.join(process.cwd or "/", name)) if "\0" not in name else ""
                )
    return filter(is_place, inputs)


def _is_led_to_file(other: Neighbour, processes: Processes) -> bool:
    """Whether what seemed to be another part of a pipeline was given a file for its output after that."""
    actor = processes.latest(other.pid)
    return actor is not None and is_place(actor.fds.get(1, ""))


def writers_before(making: Making, processes: Processes) -> Iterator[Actor]:
    """Yield those whose output the writer has read from a place that holds no file of ours."""
    if not processes.has_places:
        return
    for place in dict.fromkeys(inputs_of(making, processes)):
        found = [
            actor
            for actor in processes.writers_to(place)
            if actor.first <= making.t and actor is not making.writer and actor.pid not in making.writer.above
        ]
        if found and not _is_ours(place, found, making, processes):
            latest = found[-1]
            used_up = processes.finishing.last_before(latest.ppid, latest.first)
            yield from (actor for actor in found if actor.last > used_up)


def _is_ours(place: str, writers: list[Actor], making: Making, processes: Processes) -> bool:
    """Whether a path, where these have written, is that of a file in the mount.

    If nobody knows the mount's root, what is called as a file in it may be another one: /tmp/data.csv is not
    the tree's data.csv, unless that was made by who wrote there, or who started that or stands behind it.
    """
    if making.root:
        below = place.removeprefix(f"{making.root}/")
        return below != place and making.number_at(below) is not None
    parts = place.split("/")
    if any(making.number_at("/".join(parts[begin:])) is not None for begin in range(1, len(parts) - 1)):
        return True
    if any(place.endswith(f"/{making.path_of(file)}") for writer in writers for file in writer.finished):
        return True  # it is gone since
    file = making.number_at(parts[-1])
    beside = {pid for writer in writers for pid in (writer.ppid, *(other.pid for other in writer.neighbours))}
    makers = [*writers, *map(processes.latest, sorted(beside))]
    return file is not None and any(maker is not None and file in maker.finished for maker in makers)


def through_places(making: Making, processes: Processes) -> Reads:
    """What was read by those whose output the writer has read from such a place."""
    for actor in writers_before(making, processes):
        yield from actor.reads.items()
