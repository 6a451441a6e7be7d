"""Finding actors by what is known of them, without looking at all that are remembered."""

from __future__ import annotations

from typing import Any

from mycelial.graph.actors import Actor


class Piping(dict[int, dict[int, Actor]]):
    """The actors with a pipe as their output, by number, for the pid of each of their ancestors.

    Whenever something is written it is asked whether such a one runs below the writer; mostly none does.
    """

    def add(self, actor: Actor) -> None:
        """Make an actor found, if it has such a pipe."""
        if actor.pipe_out:
            for pid in (actor.ppid, *actor.above):
                self.setdefault(pid, {})[actor.number] = actor

    def remove(self, actor: Actor) -> None:
        """Let an actor be found no more, by what it is now."""
        if actor.pipe_out:
            for pid in {actor.ppid, *actor.above}:
                drop(self, pid, actor.number)

    def below(self, pid: int) -> list[Actor]:
        """Return those that have this ancestor."""
        return list(self.get(pid, {}).values())


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
