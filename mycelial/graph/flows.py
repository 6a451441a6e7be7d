"""Which reads flowed into a file that was just written.

Only opens and closes are known, not which bytes went where.  What a tool read before it wrote is taken to
be in what it wrote; each function below is one reason why some of it is not, or why what another
process read is.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import islice, takewhile
from typing import NamedTuple

from mycelial.graph.actors import Actor
from mycelial.graph.capturing import (
    CAPTURED,
    as_told,
    captured,
    captured_lately,
    finished_before,
    in_documents,
    in_words,
    is_for_the_shell,
    used_before,
)
from mycelial.graph.making import Making, Reads
from mycelial.graph.pairing import by_stem
from mycelial.graph.piping import inputs_of_shell, through_pipes
from mycelial.graph.places import through_places
from mycelial.graph.processes import Processes
from mycelial.graph.programs import (
    CONDUCTORS,
    Kind,
    is_kernel,
    kind_of,
    works_by_itself,
    works_off_notebook,
)
from mycelial.graph.rounds import own_reads

ADJACENT = 0.05
"""Seconds by which a shell's redirection of input comes before that of output."""

NEWBORN = 1.0
"""Seconds within which a forked shell has opened all that it was forked for."""

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
    match writer.kind:
        case Kind.VERSIONS if not making.conducted:
            return {}
        case Kind.EDITOR:
            _gather(flows, making, _exported(making))
            return flows
        case kind if kind in CONDUCTORS:
            _gather(flows, making, _held_open(making, writer, processes))
            _gather(flows, making, _from_children(making, writer, processes))
            if writer.kind is Kind.SHELL:
                _gather(flows, making, _loops_input(making, writer))
                since = used_before(making, writer, processes)
                if (
                    making.closed_before and making.begun is not None
                ):  # its children have written into it, too
                    since = max(since, processes.finished_below(writer.pid, making.begun))
                told = as_told(making, processes)
                taken = captured(making, writer, processes, since) if told is None else iter(told)
                _gather(flows, making, taken)
                _gather(flows, making, in_words(making, processes))
                _gather(flows, making, _read_by_itself(making, writer, processes))
        case _:
            new = takewhile(lambda item: item[1].last > making.since, own_reads(making))
            _gather(flows, making, islice(new, making.most))
            _gather(flows, making, _from_unit(making, processes))
            _gather(flows, making, _held_open(making, writer, processes))
            _gather(flows, making, in_words(making, processes))
            if writer.kind in _CAPTURING and not making.closed_before:
                _gather(flows, making, captured_lately(making, processes))
            if writer.kind is Kind.INTERPRETER:
                _gather(flows, making, _inherited(making, processes))
                _gather(flows, making, _run_for(making, processes))
    if making.creator is not writer and making.creator.kind in CONDUCTORS:
        held = _held_open(making, making.creator, processes)
        _gather(flows, making, (item for item in held if not _has_other_input(making, item[0])))
        if any(pid == making.creator.pid for pid, _ in writer.chain):
            _gather(flows, making, _from_children(making, making.creator, processes))
    if _gave_its_output(making):
        _gather(flows, making, own_reads(replace(making, writer=making.creator)))
    if (feeder := processes.feeder(writer, making.creator, making.process)) is not None:
        _gather(flows, making, _fed(making, feeder, processes))
    _gather(flows, making, through_pipes(making, processes))
    _gather(flows, making, in_documents(making, processes))
    seen = frozenset(flows)
    _gather(flows, making, through_places(making, processes))
    return {file: flow if file in seen else flow._replace(elsewhere=True) for file, flow in flows.items()}


def bounded(flows: dict[int, Flow], most: int) -> dict[int, Flow]:
    """Leave out what was read longest ago where a program that makes many things has read very much."""
    if len(flows) <= most:
        return flows
    return {flow.file: flow for flow in sorted(flows.values(), key=lambda f: (f.t, f.file))[-most:]}


def _gather(flows: dict[int, Flow], making: Making, reads: Reads) -> None:
    for file, read in reads:
        if file != making.product and read.first <= making.t:
            known = flows.get(file)
            if known is None or known.t < read.last:
                flows[file] = Flow(file, min(read.last, making.t), read.program)


def _exported(making: Making) -> Reads:
    """Saving a file that was there says nothing; a new one may be another form of a file of its name.

    An editor that nobody sits in front of makes it of what it was told to open; of several that it works off
    one after the other, of the one of its name.
    """
    name, args = making.name_of(making.product), making.writer.args or ()
    told = {word.rpartition("/")[2] for word in args[1:]} if works_by_itself(args) else set()
    stem, _ = by_stem(name)
    names = {file: making.name_of(file) for file in making.writer.reads}
    alike = {file for file, its in names.items() if by_stem(its)[0] == stem}
    opened = {file for file, its in names.items() if its in told and name not in told}
    chosen = (opened & alike or opened) | (set() if making.existed else alike)
    for file, read in making.writer.reads.items():
        if file in chosen:
            yield file, read


def _from_unit(making: Making, processes: Processes) -> Reads:
    """What other members of the unit read, and did not turn into something else before.

    A read is used up if one that runs the writer's program, but did not start it, finished a product after it
    and before the writer began: what another program made of it, as notes for a debugger, is by the way.
    """
    writer = making.writer
    unit = [member for member in processes.unit(writer) if member is not writer]
    made = [member for member in unit if member.finished]
    behind = {writer.number}  # it, and those who made what it read, and what these read
    for reader in (waiting := [writer]):
        keys = reader.reads.keys()
        found = [m for m in made if m.number not in behind and not keys.isdisjoint(m.finished.keys())]
        behind.update(member.number for member in found)
        waiting += found
    latest = sorted(
        (
            next(
                (t for p, t in reversed(m.finished.items()) if p != making.product and t < writer.first), 0.0
            ),
            m.number,
        )
        for m in made
        if m.comm == writer.comm
    )[-2:]
    for member in unit:
        if member.number in behind:
            continue
        is_above = member.pid in writer.above
        used_up = max((t for t, number in latest if not (is_above and number == member.number)), default=0.0)
        for file, read in member.reads.items():
            if not read.conducted and read.last > used_up:
                yield file, read


def _held_open(making: Making, shell: Actor, processes: Processes) -> Reads:
    """What a shell opened for its product's sake: redirections stand side by side."""
    if making.begun is None:
        return
    early = making.begun - (NEWBORN if making.begun - shell.first <= NEWBORN else ADJACENT)
    early = max(early, finished_before(making, shell), processes.child_before(shell, early, making.begun))
    for file, read in reversed(shell.reads.items()):
        if read.last < early:
            return
        if read.conducted:
            yield file, read


def _gave_its_output(making: Making) -> bool:
    """Whether the product is the output of a program whose child, inheriting it, closed it first."""
    creator = making.creator
    return (
        creator.pid in making.writer.above
        and creator.kind in (Kind.TOOL, Kind.INTERPRETER)
        and creator.fds.get(1, "").endswith(f"/{making.path_of(making.product)}")
    )


def _has_other_input(making: Making, file: int) -> bool:
    """Whether the writer has something else as its input than what the shell that started it had opened."""
    writer = making.writer
    target = writer.fds.get(0)
    pid, comm = writer.chain[0] if writer.chain else (0, "")
    if target is None or pid != making.creator.pid or kind_of(comm) is not Kind.SHELL:
        return False
    return not target.removesuffix(" (deleted)").endswith(f"/{making.path_of(file)}")


def _read_by_itself(making: Making, shell: Actor, processes: Processes) -> Reads:
    """What a shell read into variables, as `read` and loops do: no child had it as its input."""
    if making.creator is not shell:
        return
    since = max(finished_before(making, shell), making.t - CAPTURED, making.since)
    reads = list(takewhile(lambda item: item[1].last > since, reversed(shell.reads.items())))
    if not reads:
        return
    inputs = [(child.first, child.fds.get(0)) for child in processes.below(shell.pid, reads[-1][1].first)]
    for file, read in reads:
        path = f"/{making.path_of(file)}"
        taken = (first > read.last and (target is None or target.endswith(path)) for first, target in inputs)
        if read.conducted and not is_for_the_shell(making.path_of(file)) and not any(taken):
            yield file, read


def _loops_input(making: Making, shell: Actor) -> Reads:
    """The file that is its standard input at this moment: it goes through that in a loop."""
    targets = [target for target in inputs_of_shell(making, shell) if target.startswith("/")]
    for file, read in reversed(shell.reads.items()) if targets else ():
        if read.conducted and any(target.endswith(f"/{making.path_of(file)}") for target in targets):
            yield file, read


def _from_children(making: Making, parent: Actor, processes: Processes) -> Reads:
    """What programs read that wrote through their parent's descriptor and made nothing of their own."""
    if making.begun is None:
        return
    for child in processes.below(parent.pid, making.begun):
        if any(member.finished for member in processes.unit(child)):
            continue
        for file, read in child.reads.items():
            if read.first >= making.begun and (not read.conducted or child.kind is Kind.WRAPPER):
                yield file, read


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
    since = processes.finished_below(feeder.pid, making.writer.first)
    words = {word.rpartition("/")[2] for word in feeder.args or ()}
    reads = [item for item in feeder.reads.items() if item[1].first <= making.t and not item[1].conducted]
    latest = any(read.last > since for _, read in reads)
    yield from (
        item for item in reads if not latest or item[1].last > since or making.name_of(item[0]) in words
    )
