"""The commands that made a file, worked out from who wrote it and from the pipes and files it was given.

What a shell was typed is not recorded, only what it started. A simple command, its redirections and its
pipeline can be told from that; loops, groups and what a shell does by itself cannot. There the shell's own
command line stands in, if it has one: a script, or the text behind -c.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from mycelial.graph.actors import NAMED_PIPES, Actor
from mycelial.graph.calling import as_called, began_in, called_in, has_lasting_script, root_of
from mycelial.graph.feeding import feeder_of
from mycelial.graph.filters import ignores_input, reads_input
from mycelial.graph.making import Written, opener_of
from mycelial.graph.processes import Processes
from mycelial.graph.programs import (
    Kind,
    is_barrier,
    is_kernel,
    is_overwritten,
    is_wrapper,
    kind_of,
    lends_environment,
    script_text,
    works_off_notebook,
)
from mycelial.graph.redirections import ADJACENT
from mycelial.graph.shells import Shell, asks_for_more, shell_run, shells_of
from mycelial.record.events import Process
from mycelial.record.steps import NOWHERE, Command, Step

LONGEST = 32
"""Commands of a pipeline that are followed."""

_SETS = re.compile(r"<<|(?:^|[;&|(\s])(?:[A-Za-z_]\w*=|(?:export|ulimit|umask|set)\s)")
_DELETED = " (deleted)"
_RUNNING_OTHERS = (Kind.BUILDER, Kind.INTERPRETER, Kind.TOOL)


@dataclass(slots=True)
class _Part:
    """One process of a pipeline: its command line, and where its streams lead, by number.

    `inherits` says whether its standard input is that of its parent, too.
    """

    pid: int
    ppid: int
    args: tuple[str, ...]
    streams: dict[int, str]
    inherits: bool = False


def step_of(written: Written, processes: Processes, reads: Iterable[int]) -> Step:
    """Return how the file was made just now; `reads` are its direct sources."""
    paths = tuple((file, written.path_of(file)) for file in reads)
    builder = _Builder(written, processes, [path for _, path in paths])
    return builder.step(paths)


class _Builder:
    def __init__(self, written: Written, processes: Processes, sources: list[str]) -> None:
        self._written = written
        self._processes = processes
        self._parts: dict[int, _Part] = {}
        self._sure = not written.unseen
        self._sources = sources
        self._unseen = False  # whether a command certainly read an input of which nothing is known
        own = written.creator is written.writer and written.writer.kind is Kind.BUILDER
        self._by_shell = written.conducted and not own
        self._root = root_of(written.process, [written.path, *sources])

    def step(self, reads: tuple[tuple[int, str], ...]) -> Step:
        written, process = self._written, self._written.process
        feeder = feeder_of(written.writer, written.creator, written.process, self._processes)
        feeder = feeder or opener_of(written.writer, written.creator)
        top = self._top(process) if feeder is None else self._feeding(feeder)
        commands: tuple[Command, ...] = ()
        if written.writer.kind in (Kind.SHELL, Kind.HOST) or not top.args:
            self._sure = False
        else:
            commands = self._pipeline(top)
            self._sure = self._sure and not any(is_overwritten(command.args) for command in commands)
        shell: Shell | None = None
        for one in shells_of(written, self._processes, top.pid) if feeder is None else ():
            if not self._sure and (one.led or one.is_own) and (called := self._called(one)):
                return self._as_command(one, called, reads)
            if asks_for_more(one, commands, unseen=self._unseen):
                continue
            if not one.led:
                shell = one
                break
            commands, self._unseen = (Command(one.line),), False  # with that, the next one did it
        if shell is not None and _SETS.search(script_text(shell.line)):
            self._sure = False
        actor = self._processes.latest(top.pid)
        return Step(
            product=written.path,
            commands=commands,
            cwd=self._cwd_of(top) or called_in(top.args, process.cwd or ""),
            root=self._root,
            sure=self._sure,
            shell=() if shell is None else shell.line,
            shell_cwd="" if shell is None else shell.cwd,
            reads=reads,
            by=(top.pid, (actor.start or 0) if actor is not None else 0),
            shell_by=shell_run(written),
            t=written.t,
            above=self._above(top.pid),
        )

    def _called(self, shell: Shell) -> tuple[Command, ...]:
        """Return a shell as a part of its pipeline, with its redirections; nothing if not sure."""
        builder = _Builder(self._written, self._processes, self._sources)
        builder._by_shell = False
        streams = {0: shell.given, 1: shell.led}
        part = _Part(shell.pid, shell.ppid, shell.line, {at: name for at, name in streams.items() if name})
        commands = builder._pipeline(part, is_shell=True)
        return commands if builder._sure else ()

    def _as_command(
        self, shell: Shell, commands: tuple[Command, ...], reads: tuple[tuple[int, str], ...]
    ) -> Step:
        actor = self._processes.latest(shell.pid)
        return Step(
            product=self._written.path,
            commands=commands,
            cwd=shell.cwd,
            root=self._root,
            sure=True,
            reads=reads,
            by=(shell.pid, (actor.start or 0) if actor is not None else 0),
            shell_by=shell_run(self._written),
            t=self._written.t,
            above=self._above(shell.pid),
        )

    def _above(self, top: int) -> tuple[int, ...]:
        """Return what runs programs, other than shells, and ran that process."""
        chain = self._written.process.chain
        return tuple(pid for pid, comm in chain if pid != top and kind_of(comm) in _RUNNING_OTHERS)

    def _cwd_of(self, part: _Part) -> str:
        """Return where a program was called; empty if not known."""
        actor = self._processes.latest(part.pid)
        if actor is None or actor.args != part.args:
            return ""
        paths = [f"{self._root}/{path}" for path in (self._written.path, *self._sources)]
        return began_in(part.args, called_in(part.args, actor.cwd), paths)

    def _top(self, process: Process) -> _Part:
        """Climb to the process that a shell or make started: the whole command is its."""
        pid, args, ppid, above = process.pid, process.args or (), process.ppid, 0
        for depth, (ancestor, comm) in enumerate(process.chain, 1):
            ppid = ancestor
            known = process.chain_args[depth - 1] if depth <= len(process.chain_args) else ()
            known = known or self._args_of(ancestor)
            is_one = is_wrapper(comm) or lends_environment(comm)
            if is_barrier(comm) and not is_one and not (is_kernel(args) and works_off_notebook(known)):
                break
            pid, args, above = ancestor, known, depth
            ppid = process.chain[depth][0] if depth < len(process.chain) else 0
        streams = dict(process.fds)
        if pid != process.pid:
            actor = self._processes.latest(pid)
            if actor is not None and 0 in actor.fds:
                streams[0] = actor.fds[0]
            elif actor is not None:
                streams.pop(0, None)
        return _Part(pid, ppid, args, streams, process.same_input > above)

    def _feeding(self, feeder: Actor) -> _Part:
        """Return the program that wrote into the input of the writer: its command line says it all."""
        args = feeder.args or ()
        if feeder.kind is Kind.INTERPRETER and (not script_text(args) or "ipykernel_launcher" in args):
            args = ()  # somebody typed into it
        self._by_shell = False
        return _Part(feeder.pid, feeder.ppid, args, dict(feeder.fds), feeder.same_input > 0)

    def _args_of(self, pid: int) -> tuple[str, ...]:
        actor = self._processes.latest(pid)
        return () if actor is None or actor.kind is Kind.SHELL else actor.args or ()

    def _pipeline(self, top: _Part, *, is_shell: bool = False) -> tuple[Command, ...]:
        self._gather(top, is_shell=is_shell)
        commands = [self._last(top)]
        part = top
        while (pipe := part.streams.get(0, "")).startswith("pipe:") and len(commands) < LONGEST:
            found = [p for p in self._parts.values() if pipe in (p.streams.get(1), p.streams.get(2))]
            if self._leaves_input(part, is_its_own=bool(found)):
                break
            found = self._script_of(found) or found
            if len(found) != 1 or not found[0].args:
                if reads_input(part.args):
                    self._unseen = not found
                    self._sure = False
                if found or not self._inherits_pipes(top):
                    self._sure = False
                break
            part = found[0]
            commands.append(self._inner(part, pipe))
        commands[-1] = self._with_input(commands[-1], part)
        if not commands[-1].stdin and not part.streams.get(0) and reads_input(part.args):
            self._unseen, self._sure = True, False  # what it was given, nobody saw
        if any(place in arg for c in commands for arg in c.args for place in NAMED_PIPES):
            self._sure = False
        return tuple(reversed(commands))

    def _gather(self, top: _Part, *, is_shell: bool) -> None:
        """Find the other processes of the pipeline: those that were seen beside it, and those with events."""
        own = {top.streams.get(0, "")}
        if not is_shell:
            own |= set(self._written.process.pipe_in)
        actor = self._processes.latest(top.pid)
        seen = {} if actor is None else {n.pid: n for n in actor.neighbours}
        for other in {**seen, **{n.pid: n for n in self._written.process.neighbours}}.values():
            latest = self._processes.latest(other.pid)
            if latest is not None and self._is_anothers(latest):
                continue
            streams = {number: target for number, target in enumerate(other.streams) if target}
            self._parts[other.pid] = _Part(other.pid, top.ppid, other.args, streams)
        for actor in self._processes.writers_into(own):
            if self._is_anothers(actor):
                self._sure = False
            elif actor.ppid == top.ppid and actor.pid != top.pid:
                known = self._parts.setdefault(actor.pid, _Part(actor.pid, actor.ppid, (), {}))
                if actor.kind is not Kind.SHELL and not known.args:
                    known.args = actor.args or ()
                known.streams = {**actor.fds, **known.streams}
                known.inherits = actor.same_input > 0
            elif actor.pid != top.pid and not any(pid in self._parts for pid, _ in actor.chain):
                self._sure = self._sure and actor.pid in self._parts  # part of a group of commands

    def _is_anothers(self, actor: Actor) -> bool:
        """Whether it is another user's, of whose work nobody is told; what root did, somebody asked for."""
        return actor.uid not in (0, self._written.writer.uid)

    def _script_of(self, found: list[_Part]) -> list[_Part]:
        """Return the shell that runs a script of which the others that write into its output are commands."""
        lines = self._written.process.chain_args
        first = min(found, key=lambda part: part.pid, default=None)
        if first is None or first.args in lines or not first.args or not has_lasting_script(first.args):
            return []
        return [first] if kind_of(first.args[0].rpartition("/")[2]) is Kind.SHELL else []

    def _last(self, top: _Part) -> Command:
        written, path = self._written, self._written.path
        out, err = (self._inside(top.streams.get(number, "")) for number in (1, 2))
        creator = written.creator
        appends = not written.anew
        if path not in (out, err) and self._by_shell and not appends:
            if 1 not in top.streams:
                out = path  # it is closed by now
            else:
                self._sure = False
        if path in (out, err) and creator is not None and self._is_group(creator, top):
            self._sure = False
        stdout = out if out and (out == path or written.creators(out) == top.pid) else ""
        stderr = err if err and (err == path or written.creators(err) == top.pid) else ""
        if stdout and stdout == stderr:
            stderr = "&1"
        if not stdout and top.streams.get(1, "").startswith("pipe:") and not self._inherits_pipes(top):
            stdout = NOWHERE
        return Command(as_called(top.args), "", stdout, stderr, appends and path in (out, err))

    def _is_group(self, creator: Actor, top: _Part) -> bool:
        """Whether the output is that of several commands: a loop, or what stands in braces or parentheses."""
        if self._written.anew:
            return creator.pid != top.pid
        above = {pid for pid, _ in self._written.process.chain}
        return creator.pid in above or creator.pid == top.pid

    def _inner(self, part: _Part, pipe: str) -> Command:
        out = part.streams.get(1, "")
        stderr = "&1" if part.streams.get(2) == pipe and out == pipe else ""
        if out != pipe:
            self._sure = False
        return Command(as_called(part.args), "", "", stderr, cwd=self._cwd_of(part))

    def _with_input(self, command: Command, part: _Part) -> Command:
        """Add the file that the shell opened for the first command's input."""
        target = part.streams.get(0, "")
        if target and self._leaves_input(part, is_its_own=not target.startswith("pipe:")):
            return command
        if target.endswith(_DELETED):
            self._sure = False  # a here-document
            return command
        stdin = self._inside(target) if target.startswith("/") else ""
        if not stdin and not target:
            stdin = self._opened_for(part)
        return replace(command, stdin=stdin)

    def _leaves_input(self, part: _Part, *, is_its_own: bool) -> bool:
        """Whether a command does not read its standard input, for all that is known.

        What runs programs other than a shell passes on what it was given itself; so does a shell, but for
        what `is_its_own`, which it may have given to a loop or a group.
        """
        if ignores_input(part.args, self._sources):
            return True
        if not part.inherits or not self._sources or reads_input(part.args):
            return False
        return not is_its_own or self._runner(part) is not Kind.SHELL

    def _runner(self, part: _Part) -> Kind:
        """Return the kind of the program that started a command."""
        return next(
            (kind_of(comm) for pid, comm in self._written.process.chain if pid == part.ppid), Kind.TOOL
        )

    def _opened_for(self, part: _Part) -> str:
        written = self._written
        actor = self._processes.latest(part.pid)
        if actor is not None and actor.kind is not Kind.BUILDER:
            for file, read in reversed(actor.reads.items()):
                if read.conducted:
                    return written.path_of(file)
        creator = written.creator
        if creator is not None and creator.pid == part.ppid:
            for file, read in reversed(creator.reads.items()):
                if read.conducted and abs(written.begun - read.last) <= ADJACENT:
                    return written.path_of(file)
        return ""

    def _inside(self, target: str) -> str:
        """Return a target relative to the mount's root if it lies inside, or as it is; empty if no file."""
        if not target.startswith("/") or target.endswith(_DELETED):
            return ""
        if self._root:
            return target.removeprefix(self._root + "/")
        if target.endswith("/" + self._written.path):
            self._root = target[: -len(self._written.path) - 1]
            return self._written.path
        return target

    def _inherits_pipes(self, top: _Part) -> bool:
        """Whether its pipes are those of all that is run there: of make, or of a shell that made none."""
        process = self._written.process
        for depth, (pid, comm) in enumerate(process.chain):
            if pid == top.ppid:
                line = process.chain_args[depth] if depth < len(process.chain_args) else ()
                text = script_text(line) if kind_of(comm) is Kind.SHELL else ""
                return kind_of(comm) is Kind.BUILDER or bool(
                    text and "-c" in line and "|" not in text.replace("||", "")
                )
        return False
