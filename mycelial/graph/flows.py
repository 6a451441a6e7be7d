"""Which reads flowed into a file that was just written.

Only opens and closes are known, not which bytes went where.  What a tool read before it wrote is taken to
be in what it wrote; each function below is one reason why some of it is not, or why what another
process read is.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import islice, takewhile
from typing import NamedTuple

from mycelial.graph.actors import Actor, is_place
from mycelial.graph.capturing import captured, captured_lately, finished_before, finished_last, used_before
from mycelial.graph.feeding import feeder_of
from mycelial.graph.making import Making, Reads
from mycelial.graph.pairing import exported
from mycelial.graph.piping import note_input, through_pipes
from mycelial.graph.places import through_places
from mycelial.graph.processes import Processes
from mycelial.graph.programs import (
    CONDUCTORS,
    Kind,
    is_kernel,
    works_off_notebook,
)
from mycelial.graph.redirections import (
    ADJACENT,
    from_children,
    has_other_input,
    held_open,
    loops_input,
    read_by_itself,
)
from mycelial.graph.rounds import own_reads
from mycelial.graph.telling import as_told
from mycelial.graph.wording import in_documents, in_words

_CAPTURING = (Kind.INTERPRETER, Kind.TOOL)


class Flow(NamedTuple):
    """A file that flowed into a product, when it was last read, and by what program.

    `elsewhere`: only through a named pipe or a file outside of the mount.
    """

    file: int
    t: float
    program: str
    elsewhere: bool = False


def flows_into(making: Making, processes: Processes) -> dict[int, Flow]:
    """Return the direct sources of what was written, by their file."""
    writer = making.writer
    flows: dict[int, Flow] = {}
    if _has_messages(making) or _is_for_messages(making, processes):
        return {}
    note_input(making, processes)
    match writer.kind:
        case Kind.VERSIONS if not making.conducted:
            return {}
        case Kind.EDITOR:
            _gather(flows, making, exported(making))
            return flows
        case kind if kind in CONDUCTORS:
            _gather(flows, making, held_open(making, writer, processes))
            _gather(flows, making, from_children(making, writer, processes))
            if writer.kind is Kind.SHELL:
                _gather(flows, making, loops_input(making, writer))
                _gather(flows, making, iter(as_told(making, processes) or ()))
                _gather(flows, making, in_words(making, processes))
                latest = processes.finishing.last_before(writer.pid, making.opened)
                _gather(flows, making, _taken_up(making, processes, latest))
        case _:
            new = takewhile(lambda item: item[1].last > making.since, own_reads(making))
            _gather(flows, making, islice(new, making.most))
            _gather(flows, making, _from_unit(making, processes))
            _gather(flows, making, held_open(making, writer, processes))
            _gather(flows, making, in_words(making, processes))
            if writer.kind in _CAPTURING and not making.closed_before:
                _gather(flows, making, captured_lately(making, processes))
            if writer.kind is Kind.INTERPRETER:
                _gather(flows, making, _inherited(making, processes))
                _gather(flows, making, _run_for(making, processes))
    if making.creator is not writer and making.creator.kind in CONDUCTORS:
        held = held_open(making, making.creator, processes)
        _gather(flows, making, (item for item in held if not has_other_input(making, item[0])))
        if any(pid == making.creator.pid for pid, _ in writer.chain):
            _gather(flows, making, from_children(making, making.creator, processes))
    if _gave_its_output(making):
        _gather(flows, making, own_reads(replace(making, writer=making.creator)))
    if (feeder := feeder_of(writer, making.creator, making.process, processes)) is not None:
        _gather(flows, making, _fed(making, feeder, processes))
    _gather(flows, making, through_pipes(making, processes))
    if writer.pipe_in:
        _gather(flows, making, in_documents(making, processes))
    if writer.kind is Kind.SHELL and not flows:  # for want of that, what it had taken up before
        since = (
            processes.finishing.last_before(writer.pid, making.begun)
            if making.closed_before and making.begun
            else 0.0
        )
        _gather(flows, making, _taken_up(making, processes, since))
    if not processes.has_places:
        return flows
    seen = frozenset(flows)
    _gather(flows, making, through_places(making, processes))
    return {file: flow if file in seen else flow._replace(elsewhere=True) for file, flow in flows.items()}


def _has_messages(making: Making) -> bool:
    """Whether a program has written messages there, as what it has to say went elsewhere."""
    writer = making.writer
    output, messages = writer.fds.get(1, ""), writer.fds.get(2, "")
    if writer.kind in CONDUCTORS or output == messages or not making.is_at(making.product, messages):
        return False
    return output.startswith("pipe:") or is_place(output)


def _is_for_messages(making: Making, processes: Processes) -> bool:
    """Whether a shell opened a file for its child's messages, behind what that wrote to."""
    shell, begun = making.writer, making.begun
    if shell.kind is not Kind.SHELL or making.creator is not shell or begun is None or making.closed_before:
        return False
    since = max(begun - ADJACENT, finished_last(making, shell, begun))
    output = next((t for t in making.begun_by(shell.number, since) if t < begun), None)
    if output is None or processes.child_before(shell, output, begun):
        return False
    is_childs = processes.finishing.last_before(shell.pid, making.t) > begun
    return is_childs and finished_last(making, shell, making.t) < begun


def _taken_up(making: Making, processes: Processes, since: float) -> Reads:
    """What a shell captured, or read into variables, since then, and did not write to anything else."""
    if as_told(making, processes) is None:
        used = used_before(making, making.writer, processes)
        yield from captured(making, making.writer, processes, max(since, used))
    yield from read_by_itself(making, making.writer, processes, since)


def bounded(flows: dict[int, Flow], most: int) -> dict[int, Flow]:
    """Leave out what was read longest ago where a program that makes many things has read very much."""
    if len(flows) <= most:
        return flows
    return {flow.file: flow for flow in sorted(flows.values(), key=lambda f: (f.t, f.file))[-most:]}


def _gather(flows: dict[int, Flow], making: Making, reads: Reads) -> None:
    product, t = making.product, making.t
    for file, read in reads:
        if file != product and read.first <= t:
            known = flows.get(file)
            if known is None or known.t < read.last:
                flows[file] = Flow(file, min(read.last, t), read.program)


def _from_unit(making: Making, processes: Processes) -> Reads:
    """What other members of the unit read, and did not turn into something else before.

    A read is used up if one that runs the writer's program, but did not start it, finished a product after it
    and before the writer began: what another program made of it, as notes for a debugger, is by the way.
    """
    writer = making.writer
    unit = [member for member in processes.unit(writer) if member is not writer]
    if not unit:
        return
    made = [member for member in unit if member.finished]
    behind = {writer.number}  # it, and those who made what it read, and what these read
    for reader in (waiting := [writer]):
        keys = reader.reads.keys()
        found = [m for m in made if m.number not in behind and not keys.isdisjoint(m.finished.keys())]
        behind.update(member.number for member in found)
        waiting += found
    latest: list[tuple[float, int]] = []  # of those two, when they finished something, and who
    for m in reversed(made):
        if m.comm == writer.comm and (len(latest) < 2 or m.last >= latest[0][0]):  # mostly the last two
            finished = (
                t for p, t in reversed(m.finished.items()) if p != making.product and t < writer.first
            )
            latest = sorted([*latest, (next(finished, 0.0), m.number)])[-2:]
    by_last = latest[-1][0] if latest else 0.0
    for member in unit:
        if member.number in behind:
            continue
        used_up = by_last
        if member.pid in writer.above:
            used_up = max((t for t, number in latest if number != member.number), default=0.0)
        for file, read in member.reads.items() if member.last > used_up else ():
            if not read.conducted and read.last > used_up:
                yield file, read


def _gave_its_output(making: Making) -> bool:
    """Whether the product is the output of a program whose child, inheriting it, closed it first."""
    creator = making.creator
    return (
        creator.pid in making.writer.above
        and creator.kind in (Kind.TOOL, Kind.INTERPRETER)
        and making.is_at(making.product, creator.fds.get(1, ""))
    )


def _inherited(making: Making, processes: Processes) -> Reads:
    """What a program had read before it forked the writer, which runs the same: a pool of workers."""
    writer, parent = making.writer, processes.latest(making.writer.ppid)
    if parent is None or parent.kind is not Kind.INTERPRETER or not parent.args:
        return
    if is_kernel(writer.args or ()) and works_off_notebook(parent.args):
        yield from (item for item in parent.reads.items() if not item[1].conducted)
    if parent.args != writer.args:
        return
    since = next((t for t in reversed(parent.finished.values()) if t < writer.first), 0.0)
    words = {word.rpartition("/")[2] for word in parent.args}
    for file, read in reversed(parent.reads.items()):
        if read.last <= making.since:  # known since the writer closed this before
            return
        if read.first <= writer.first and (read.last > since or making.name_of(file) in words):
            yield file, read


def _run_for(making: Making, processes: Processes) -> Reads:
    """What a notebook read that a program has run to write down what came of it."""
    if works_off_notebook(making.writer.args or ()):
        for child in processes.below(making.writer.pid, finished_before(making, making.writer)):
            if is_kernel(child.args or ()):
                yield from child.reads.items()


def _fed(making: Making, feeder: Actor, processes: Processes) -> Reads:
    """What a program had read when it wrote into the input of the writer, and its script."""
    since = processes.finishing.last_before(feeder.pid, making.writer.first)
    words = {word.rpartition("/")[2] for word in feeder.args or ()}
    reads = [item for item in feeder.reads.items() if item[1].first <= making.t and not item[1].conducted]
    latest = any(read.last > since for _, read in reads)
    yield from (
        item for item in reads if not latest or item[1].last > since or making.name_of(item[0]) in words
    )
