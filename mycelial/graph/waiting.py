"""Events that are not committed yet, and by which message each came: it is stored whole, or comes again."""

from __future__ import annotations

from collections.abc import Callable

from mycelial.record.events import Event

WAITING = 50_000
"""Events that wait while the database cannot be used."""


class Waiting:
    """A queue whose first events are given to the open transaction.

    Attributes
    ----------
    given : int
        How many events, from the first, the open transaction holds.
    message : int
        Number of the message whose events are being added; numbers grow, 0 stands for none.
    """

    def __init__(self) -> None:
        self._events: list[Event] = []
        self._messages: list[int] = []
        self.given = 0
        self.message = 0

    def __len__(self) -> int:
        return len(self._events)

    @property
    def is_full(self) -> bool:
        """Whether there is no room for another one."""
        return len(self) >= WAITING

    @property
    def oldest(self) -> Event:
        """The event that waits for longest."""
        return self._events[0]

    @property
    def stored_message(self) -> int:
        """Number of the last message of which nothing waits any more, as of all before it."""
        return max(0, self._messages[0] - 1) if self._messages else self.message

    @property
    def given_message(self) -> int:
        """Number of the last message of which everything was given, as of all before it."""
        return self.message if self.given == len(self) else self._messages[self.given - 1]

    def add(self, event: Event) -> None:
        """Let an event of the present message wait."""
        self._events.append(event)
        self._messages.append(self.message)

    def give(self, batch: int) -> list[Event]:
        """Return what the next transaction is to hold: up to so many events, and the rest of the last one's
        message."""
        messages, end = self._messages, min(batch, len(self))
        while 0 < end < len(self) and 0 < messages[end] == messages[end - 1]:
            end += 1
        self.given = end
        return self._events[:end]

    def take_off(self) -> None:
        """Let those not wait any longer that were given."""
        del self._events[: self.given], self._messages[: self.given]
        self.given = 0

    def keep(self, is_wanted: Callable[[Event, int], bool]) -> None:
        """Keep those of which this is true, given the event and its message; none of them is given."""
        pairs = zip(self._events, self._messages, strict=True)
        kept = [(event, message) for event, message in pairs if is_wanted(event, message)]
        self._events = [event for event, _ in kept]
        self._messages = [message for _, message in kept]
        self.given = 0

    def take_again(self, take: Callable[[Event], None]) -> None:
        """Empty the queue, handing each event to `take`, which may add it."""
        latest, pairs = self.message, list(zip(self._events, self._messages, strict=True))
        self.keep(lambda *_: False)
        for event, self.message in pairs:
            take(event)
        self.message = latest
