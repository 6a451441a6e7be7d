"""The actors of the recent past: who is the same process as before, who belongs to one unit of work.

Ids of processes are used again by the kernel, so an actor is known by (pid, start time); imported logs have
no start time, there the name, the parent and the pause decide.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Iterator
from operator import itemgetter
from typing import Any

from mycelial.graph.actors import (
    IDLE,
    Actor,
    Read,
    actor_from,
    actor_of,
    places_of,
    reads_from,
    reads_state,
    state_of,
)
from mycelial.graph.changes import Changes
from mycelial.graph.indexes import FEW, Below, Finishing, Pipes, drop
from mycelial.graph.programs import Kind, kind_of
from mycelial.record.events import Process

UNIT_PAUSE = 2 * 3600.0
"""Seconds without an event after which a unit of work is over; a compiler may think long."""

ACTORS = 2048
READS = 200_000
"""How many actors, and how many reads over all of them, are remembered; the longest idle go first."""

READS_EACH = 5000
"""Reads remembered of one actor, the latest."""

FINISHED_EACH = 1000
"""Products remembered of one actor, the latest."""

UNIT = 256
"""Members of a unit of work that are looked at, the latest."""


class Processes:
    """All actors of the recent past, bounded, in order of their latest event."""

    def __init__(self) -> None:
        self._actors: OrderedDict[int, Actor] = OrderedDict()
        self._by_pid: dict[int, int] = {}
        self._by_root: dict[int, list[int]] = {}
        self._pipes, self.finishing = Pipes(), Finishing()
        self._below, self._given_pipes = Below(), Below()
        self._by_place: dict[str, dict[int, Actor]] = {}  # of an output
        self._reads = self._clock = 0
        self._next = 1
        self._oldest = 0  # the actor that was first in order when it was looked last
        self._quiet_since = -math.inf  # its latest event: none is idle for longer
        self._seen: tuple[Process, Actor] | None = None  # what the last event came from
        self._dirty = Changes[int]()
        self._dirty_reads: dict[int, set[int]] = {}  # blocks of each actor's

    def actor(self, process: Process, record: int, t: float, *, opener: bool = False) -> Actor:
        """Return the actor that `process` is a snapshot of, made known if it is new.

        With `opener` the snapshot may be from when the file was opened, and an exec may lie between: a
        shell's then says nothing new about what has become of it.
        """
        self._clock += 1
        if t - IDLE >= self._quiet_since or len(self._actors) >= ACTORS or self._reads >= READS:
            self._expire(t)
        seen = self._seen
        if seen is not None and seen[0] is process and seen[1].record == record:
            known = seen[1]  # of most events: it is the latest already, and nothing is new
        else:
            known = self._found(process, record, t, opener=opener)
        if t > known.last:
            known.last = t
        known.used = self._clock
        self._dirty.add(known.number)
        return known

    def read(self, actor: Actor, file: int, t: float, *, conducted: bool) -> None:
        """Note that `actor` read `file`."""
        reads, dirty = actor.reads, self._dirty_reads.get(actor.number)
        if dirty is None:
            dirty = self._dirty_reads[actor.number] = set()
        known = reads.pop(file, None)
        place = next(reversed(reads.values())).place + 1 if reads else 0
        if known is not None:
            dirty.add(known.block)
            known.last, known.program, known.place = max(known.last, t), actor.comm, place
            known.conducted = known.conducted and conducted
        else:
            known = Read(t, t, actor.comm, conducted, place)
            self._reads += 1
        reads[file] = known
        dirty.add(known.block)
        if len(reads) > READS_EACH:
            dirty.add(reads.pop(next(iter(reads))).block)
            self._reads -= 1

    def finish(self, actor: Actor, product: int, t: float) -> None:
        """Note that `actor` closed `product` after writing."""
        self._dirty.add(actor.number)
        actor.first_finish = actor.first_finish or t
        actor.finished.pop(product, None)
        is_latest = t >= next(reversed(actor.finished.values()), t)
        actor.finished[product] = t
        if not is_latest:  # it has the name of another now, which was closed a while ago
            actor.finished = dict(sorted(actor.finished.items(), key=itemgetter(1)))
        if len(actor.finished) > FINISHED_EACH:
            del actor.finished[next(iter(actor.finished))]
        self.finishing.add(actor, t)
        self._pipes.unread.remove(actor)

    def unit(self, actor: Actor) -> list[Actor]:
        """Return the members of the actor's unit of work, itself among them, in order of appearance."""
        return [self._actors[number] for number in self._by_root[actor.root][-UNIT:]]

    def writers_into(self, pipes: set[str]) -> list[Actor]:
        """Return the actors whose standard output is one of `pipes`, in order of appearance."""
        return self._pipes.writers(pipes)

    def writers_to(self, place: str) -> list[Actor]:
        """Return the actors of which an output led to this path, in order of appearance."""
        return [actor for _, actor in sorted(self._by_place.get(place, {}).items())]

    @property
    def has_places(self) -> bool:
        """Whether an output of any actor led to a path."""
        return bool(self._by_place)

    def child_before(self, actor: Actor, since: float, t: float) -> float:
        """Return when the latest child that `actor` started until `t` was first seen; 0.0 if before `since`.

        What a shell opened before that was for this child, or for a command before it.
        """
        latest = 0.0
        for other in reversed(self._actors.values()) if actor.pid in self._below else ():
            if other.last < max(since, latest):
                break
            if other.ppid == actor.pid and other.first < t and not other.pipe_out - actor.pipe_out:
                latest = max(latest, other.first)
        return latest

    def readers_of(self, pipes: set[str]) -> list[Actor]:
        """Return the actors whose standard input is one of `pipes`, but not what such an actor started."""
        found = self._pipes.readers(pipes)
        pids = {actor.pid for actor in found}
        return [actor for actor in found if actor.ppid not in pids]

    def take_for_reader(self, actor: Actor, pipes: set[str]) -> None:
        """Note that the standard input of `actor` was one of `pipes`, which nobody saw."""
        self._pipes.read(actor, pipes)
        actor.pipe_in |= pipes
        self._dirty.add(actor.number)

    def has_reader(self, pipes: set[str]) -> bool:
        """Whether the standard input of any actor is one of `pipes`."""
        return self._pipes.has_reader(pipes)

    def below(self, pid: int, since: float) -> Iterator[Actor]:
        """Yield the actors with an ancestor `pid` that had an event at `since` or later, latest first."""
        if len(self._below.get(pid, ())) <= FEW:
            yield from self._below.latest_first(pid, since)
            return
        for actor in reversed(self._actors.values()):
            if actor.last < since:
                return
            if actor.is_below(pid):
                yield actor

    def writing_below(self, pid: int, since: float, inherited: set[str]) -> list[Actor]:
        """Return those :meth:`below` that have a pipe as their output beyond what they may have inherited."""
        return self._pipes.writing.latest_first(pid, since, inherited)

    def unread_below(self, pid: int, since: float, inherited: set[str]) -> list[Actor]:
        """Return those of :meth:`writing_below` that finished nothing, and whose pipe nobody reads maybe.

        Not those of another one that had the process id before.
        """
        found = self._pipes.unread.latest_first(pid, since, inherited)
        above = self.latest(pid)
        if above is None or not above.start:
            return found
        return [one for one in found if not one.start or one.start >= above.start]

    def given_pipes_below(self, pid: int, since: float) -> list[Actor]:
        """Return those of :meth:`below` that are given pipes by name."""
        return [one for one in self._given_pipes.find(pid) if one.last >= since and one.is_given_pipes]

    def latest(self, pid: int) -> Actor | None:
        """Return the actor that has, or had last, this process id."""
        return self._actors.get(self._by_pid.get(pid, 0))

    def by_number(self, number: int) -> Actor | None:
        """Return an actor, if it is still remembered."""
        return self._actors.get(number)

    def dump(self) -> Iterator[tuple[str, Any]]:
        """Yield (key, state) of what changed since the last call; None for what was forgotten.

        What an actor read has keys of its own: it is long, and changes less often than the rest.
        """
        for number in sorted(self._dirty):
            actor = self._actors.get(number)
            yield str(number), None if actor is None else state_of(actor)
        for number, blocks in sorted(self._dirty_reads.items()):
            for block, rows in reads_state(self._actors.get(number), blocks).items():
                yield f"{number} reads {block}" if block else f"{number} reads", rows
        if self._dirty:
            yield "", {"next": self._next, "clock": self._clock}
        self._dirty.settle(self._actors)
        self._dirty_reads.clear()

    def load(self, states: Iterator[tuple[str, Any]]) -> None:
        """Take up what :meth:`dump` gave."""
        actors: list[Actor] = []
        reads: dict[int, dict[int, Any]] = {}  # by actor and block
        for key, state in states:
            if " reads" in key:
                number, _, block = key.partition(" reads")
                reads.setdefault(int(number), {})[int(block or 0)] = state
            elif key:
                actors.append(actor_from(state))
            else:
                self._next, self._clock = state["next"], state["clock"]
        for actor in sorted(actors, key=lambda actor: actor.number):
            actor.reads = reads_from(stored := reads.get(actor.number, {}))
            self._dirty_reads |= actor.unstored(stored)
            self._by_pid[actor.pid] = actor.number
            self._by_root.setdefault(actor.root, []).append(actor.number)
            self._index(actor)
            self._reads += len(actor.reads)
        self.finishing.load(actors)
        self._actors.update((actor.number, actor) for actor in sorted(actors, key=lambda actor: actor.used))
        self._dirty.load(self._actors)

    def _found(self, process: Process, record: int, t: float, *, opener: bool) -> Actor:
        number = self._by_pid.get(process.pid)
        known = None if number is None else self._actors[number]
        if known is None or not known.is_same(process, t):
            known = self._new(process, record, t)
        else:
            self._actors.move_to_end(known.number)
            if known.number == self._oldest:
                self._quiet_since = -math.inf
            if not opener or kind_of(process.comm, process.exe) is not Kind.SHELL:
                self._refresh(known, process, record)
        self._seen = None if process.start is None else (process, known)
        return known

    def _new(self, process: Process, record: int, t: float) -> Actor:
        actor = actor_of(process, self._next, record, t)
        self._note_shell(actor, process)
        if actor.fds or process.neighbours:
            actor.places.update(places_of(actor))
        self._next += 1
        self._retire_unit(actor)
        self._actors[actor.number] = actor
        self._by_pid[actor.pid] = actor.number
        self._by_root.setdefault(actor.root, []).append(actor.number)
        self._index(actor)
        return actor

    def _refresh(self, actor: Actor, process: Process, record: int) -> None:
        if actor.record == record:
            return
        actor.record = record
        if not actor.cwd or actor.args != process.args:
            actor.cwd, streams = process.cwd or "", dict(process.fds)
            actor.given, actor.led = streams.get(0), streams.get(1)
        if is_adopted := actor.ppid != process.ppid:
            self._unindex(actor)
        actor.comm, actor.exe, actor.args, actor.ppid = process.comm, process.exe, process.args, process.ppid
        actor.fds = dict(process.fds)
        actor.neighbours = process.neighbours or actor.neighbours
        actor.same_input = process.same_input
        actor.recognise()
        self._note_shell(actor, process)
        actor.pipe_out.update(process.pipe_out)
        actor.pipe_in.update(process.pipe_in)
        actor.places.update(places_of(actor))
        self._index(actor)
        if is_adopted and actor.finished:
            self.finishing.add(actor, actor.first_finish)

    def _note_shell(self, actor: Actor, process: Process) -> None:
        """Note what a shell was told to do, and of which shell a forked one is a copy."""
        if actor.kind is Kind.SHELL and process.args:
            above = (self.latest(pid) for pid, _ in process.chain)
            copied = (other.shell for other in above if other is not None and other.shell is not None)
            same = next((shell for shell in copied if shell[0] == process.args), None)
            actor.shell = same or actor.shell or (process.args, process.cwd or "")

    def _retire_unit(self, actor: Actor) -> None:
        """Let go of an old unit whose topmost id is used again: by the actor, or after a long quiet."""
        if (numbers := self._by_root.get(actor.root)) is None:
            return
        actors, since = self._actors, actor.first - UNIT_PAUSE
        again = actor.pid == actor.root and any(actors[number].pid == actor.root for number in numbers)
        if again or not any(actors[number].last >= since for number in reversed(numbers)):  # mostly the last
            for number in numbers.copy():
                self._forget(number)

    def _expire(self, t: float) -> None:
        while actors := self._actors:
            number = next(iter(actors))
            last = actors[number].last
            if last > t - IDLE and len(actors) < ACTORS and self._reads < READS:
                self._oldest, self._quiet_since = number, last
                return
            self._forget(number)

    def _index(self, actor: Actor) -> None:
        for place in actor.places:
            self._by_place.setdefault(place, {})[actor.number] = actor
        self._below.add(actor)
        self._pipes.add(actor)
        if actor.is_given_pipes:
            self._given_pipes.add(actor)

    def _forget(self, number: int) -> None:
        actor = self._actors.pop(number)
        self._quiet_since, self._seen = -math.inf, None
        self._dirty.forget(number)
        if number in self._dirty:
            self._dirty_reads.setdefault(number, {0}).update(read.block for read in actor.reads.values())
        else:
            self._dirty_reads.pop(number, None)
        self._reads -= len(actor.reads)
        if self._by_pid.get(actor.pid) == number:
            del self._by_pid[actor.pid]
        drop(self._by_root, actor.root, number)
        for place in actor.places:
            drop(self._by_place, place, number)
        self._unindex(actor)

    def _unindex(self, actor: Actor) -> None:
        self._pipes.remove(actor)
        self.finishing.remove(actor)
        self._given_pipes.remove(actor)
        self._below.remove(actor)
