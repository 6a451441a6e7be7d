"""What flowed into a file by way of those that had it opened: a shell, or what else runs programs.

Redirections stand side by side, a loop goes through its input, and what runs within a group of commands
writes where the group does.  That something is opened to add to it nobody sees.
"""

from __future__ import annotations

from itertools import takewhile

from mycelial.graph.actors import Actor, is_place
from mycelial.graph.capturing import CAPTURED, finished_before, finished_last, is_for_the_shell, wrote_since
from mycelial.graph.making import Making, Reads
from mycelial.graph.pairing import by_stem
from mycelial.graph.processes import Processes
from mycelial.graph.programs import Kind, is_told_by_input, kind_of

ADJACENT = 0.05
"""Seconds within which a shell opens both files of a command."""

LONGEST = 32
"""Parts of a pipeline that are followed."""

NEWBORN = 1.0
"""Seconds within which a forked shell has opened all that it was forked for."""


def held_open(making: Making, shell: Actor, processes: Processes) -> Reads:
    """What a shell opened for its product's sake: redirections stand side by side."""
    if making.begun is None or not shell.reads:
        return
    early = making.begun - (NEWBORN if making.begun - shell.first <= NEWBORN else ADJACENT)
    early = max(early, finished_before(making, shell), processes.child_before(shell, early, making.begun))
    early = max(early, _opened_after(making, shell))
    for file, read in reversed(shell.reads.items()):
        if read.last < early:
            return
        is_for_itself = _tells(file, making, shell) or _is_script_made(making, shell, file)
        if read.conducted and not is_for_itself:
            yield file, read


def _tells(file: int, making: Making, shell: Actor) -> bool:
    """Whether a file is the input of a shell that is told there what to do, as by `sh < file`."""
    is_told = is_told_by_input(shell.comm, shell.args or ())
    return is_told and shell.given is not None and making.is_at(file, shell.given)


def _is_script_made(making: Making, builder: Actor, file: int) -> bool:
    """Whether what a builder made and then read tells it what to do: cmake includes what it worked out."""
    stem, _ = by_stem(making.name_of(making.product))
    is_made = builder.kind is Kind.BUILDER and file in builder.finished
    return is_made and by_stem(making.name_of(file))[0] != stem


def has_other_input(making: Making, file: int) -> bool:
    """Whether the writer has something else as its input than what the shell that started it had opened."""
    writer = making.writer
    target = writer.fds.get(0)
    pid, comm = writer.chain[0] if writer.chain else (0, "")
    if target is None or pid != making.creator.pid or kind_of(comm) is not Kind.SHELL:
        return False
    return not making.is_at(file, target.removesuffix(" (deleted)"))


def read_by_itself(making: Making, shell: Actor, processes: Processes, since: float) -> Reads:
    """What a shell read into variables, as `read` and loops do: no child had it as its input."""
    if making.creator is not shell:
        return
    since = max(since, finished_before(making, shell), making.t - CAPTURED, _opened_after(making, shell))
    reads = list(takewhile(lambda item: item[1].last > since, reversed(shell.reads.items())))
    if not reads:
        return
    inputs = [(child.first, child.fds.get(0)) for child in processes.below(shell.pid, reads[-1][1].first)]
    for file, read in reads:
        taken = (
            first > read.last and (target is None or making.is_at(file, target)) for first, target in inputs
        )
        is_data = not is_for_the_shell(making.path_of(file)) and not _tells(file, making, shell)
        if read.conducted and is_data and not any(taken):
            yield file, read


def loops_input(making: Making, shell: Actor) -> Reads:
    """The file that is its standard input at this moment: it goes through that in a loop."""
    targets = [target for target in inputs_of_shell(making, shell) if target.startswith("/")]
    for file, read in reversed(shell.reads.items()) if targets else ():
        is_input = read.conducted and not _tells(file, making, shell)
        if is_input and any(making.is_at(file, target) for target in targets):
            yield file, read


def inputs_of_shell(making: Making, shell: Actor) -> set[str]:
    """Return where the input of a shell that writes led when it made the file, and when it closed it."""
    now = dict(making.process.fds).get(0, "")
    if making.begun is None or making.closed_before or _closed_last(making, shell):
        return {now}  # it was opened anew since it was made
    return {now, shell.fds.get(0, "")}


def from_children(making: Making, parent: Actor, processes: Processes) -> Reads:
    """What programs read that wrote through their parent's descriptor and made nothing of their own."""
    if making.begun is None:
        return
    opened = max(making.begun, _opened_after(making, parent))
    for child in processes.below(parent.pid, opened):
        if not _may_write(making, parent, child, processes) or any(
            m.finished.keys() - {making.product} for m in processes.unit(child)
        ):
            continue
        for file, read in child.reads.items():
            if read.first >= opened and (not read.conducted or child.kind is Kind.WRAPPER):
                yield file, read


def _may_write(making: Making, parent: Actor, child: Actor, processes: Processes) -> bool:
    """Whether a program may have written into what its parent opened, by where its own output led.

    A pipe may end there, as in what a shell captures and then says; but who has closed the product once opens
    it anew, and nobody sees when.
    """
    output = child.fds.get(1, "")
    if not child.fds or making.is_at(making.product, output):
        return True
    if child.kind is Kind.SHELL and any(making.is_at(making.product, place) for place in child.places):
        return True
    if output.startswith("pipe:"):
        ends = _ends_of(output, child, making, processes)
        if any(making.is_at(making.product, end) for end in ends):
            return True
        if output in parent.pipe_out or not any(end.startswith("pipe:") for end in ends):
            return False
        if wrote_since(making, parent, child, processes):
            return False
        is_closed = bool(_closed_last(making, parent))
        if making.writer is parent:
            return not making.closed_before and not is_closed
        return making.writer.kind is Kind.SHELL or not is_closed  # its copy has it from there
    is_other = is_place(output)  # messages, at most
    return not is_other and any(making.is_at(making.product, target) for target in child.fds.values())


def made_since(shell: Actor, t: float) -> list[int]:
    """Return what a shell has written itself since then, the latest first."""
    return [file for file, _ in takewhile(lambda item: item[1] >= t, reversed(shell.finished.items()))]


def _ends_of(pipe: str, child: Actor, making: Making, processes: Processes) -> set[str]:
    """Return where a pipeline leads, as far as is known: to a pipe that nobody was seen to read, at worst."""
    ends, waiting = set[str](), [pipe]
    for one in waiting:
        beside = (other.streams for other in child.neighbours if other.streams[:1] == (one,))
        targets = {streams[1] for streams in beside if len(streams) > 1}
        for reader in processes.readers_of({one}):
            made = made_since(reader, child.first) if reader.kind is Kind.SHELL else []
            targets |= {f"/{making.path_of(file)}" for file in made} or {reader.fds.get(1, "")}
        further = {target for target in targets if target.startswith("pipe:")}.difference(waiting)
        waiting += sorted(further)[: LONGEST - len(waiting)]
        ends |= (targets - further) or (set() if further else {one})
    return ends


def _opened_after(making: Making, parent: Actor) -> float:
    """Return the latest time before which its parent cannot have opened the product, for all that is known.

    What was closed already may be opened anew to add to it, which nobody sees; it is not while that goes on
    that a shell writes to something else by itself.
    """
    last = _closed_last(making, parent)
    if not last and not making.closed_before:
        return 0.0
    return max(last, finished_last(making, parent, making.t))


def _closed_last(making: Making, parent: Actor) -> float:
    """Return when a program had closed the product last, since that was made; 0.0 for never."""
    last = parent.finished.get(making.product, 0.0)
    return last if making.begun is None or last >= making.begun else 0.0
