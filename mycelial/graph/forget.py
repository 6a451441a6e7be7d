"""Forgetting: events go, everything derived is derived anew from the rest, and the file is written afresh.

Deriving anew is what makes it certain that nothing of the forgotten stays in a count, a ranking or the
engine's working state; writing the file afresh, that nothing stays in its free pages or in the write-ahead
log.
"""

from __future__ import annotations

from pathlib import Path

from mycelial.graph.rebuild import Progress, derive_again, silent
from mycelial.graph.structure import find_structure
from mycelial.store.database import explained
from mycelial.store.forgetting import Selection, remove_events
from mycelial.store.handover import maintaining


def forget(db: Path, selection: Selection, progress: Progress = silent, *, live: bool = False) -> int:
    """Remove what is selected from the database at `db`, for good; return the number of events.

    `live` says that a mount records into it now.

    Raises
    ------
    StoreError
        It could not be done; the text says whether the events are gone.
    """
    with maintaining(db, live=live) as writer, explained(db):
        writer.shred()
        writer.begin()
        gone = remove_events(writer.database, selection)
        writer.drop_derived()
        writer.reset_landmark()
        derive_again(writer, progress)
        writer.set_structure(find_structure)  # with new labels: the old ones may hold a forgotten name
        writer.commit()
        writer.compact()
    return gone


def forget_mutes(db: Path, uid: int | None, *, live: bool = False) -> int:
    """Take back what was said to be unrelated, by `uid` or (None) by everybody; return how often that was."""
    with maintaining(db, live=live) as writer, explained(db):
        writer.shred()
        writer.begin()
        gone = writer.mutes.clear(uid)
        writer.commit()
        writer.compact()
    return gone
