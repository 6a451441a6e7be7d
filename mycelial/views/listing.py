"""Keeping a ranking still while somebody looks at it.

To list a directory of links and follow each is many requests. They must see one ranking, or a
name that was listed a moment ago is gone. A listing is therefore kept for a second, and names of the
one before it still resolve for a while after they are no longer listed.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass

from mycelial.views.entries import Entry

FRESH = 1.0
"""Seconds for which a listing is repeated as it was."""

_REMEMBERED = 30.0  # seconds for which names that left the listing still resolve
_MOST_LISTINGS = 4096


_MOST_EARLIER = 256  # names of one directory


@dataclass(frozen=True, slots=True)
class _Listing:
    """What is listed, when it was made, and names that are listed no more, each with its end."""

    made: float
    entries: tuple[Entry, ...]
    earlier: tuple[tuple[float, Entry], ...]


class Listings:
    """The listings of one view, by whatever identifies them; may be used from several threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._listings: OrderedDict[Hashable, _Listing] = OrderedDict()

    def entries(self, key: Hashable, make: Callable[[], tuple[Entry, ...]]) -> tuple[Entry, ...]:
        """Return the listing of `key`, calling `make` if there is no fresh one."""
        return self._listing(key, make).entries

    def entry(self, key: Hashable, name: bytes, make: Callable[[], tuple[Entry, ...]]) -> Entry | None:
        """Return the entry called `name`, if it is or was just now listed."""
        listing = self._listing(key, make)
        for entry in (*listing.entries, *(entry for _, entry in listing.earlier)):
            if entry.name == name:
                return entry
        return None

    def drop(self, key: Hashable, path: str) -> None:
        """Leave out the entry for `path`; the others keep their names for now."""
        with self._lock:
            old = self._listings.get(key)
            if old is not None:
                entries = tuple(entry for entry in old.entries if entry.path != path)
                earlier = tuple(item for item in old.earlier if item[1].path != path)
                self._listings[key] = _Listing(old.made, entries, earlier)

    def _listing(self, key: Hashable, make: Callable[[], tuple[Entry, ...]]) -> _Listing:
        now = self._clock()
        with self._lock:
            old = self._listings.get(key)
        if old is not None and now - old.made < FRESH:
            return old
        earlier: tuple[tuple[float, Entry], ...] = ()
        if old is not None:
            left = ((old.made + _REMEMBERED, entry) for entry in old.entries)
            earlier = tuple(item for item in (*left, *old.earlier) if item[0] > now)[:_MOST_EARLIER]
        new = _Listing(now, make(), earlier)
        with self._lock:
            self._listings[key] = new
            self._listings.move_to_end(key)
            if len(self._listings) > _MOST_LISTINGS:
                self._listings.popitem(last=False)
        return new
