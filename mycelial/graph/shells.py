"""The shells that ran what made a file: what they were told to do, and whether they do it again if called so.

What a loop or a group of commands did cannot be told from its children. But a shell that was given a
script, or commands behind -c, does the same again; with the same input and output, if it was given some.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile

from mycelial.graph.actors import Actor
from mycelial.graph.calling import begun_in, called_in, can_be_called, has_commands, has_lasting_script
from mycelial.graph.filters import reads_input
from mycelial.graph.making import Written
from mycelial.graph.processes import Processes
from mycelial.graph.programs import Kind, kind_of, script_text
from mycelial.record.steps import Command

_OUTPUT = re.compile(r"\d?>+\s*\S+")
_ASKS = re.compile(r"\b(?:read|mapfile|readarray)\b")
_SAYING_NOTHING = (Kind.TOOL, Kind.SHELL, Kind.WRAPPER)


@dataclass(frozen=True, slots=True)
class Shell:
    """A shell that is told by its command line what to do.

    Attributes
    ----------
    pid, ppid : int
    line : tuple of str
    cwd : str
        Where it was called, as far as is known.
    given : str
        The file or pipe that was its input when it began.
    led : str
        Where its output was led for it, if that is the product.
    is_own : bool
        Whether its input certainly was another than that of its parent.
    """

    pid: int
    ppid: int
    line: tuple[str, ...]
    cwd: str
    given: str = ""
    led: str = ""
    is_own: bool = False


def shells_of(written: Written, processes: Processes, top: int) -> Iterator[Shell]:
    """Yield the shells that can be called again, the nearest first.

    One further up does the same if what is between them says nothing of its own.
    """
    chain = written.process.chain
    above = [pid for pid, _ in takewhile(lambda item: kind_of(item[1]) in _SAYING_NOTHING, chain)]
    pids = [written.process.pid, top, *(pid for pid, _ in chain)]
    creator = written.creator if written.creator is None or written.creator.pid not in pids else None
    seen: list[tuple[str, ...]] = []
    for actor in filter(None, (written.writer, creator, *map(processes.latest, pids))):
        for line, cwd in _lines_of(actor):
            if has_lasting_script(line) and line not in seen and (not seen or actor.pid in above):
                seen.append(line)
                yield _shell(actor, line, cwd, written, processes)
    if seen:
        return
    for depth, ((pid, comm), line) in enumerate(zip(chain, written.process.chain_args, strict=False)):
        if kind_of(comm) is Kind.SHELL:
            if can_be_called(line):
                cwd = called_in(written.process.args or (), written.process.cwd or "")
                yield _unseen(pid, depth, line, cwd, written, processes)
            return


def shell_run(written: Written) -> tuple[int, int]:
    """Return what tells one run of a shell from another: its topmost process, and the process group."""
    process, name, top = written.process, "", written.process.pid
    for pid, comm in ((process.pid, process.comm), *process.chain):
        if kind_of(comm) is Kind.SHELL and name in ("", comm):
            name, top = comm, pid
        elif name:
            break
    return top, process.pgid or 0


def asks_for_more(shell: Shell, commands: tuple[Command, ...], *, unseen: bool) -> bool:
    """Whether what was read came in from outside of a shell, which called again would not be given it.

    `unseen`: one of the commands certainly read an input of which nothing is known.
    """
    if not has_commands(shell.line):
        return bool(shell.given) and (unseen or shell.is_own)
    text = script_text(shell.line)
    if "<" in text:
        return False
    pipes = text.replace("||", "").count("|")
    first = _OUTPUT.sub("", re.split(r"[|&;\n]", text, maxsplit=1)[0])
    given = unseen or (bool(commands) and bool(commands[0].stdin))
    return (
        (given and pipes < len(commands))
        or (shell.is_own and shell.given.startswith("pipe:") and not pipes)
        or reads_input(tuple(first.split()))
        or (not commands and not pipes and _ASKS.search(text) is not None)
    )


def _lines_of(actor: Actor) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield what it is told to do that is a shell now, and what it was told before it became that."""
    if actor.kind is Kind.SHELL and actor.args and actor.shell and actor.args != actor.shell[0]:
        yield actor.args, actor.cwd
    if actor.shell is not None:
        yield actor.shell


def _shell(actor: Actor, line: tuple[str, ...], cwd: str, written: Written, processes: Processes) -> Shell:
    above = [written.writer, *(processes.latest(pid) for pid, _ in written.process.chain), None]
    copies = [at for at, one in enumerate(above) if one is not None and one.args == line]
    own = above[copies[-1]] if copies else None  # the copies of itself that it forked are not what was meant
    if own is None:
        return Shell(actor.pid, actor.ppid, line, begun_in(line, cwd))
    outer = above[copies[-1] + 1]
    given = "" if _is_run_by_builder(own, written) else own.given or ""
    led = own.led if (own.led or "").endswith(f"/{written.path}") else ""
    is_fed = is_fed_from_outside(own.pid, own.ppid, given, processes)
    is_own = is_fed or (outer is not None and outer.given is not None and outer.given != given)
    return Shell(own.pid, own.ppid, line, begun_in(line, cwd), given, led or "", is_own=is_own)


def _is_run_by_builder(shell: Actor, written: Written) -> bool:
    """Whether a builder started a shell without its own input: what it is given then, nobody writes into."""
    comm = next((comm for pid, comm in written.process.chain if pid == shell.ppid), "")
    return kind_of(comm) is Kind.BUILDER and not shell.same_input


def _unseen(
    pid: int, depth: int, line: tuple[str, ...], cwd: str, written: Written, processes: Processes
) -> Shell:
    """Return one that touched nothing itself: what it was given shows in its child."""
    chain = written.process.chain
    ppid = chain[depth + 1][0] if depth + 1 < len(chain) else 0
    given = dict(written.process.fds).get(0, "") if written.process.same_input > depth else ""
    is_own = is_fed_from_outside(pid, ppid, given, processes)
    return Shell(pid, ppid, line, cwd, given, is_own=is_own)


def is_fed_from_outside(pid: int, ppid: int, given: str, processes: Processes) -> bool:
    """Whether another part of its pipeline was seen writing into what a shell was given."""
    return given.startswith("pipe:") and any(
        writer.ppid == ppid and writer.pid != pid for writer in processes.writers_into({given})
    )
