"""What the mount tells the engine: the kinds of record, and what they say besides events."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from mycelial.record.events import Event


class Kind(IntEnum):
    """The kinds of record."""

    PROCESS = 1
    OPEN = 2
    EXEC = 3
    CREATE = 4
    WRITE = 5
    RENAME = 6
    LINK = 7
    UNLINK = 8
    DROPPED = 9
    READ = 10
    MARK = 11
    MUTE = 12
    SERIAL = 13
    PAUSE = 14
    SETTLE = 15


@dataclass(frozen=True, slots=True)
class Dropped:
    """The buffer was full: `count` events are missing at this place."""

    count: int


@dataclass(frozen=True, slots=True)
class Mark:
    """What the reader asked for by this number: everything up to here had happened by then."""

    number: int


@dataclass(frozen=True, slots=True)
class Wish:
    """What the user `uid` wants of the record. The answer is to name the `number`."""

    number: int
    uid: int


@dataclass(frozen=True, slots=True)
class Mute(Wish):
    """Two files are not related, or (both empty) all of that is taken back."""

    a: str
    b: str


@dataclass(frozen=True, slots=True)
class Pause(Wish):
    """Nothing is to be recorded of what the user does until then (seconds since the epoch)."""

    until: float


@dataclass(frozen=True, slots=True)
class Settle:
    """What happened up to here is to be stored now, as somebody asks. The answer is to name the number."""

    number: int


@dataclass(frozen=True, slots=True)
class Serial:
    """The number of the message that begins here."""

    number: int


Told = Event | Dropped | Mark | Mute | Pause | Serial | Settle
"""What a message may hold."""
