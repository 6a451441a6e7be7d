"""Feeding whole logs: from a file into a database, and from the database's own log into itself."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path

from mycelial.graph.admission import Admission
from mycelial.graph.background import look_apart
from mycelial.graph.pipeline import Pipeline
from mycelial.graph.structure import ByPath, by_number, by_path, find_structure
from mycelial.record.events import Event
from mycelial.record.exclude import ExclusionRules
from mycelial.store.database import explained
from mycelial.store.errors import DatabaseError
from mycelial.store.handover import maintaining
from mycelial.store.log import read_events
from mycelial.store.past import Past
from mycelial.store.writer import Writer

BATCH = 20_000
"""Events in one transaction of a replay."""

TOGETHER = 1000
"""Events of one that go through each of its steps together."""

Progress = Callable[[int], None]


def silent(_: int) -> None:
    """Tell nobody how far it is."""


def replay(
    db: Path,
    events: Iterable[Event],
    progress: Progress = silent,
    rules: ExclusionRules | None = None,
    *,
    arguments: bool = True,
) -> int:
    """Add `events` to the database at `db` (made if missing) as if they happened now in this order.

    What `rules` (None: the default ones) exclude is left out, as it is in a live mount, and so are command
    lines without `arguments`.  `progress` is called with the number of events so far.  Returns the number
    of events read.

    Raises
    ------
    StoreError
        The database cannot be used; whole batches before the failing one are kept.
    """
    done = 0
    admit = Admission(rules or ExclusionRules(), arguments).admit
    with maintaining(db) as writer, explained(db):
        pipeline = Pipeline(writer)
        writer.begin()
        for group in _grouped(events):
            pipeline.feed([one for event in group for one in admit(event)])
            done += len(group)
            if done % BATCH == 0:
                pipeline.flush()
                writer.commit()
                progress(done)
                writer.begin()
        pipeline.flush()
        if done <= BATCH:
            writer.set_structure(find_structure)
            writer.commit()
        else:  # what it takes then is more than all the rest, and is gone with its process
            writer.commit()
            structure = look_apart(writer.path.absolute())
            writer.begin()
            if structure is not None:
                writer.set_structure(lambda _: structure)
            writer.commit()
    progress(done)
    return done


def _grouped(events: Iterable[Event]) -> Iterator[list[Event]]:
    """Read some events before anything is done with them: see :meth:`Pipeline.feed`."""
    iterator = iter(events)
    while group := list(islice(iterator, TOGETHER)):
        yield group


def rebuild(db: Path, progress: Progress = silent, *, live: bool = False) -> int:
    """Drop everything derived and derive it again from the log; readers see the old state until the end.

    What followed from events that the log no longer keeps is gone then.  `live` says that a mount records
    into it now.  Returns the number of events.

    Raises
    ------
    StoreError
        The database cannot be used; it is left as it was.
    """
    with maintaining(db, live=live) as writer, explained(db):
        writer.begin()
        named = _known_names(writer)
        writer.drop_derived()
        done = derive_again(writer, progress)
        writer.set_structure(lambda past: find_structure(past, by_number(past, named)))
        writer.commit()
    return done


def _known_names(writer: Writer) -> ByPath:
    """Return the pieces of work by name; none if what is to be replaced is too damaged to tell them."""
    try:
        return by_path(Past(writer.database))
    except (DatabaseError, LookupError, TypeError, ValueError):
        return []


def derive_again(writer: Writer, progress: Progress = silent) -> int:
    """Derive everything from the log into empty tables; return the number of events."""
    done = 0
    pipeline = Pipeline(writer)
    mutes = deque(writer.mutes.read())
    unknown = []
    for number, process, event in read_events(writer.database):
        while mutes and mutes[0].after < number:
            mute = mutes.popleft()
            if not writer.mutes.apply(mute):
                unknown.append(mute)
        pipeline.derive(event, process)
        done += 1
        if done % BATCH == 0:
            pipeline.flush()
            writer.flush()
            progress(done)
    pipeline.flush()
    for mute in (*unknown, *mutes):
        writer.mutes.apply(mute)
    progress(done)
    return done
