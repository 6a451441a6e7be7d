"""What is remembered of a process.

Events carry snapshots of processes.  An *actor* is what those snapshots have in common: one process from
its first event to its last, over exec.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from mycelial.graph.programs import Kind, is_task, kind_of, without_box
from mycelial.graph.trees import root_of, tree_of
from mycelial.record.events import Neighbour, Process

IDLE = 12 * 3600.0
"""Seconds without an event after which an actor is forgotten."""

EXEC_PAUSE = 300.0
"""Seconds: a longer pause and another name mean that the id was used again."""

BLOCK = 256
"""Places of reads that are stored together: of thousands only those that changed are written again."""


@dataclass(slots=True)
class Read:
    """One actor's reading of one file: times in seconds, and whether it was a shell's at the time.

    Its place grows in the order of the actor's reads.
    """

    first: float
    last: float
    program: str
    conducted: bool
    place: int

    @property
    def block(self) -> int:
        """With which others it is stored."""
        return self.place // BLOCK


@dataclass(slots=True)
class Actor:
    """One process and what it did so far."""

    number: int
    pid: int
    ppid: int
    start: int | None
    comm: str
    exe: str | None
    args: tuple[str, ...] | None
    uid: int
    chain: tuple[tuple[int, str], ...]
    root: int  # pid of the topmost process of its unit of work
    first: float
    last: float
    record: int  # number of the latest snapshot in the log
    used: int = 0  # number of its latest event, for order
    tree: int = 0  # pid at the top of its process tree: a terminal's shell, a desktop's program, a service
    pipe_in: set[str] = field(default_factory=set)
    pipe_out: set[str] = field(default_factory=set)
    reads: dict[int, Read] = field(default_factory=dict)  # by file, the latest at the end
    executed: dict[int, float] = field(
        default_factory=dict
    )  # the programs that it became, the latest at the end
    places: set[str] = field(default_factory=set)  # paths where its output led, or that of its pipeline
    finished: dict[int, float] = field(default_factory=dict)  # product -> its latest close, latest at the end
    first_finish: float = 0.0  # time of the first close of all, be it remembered or not
    fds: dict[int, str] = field(default_factory=dict)  # where its streams led when it was seen last
    neighbours: tuple[Neighbour, ...] = ()  # the rest of its pipeline, as seen last
    same_input: int = 0  # how many of its nearest ancestors had its standard input then
    cwd: str = ""  # when it was first seen with this command line
    given: str | None = None  # where its standard input led then: a shell has others in its loops
    led: str | None = None  # where its standard output led then
    shell: tuple[tuple[str, ...], str] | None = (
        None  # command line and directory of the shell that it is or was
    )
    above: frozenset[int] = field(init=False)  # pids of all its ancestors
    kind: Kind = field(init=False)  # what the program that it runs now is like
    is_given_pipes: bool = field(init=False)  # by name, it or one beside it in its pipeline: <( ) and >( )

    def __post_init__(self) -> None:
        self.above = frozenset([pid for pid, _ in self.chain])
        self.recognise()

    def is_same(self, process: Process, t: float) -> bool:
        """Whether what is seen at `t` under its process id is still this one."""
        if self.start is not None and process.start is not None:
            return self.start == process.start
        pause = t - self.last
        if self.comm != process.comm:
            return self.ppid == process.ppid and pause < EXEC_PAUSE
        return pause < IDLE and (self.ppid == process.ppid or process.ppid == 1)

    def is_below(self, pid: int) -> bool:
        return pid in self.above or self.ppid == pid

    def unstored(self, blocks: Collection[int]) -> dict[int, set[int]]:
        """Return which blocks are to be written, by its number, where an older version stored all in one."""
        missing = {read.block for read in self.reads.values()}.difference(blocks)
        return {self.number: missing | {0}} if missing else {}

    def recognise(self) -> None:
        """Work out anew what follows from its name, its command line and its neighbours."""
        is_script = is_task(self.comm, self.args or ())
        program, *_ = without_box((self.comm, *(self.args or ())[1:]))
        self.kind = Kind.INTERPRETER if is_script else kind_of(program, self.exe)
        words = list(self.args or ())
        for other in self.neighbours:
            words += other.args
        self.is_given_pipes = any([word.startswith(NAMED_PIPES) for word in words])


def actor_of(process: Process, number: int, record: int, t: float) -> Actor:
    """Return what is known of a process that is seen for the first time, at `t`."""
    pid, ppid, comm, uid, chain, pipe_in, pipe_out, _, _, start, _, exe, args, cwd, *_ = process
    streams = dict(process.fds)
    return Actor(
        *(number, pid, ppid, start, comm, exe, args, uid, chain, root_of(process), t, t, record),
        tree=tree_of(process),
        pipe_in=set(pipe_in),
        pipe_out=set(pipe_out),
        fds=streams,
        neighbours=process.neighbours,
        same_input=process.same_input,
        cwd=cwd or "",
        given=streams.get(0),
        led=streams.get(1),
    )


NAMED_PIPES = ("/dev/fd/", "/proc/self/fd/")


def is_named_pipe(word: str) -> bool:
    """Whether a word of a command line is what a shell gives for <( ) or >( )."""
    return word.startswith(NAMED_PIPES)


_NO_PLACES = ("/dev/", "/proc/", "/sys/")
_STATE = [name for name in Actor.__slots__ if name not in ("reads", "above", "kind", "is_given_pipes")]


def places_of(actor: Actor) -> Iterator[str]:
    """Yield the paths where the output of a program leads, or that of a pipeline that it is in."""
    neighbours = (other.streams[1] for other in actor.neighbours if len(other.streams) > 1)
    return (target for target in (actor.fds.get(1, ""), *neighbours) if is_place(target))


def is_place(target: str) -> bool:
    """Whether what somebody's output leads to may be read there by somebody else."""
    return target.startswith("/") and not target.startswith(_NO_PLACES)


def state_of(actor: Actor) -> dict[str, Any]:
    """Return all but the reads, as JSON can hold it."""
    state: dict[str, Any] = {name: getattr(actor, name) for name in _STATE}
    state["pipe_in"], state["pipe_out"] = sorted(actor.pipe_in), sorted(actor.pipe_out)
    state["places"] = sorted(actor.places)
    state["finished"] = list(actor.finished.items())
    state["fds"] = list(actor.fds.items())
    state["executed"] = list(actor.executed.items())
    state["neighbours"] = [[other.pid, other.streams, other.args] for other in actor.neighbours]
    return state


def reads_state(actor: Actor | None, blocks: Collection[int]) -> dict[int, list[list[Any]] | None]:
    """Return the reads in each of these blocks, as JSON can hold them; None where there are none any more."""
    states: dict[int, list[list[Any]]] = {block: [] for block in sorted(blocks)}
    least = min(blocks) * BLOCK
    for file, read in reversed(actor.reads.items()) if actor is not None else ():
        if read.place < least:
            break
        if (rows := states.get(read.block)) is not None:
            rows.append([file, read.first, read.last, read.program, read.conducted, read.place])
    return {block: rows[::-1] or None for block, rows in states.items()}


def reads_from(blocks: Mapping[int, list[list[Any]]]) -> dict[int, Read]:
    """Return the reads that :func:`reads_state` gave; of older databases, where there were no places, too."""
    rows = [row for _, rows in sorted(blocks.items()) for row in rows]
    return {
        file: Read(first, last, program, conducted, place[0] if place else index)
        for index, (file, first, last, program, conducted, *place) in enumerate(rows)
    }


def actor_from(state: dict[str, Any]) -> Actor:
    """Return the actor that :func:`state_of` gave."""
    return Actor(
        **{
            **{name: state[name] for name in _STATE if name in state},  # a newer version may say more
            "args": None if state["args"] is None else tuple(state["args"]),
            "chain": tuple((pid, comm) for pid, comm in state["chain"]),
            "pipe_in": set(state["pipe_in"]),
            "pipe_out": set(state["pipe_out"]),
            "places": set(state.get("places", ())),
            "executed": dict(map(tuple, state.get("executed", ()))),
            "finished": dict(map(tuple, state["finished"])),
            "fds": dict(map(tuple, state["fds"])),
            "neighbours": tuple(Neighbour(pid, tuple(s), tuple(a)) for pid, s, a in state["neighbours"]),
            "shell": None if state["shell"] is None else (tuple(state["shell"][0]), state["shell"][1]),
        }
    )
