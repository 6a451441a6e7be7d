"""Finding actors by what is known of them, without looking at all that are remembered.

Whenever something is written it is asked who runs below the writer, or below what started it, and had to do
with pipes or finished something: mostly nobody, or few of thousands.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator
from itertools import takewhile
from typing import Any

from mycelial.graph.actors import Actor

FEW = 64
"""Descendants of a process among which it is looked for some, rather than among the latest of all actors."""


class Below(dict[int, dict[int, Actor]]):
    """Some of the actors, by number, for the pid of each of their ancestors."""

    def add(self, actor: Actor) -> None:
        """Make an actor found, as the latest."""
        for pid in _above(actor):
            its = self.get(pid)
            if its is None:
                its = self[pid] = {}
            else:
                its.pop(actor.number, None)
            its[actor.number] = actor

    def remove(self, actor: Actor) -> None:
        """Let an actor be found no more, by what it is now."""
        for pid in _above(actor):
            drop(self, pid, actor.number)

    def find(self, pid: int) -> list[Actor]:
        """Return those that have this ancestor."""
        return list(self.get(pid, {}).values())

    def latest_first(self, pid: int, since: float, inherited: set[str] | None = None) -> list[Actor]:
        """Return those that had an event since then, and have another pipe as output than these."""
        chosen = [actor for actor in self.get(pid, {}).values() if actor.last >= since]
        if inherited is not None:
            chosen = [actor for actor in chosen if not actor.pipe_out <= inherited]
        return sorted(chosen, key=lambda actor: -actor.used)


class Pipes:
    """Who writes into which pipe, and who reads from it.

    Attributes
    ----------
    writing : Below
        The actors with a pipe as their output.
    unread : Below
        Those that finished nothing, and with a pipe that is nobody's input: a script may have captured it.
    """

    def __init__(self) -> None:
        self._writers: dict[str, dict[int, Actor]] = {}
        self._readers: dict[str, dict[int, Actor]] = {}
        self.writing, self.unread = Below(), Below()

    def add(self, actor: Actor) -> None:
        """Take up the pipes that an actor has now, its ancestors and what it finished."""
        self.read(actor, actor.pipe_in)
        if actor.pipe_out:
            for pipe in actor.pipe_out:
                self._writers.setdefault(pipe, {})[actor.number] = actor
            self.writing.add(actor)
            self._sort_out([actor])

    def read(self, actor: Actor, pipes: Iterable[str]) -> None:
        """Note that these are its input."""
        for pipe in pipes:
            if pipe not in self._readers:
                self._readers[pipe] = {}
                self._sort_out(self._writers.get(pipe, {}).values())
            self._readers[pipe][actor.number] = actor

    def remove(self, actor: Actor) -> None:
        """Let an actor be found no more, by what it is now."""
        for pipe in actor.pipe_out:
            drop(self._writers, pipe, actor.number)
        for pipe in actor.pipe_in:
            drop(self._readers, pipe, actor.number)
            if pipe not in self._readers:
                self._sort_out(self._writers.get(pipe, {}).values())
        if actor.pipe_out:
            self.writing.remove(actor)
            self.unread.remove(actor)

    def writers(self, pipes: Iterable[str]) -> list[Actor]:
        """Return the actors whose standard output is one of these, in order of appearance."""
        return _in_order(self._writers, pipes)

    def readers(self, pipes: Iterable[str]) -> list[Actor]:
        """Return the actors whose standard input is one of these, in order of appearance."""
        return _in_order(self._readers, pipes)

    def has_reader(self, pipes: Iterable[str]) -> bool:
        """Whether the standard input of any actor is one of these."""
        return any(pipe in self._readers for pipe in pipes)

    def _sort_out(self, actors: Iterable[Actor]) -> None:
        for actor in actors:
            if actor.finished or all(pipe in self._readers for pipe in actor.pipe_out):
                self.unread.remove(actor)
            else:
                self.unread.add(actor)


class Finishing:
    """Who finished something, itself or below a process, by when it was."""

    def __init__(self) -> None:
        self._by_first, self._by_latest = Below(), Below()
        self._own: dict[int, dict[int, Actor]] = {}  # by its pid
        self._latest = -math.inf

    def add(self, actor: Actor, t: float) -> None:
        """Note that an actor finished something; if not now, it has but the name of another."""
        is_known = actor.number in self._own.get(actor.pid, ())
        if t >= self._latest or not is_known:
            if not is_known:
                self._own.setdefault(actor.pid, {})[actor.number] = actor
                self._by_first.add(actor)
            self._by_latest.add(actor)
        if t < self._latest and not is_known:
            self._sort(actor)
        self._latest = max(self._latest, t)

    def remove(self, actor: Actor) -> None:
        """Let an actor be found no more, by what it is now."""
        if actor.number in self._own.get(actor.pid, ()):
            drop(self._own, actor.pid, actor.number)
            self._by_first.remove(actor)
            self._by_latest.remove(actor)

    def load(self, actors: Iterable[Actor]) -> None:
        """Take up who finished something before, nobody being known yet."""
        found = [actor for actor in actors if actor.finished]
        for actor in sorted(found, key=_latest_of):
            self.add(actor, _latest_of(actor))
        for actor in sorted(found, key=_first_of):
            self._by_first.add(actor)

    def below(self, pid: int, since: float) -> Iterator[Actor]:
        """Yield who did it below a process and after `since`, the latest first."""
        return takewhile(lambda one: _latest_of(one) > since, reversed(self._by_latest.get(pid, {}).values()))

    def last_before(self, pid: int, t: float) -> float:
        """Return when a process or what runs below it finished something last before `t`; 0.0 for never.

        It is looked for from both ends: mostly `t` is about now, or long ago.
        """
        early = late = max((_last_before(actor, t) for actor in self._own.get(pid, {}).values()), default=0.0)
        firsts, lasts = self._by_first.get(pid, {}).values(), self._by_latest.get(pid, {}).values()
        for first, last in zip(firsts, reversed(lasts), strict=True):
            if first.first_finish >= t:
                return early
            if _latest_of(last) <= late:
                return late
            early, late = max(early, _last_before(first, t)), max(late, _last_before(last, t))
        return early

    def _sort(self, actor: Actor) -> None:
        for index, key in ((self._by_first, _first_of), (self._by_latest, _latest_of)):
            for pid in _above(actor):
                index[pid] = {one.number: one for one in sorted(index.find(pid), key=key)}


def _above(actor: Actor) -> Collection[int]:
    """Return the pids of all ancestors; the parent may be none of those that were seen."""
    return actor.above if actor.ppid in actor.above else (actor.ppid, *actor.above)


def _first_of(actor: Actor) -> float:
    return actor.first_finish


def _latest_of(actor: Actor) -> float:
    return next(reversed(actor.finished.values()), 0.0)


def _last_before(actor: Actor, t: float) -> float:
    if actor.first_finish >= t:
        return 0.0
    return next((end for end in reversed(actor.finished.values()) if end < t), 0.0)


def _in_order(index: dict[str, dict[int, Actor]], pipes: Iterable[str]) -> list[Actor]:
    found = {number: actor for pipe in pipes for number, actor in index.get(pipe, {}).items()}
    return [found[number] for number in sorted(found)]


def drop(index: dict[Any, Any], key: object, number: int) -> None:
    """Take a number out of the list, or the dictionary, that an index has for a key."""
    numbers = index.get(key)
    if numbers is not None and number in numbers:
        if isinstance(numbers, dict):
            del numbers[number]
        else:
            numbers.remove(number)
        if not numbers:
            del index[key]
