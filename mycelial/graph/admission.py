"""What of an event is stored: files that are not excluded, and of processes what is not secret."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

from mycelial.graph.programs import Kind, is_barrier, is_wrapper, kind_of
from mycelial.record.events import REDACTED, Event, Neighbour, Process
from mycelial.record.exclude import ExclusionRules
from mycelial.record.redaction import redact

log = logging.getLogger(__name__)

REMEMBERED = 4096
"""Processes whose stored form is remembered, and command lines without a secret."""

LONGEST_NAME = 15
"""Bytes of a process' name that the kernel keeps."""

_UNINTERESTING = ("/dev/", "anon_inode:", "socket:")  # where a stream leads that no file depends on


@dataclass(slots=True)
class Admission:
    """Decides what reaches the log; `arguments` says whether command lines do."""

    rules: ExclusionRules = field(default_factory=ExclusionRules)
    arguments: bool = True
    _latest: dict[int, tuple[Process, Process]] = field(default_factory=dict)  # by pid
    _harmless: dict[tuple[str, ...], None] = field(default_factory=dict)
    _has_failed: bool = False

    def admit(self, event: Event) -> tuple[Event, ...]:
        """Return what may be recorded of `event`: mostly one event, or none."""
        admitted = self.rules.admit(event)
        if not admitted:
            return admitted
        process = event.process
        latest = self._latest.get(process.pid)  # spares hashing all that is known of it
        stored = latest[1] if latest is not None and latest[0] is process else self._stored(process)
        if stored is process:
            return admitted
        return tuple(Event(one.t, one.op, one.path, stored, one.to) for one in admitted)

    def _stored(self, process: Process) -> Process:
        known = _with_scripts_named(process)
        stored = self._without_secrets(known) if self.arguments else _without(known)
        if len(self._latest) > REMEMBERED:
            self._latest.clear()
        self._latest[process.pid] = process, stored
        return stored

    def _without_secrets(self, process: Process) -> Process:
        """Return what may be stored of a process: itself if that is all."""
        args = None if process.args is None else self._redacted(process.args)
        chain_args = tuple(map(self._redacted, _below_barrier(process))) if process.chain_args else ()
        neighbours = process.neighbours and tuple(
            Neighbour(other.pid, tuple(map(_of_file, other.streams)), self._redacted(other.args))
            for other in process.neighbours
        )
        fds = process.fds and _of_files(process.fds)
        stored = (process.args, process.chain_args, process.neighbours, process.fds)
        if (args, chain_args, neighbours, fds) == stored:
            return process
        return process._replace(args=args, chain_args=chain_args, neighbours=neighbours, fds=fds)

    def _redacted(self, args: tuple[str, ...]) -> tuple[str, ...]:
        """Return a command line without its secrets; all that a shell starts comes with the shell's."""
        if args in self._harmless:
            return args
        try:
            redacted = redact(args)
        except Exception as error:  # what one user calls a program with must not end everybody's recording
            if not self._has_failed:
                log.error("command lines that secrets cannot be looked for in are not stored: %r", error)
            self._has_failed = True
            return (REDACTED,)
        if redacted == args:
            self._harmless[args] = None
            if len(self._harmless) > REMEMBERED:
                del self._harmless[next(iter(self._harmless))]
        return redacted


def _with_scripts_named(process: Process) -> Process:
    """Call ancestors that are scripts by what runs them, where their own name says nothing."""
    if not process.chain_args:
        return process
    chain = list(process.chain)
    for depth, line in enumerate(process.chain_args[: len(chain)]):
        pid, comm = chain[depth]
        name = line[0].rpartition("/")[2] if len(line) > 1 else ""
        if name and kind_of(comm) is Kind.TOOL and kind_of(name) in (Kind.SHELL, Kind.INTERPRETER):
            chain[depth] = pid, name[:LONGEST_NAME]
    return process if chain == list(process.chain) else process._replace(chain=tuple(chain))


def _without(process: Process) -> Process:
    return process._replace(args=None, chain_args=(), neighbours=(), fds=_of_files(process.fds))


def _below_barrier(process: Process) -> tuple[tuple[str, ...], ...]:
    """Return the command lines of the ancestors that belong to the same piece of work.

    Wrappers are kept, as what they run would not run without them; and that of the shell that ran all, which
    says what else there was. Make's is not.
    """
    kept = 0
    for (_, comm), _ in zip(process.chain, process.chain_args, strict=False):
        if is_barrier(comm) and not is_wrapper(comm):
            return process.chain_args[: kept + (kind_of(comm) is Kind.SHELL)]
        kept += 1
    return process.chain_args[:kept]


def _of_files(fds: tuple[tuple[int, str], ...]) -> tuple[tuple[int, str], ...]:
    """Leave out streams that lead to no file; that the standard input does is worth knowing."""
    return tuple((fd, _of_file(target)) for fd, target in fds if _of_file(target) or fd == 0)


def _of_file(target: str) -> str:
    return "" if target.startswith(_UNINTERESTING) else target
