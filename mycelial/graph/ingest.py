"""Getting events into the database, come what may: batches, failures, and trying again.

The database may be locked, full, broken or from a newer version.  Then events wait here, bounded; what
does not fit is dropped and counted, and every few seconds the database is opened anew.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator
from enum import StrEnum
from pathlib import Path

from mycelial.graph.admission import Admission
from mycelial.graph.patience import Patience
from mycelial.graph.pipeline import Pipeline
from mycelial.graph.waiting import Waiting
from mycelial.record.events import Event
from mycelial.store.clusters import Structure
from mycelial.store.errors import DatabaseError, FullError, StoreError
from mycelial.store.inplace import wait_until_quiet
from mycelial.store.lock import WriterLock
from mycelial.store.log import Retention
from mycelial.store.trouble import free_bytes, has_room, trouble_with
from mycelial.store.upkeep import Tally, keep_small
from mycelial.store.writer import Writer

log = logging.getLogger(__name__)

COMMIT_WITHIN = 0.25
"""Seconds from an event's arrival to its commit."""

BATCH = 2000
"""Events after which a transaction is committed in any case."""

SOON = 1000
"""Events that are stored while somebody waits who asks a question."""

PRUNE_EVERY = 10_000
"""Events stored between two looks at what need not be kept."""

UPKEEP_PAUSE = 0.02
"""Seconds between two steps of it while nothing else is to be done."""


class State(StrEnum):
    """How it goes; the values are those of the status messages."""

    OK = "ok"
    DEGRADED = "degraded"


class Ingest:
    """Owns the writer and the pipeline, and makes new ones after a failure.

    Attributes
    ----------
    stored, ignored, dropped : int
        Events committed, left out by the exclusion rules, and lost.
    sweeps : int
        Sweeps recognised since the start.
    reason, mend : str
        Why the state is degraded, and what to do about it; empty if it is not, or nothing need be done.
    openings : int
        How often the database was opened.
    replaced : int
        How often it was found to be removed or replaced while it was in use.
    paused_until : float
        Events from before this time (seconds since the epoch) are not recorded.
    paused_users : dict
        The same of single users, by uid.

    Notes
    -----
    The number of the last message that was stored whole is committed with its events. So a message that comes
    again, as the engine that read it first was killed, is stored once.
    """

    def __init__(
        self,
        db: Path,
        admission: Admission,
        retention: Retention,
        clock: Callable[[], float],
        reload: Callable[[], tuple[Admission, Retention]] | None = None,
        session: str = "",
    ) -> None:
        self._db = db
        self._session = session  # whose messages these are
        self._stored_before = 0  # up to this message the database had all when it was opened
        self._retention = retention
        self._reload = reload
        self._to_prune = 0  # events until it is looked again what need not be kept
        self._upkeep: tuple[Writer, Iterator[None]] | None = None
        self._admission = admission
        self._clock = clock
        self._writer: Writer | None = None
        self._pipeline: Pipeline | None = None
        self._waiting = Waiting()
        self._due = 0.0
        self._free_when_full: int | None = None  # bytes, if the disk was full at the last attempt
        self._patience = Patience(clock)
        self._told = self._is_another = False
        self._lent: WriterLock | None = None
        self.openings = self.replaced = 0
        self.paused_until = 0.0
        self.paused_users: dict[int, float] = {}
        self.stored = self.ignored = self.dropped = self.sweeps = 0
        self.reason = self.mend = ""

    @property
    def state(self) -> State:
        """Whether events reach the database."""
        return State.DEGRADED if self.reason else State.OK

    @property
    def waiting(self) -> int:
        """Events that are not committed yet."""
        return len(self._waiting)

    @property
    def left_out(self) -> tuple[str, ...]:
        """Names of directories below which nothing is recorded, so that none of it need be told."""
        return self._admission.rules.directories

    def lag(self, now: float) -> float:
        """Return the age in seconds, at time `now`, of the oldest event that is not committed yet."""
        return max(0.0, now - self._waiting.oldest.t) if self._waiting else 0.0

    @property
    def stored_message(self) -> int:
        """Number of the last message that is not needed again, as all before it."""
        return self._waiting.stored_message

    def begin_message(self, number: int) -> None:
        """Let the events that follow be those of this message; numbers grow."""
        self._waiting.message = number

    def take(self, event: Event) -> None:
        """Accept one event from the mount."""
        if self._is_paused(event) or self._is_stored(self._waiting.message):
            return
        admitted = self._admission.admit(event)
        if not admitted:
            self.ignored += 1
        for one in admitted:
            if self._waiting.is_full:
                self.dropped += 1
                continue
            if not self._waiting:
                self._due = self._clock() + COMMIT_WITHIN
            self._waiting.add(one)

    def pause(self) -> float | None:
        """Return the seconds until :meth:`work` has something to do; None if nothing is due."""
        if self._lent is not None:
            return None
        if self._writer is None:
            return self._patience.remaining
        if self._waiting:
            return max(0.0, self._due - self._clock())
        return None if self._upkeep is None else UPKEEP_PAUSE

    def work(self) -> None:
        """Do what is due: commit, or try the database again."""
        if self._lent is not None:
            return
        if self._writer is None:
            if not self._patience.remaining:
                if self._free_when_full is None or has_room(self._db, self._free_when_full):
                    self._open()
                else:
                    self._patience.fail()
        elif self.is_due():
            self._commit()
        elif not self._waiting and self._upkeep is not None:
            self._keep_small()

    def is_due(self) -> bool:
        """Whether what waits should be committed before anything else is taken."""
        if self._writer is None or not self._waiting:
            return False
        return len(self._waiting) >= BATCH or self._clock() >= self._due

    @property
    def is_writing(self) -> bool:
        """Whether the database is open and its writer here."""
        return self._writer is not None

    def adopt(self, structure: Structure) -> None:
        """Store what was found by looking at the whole, if the database can be used and is still that one."""
        looked_at = self._writer
        try:
            self._settle()
            if self._writer is None or self._writer is not looked_at:
                return
            self._writer.begin()
            self._writer.set_structure(lambda _: structure)
            self._writer.commit()
        except (StoreError, DatabaseError) as error:
            self._fail(error)

    def change(self, change: Callable[[Writer], object]) -> bool:
        """Store, at once, what a user said: whether it could be done."""
        try:
            self._settle()  # the names mean what they mean by now
            if self._writer is None:
                return False
            self._writer.begin()
            change(self._writer)
            self._writer.commit()
            self._read_pauses(self._writer)
        except (StoreError, DatabaseError) as error:
            self._fail(error)
            return False
        return True

    def settle(self) -> bool:
        """Store what waits, if that is soon done; whether nothing waits any more."""
        if self._lent is None and self._writer is not None and 0 < len(self._waiting) <= SOON:
            self._commit()
        return not self._waiting

    def lend(self) -> WriterLock:
        """Store what waits, close the database, and return the lock, which stays held.

        Until :meth:`take_back` events wait.

        Raises
        ------
        StoreError
            The database cannot be used.
        """
        if self._writer is None:
            self._open()
        self._settle()
        if self._writer is None:
            raise StoreError(self.reason)
        self._lent = self._writer.detach()
        self._writer = self._pipeline = None
        return self._lent

    def take_back(self) -> None:
        """Use the database again, as somebody else left it; the settings may have changed, too."""
        lock, self._lent = self._lent, None
        if self._reload is not None:
            try:
                self._admission, self._retention = self._reload()
            except ValueError as error:
                log.warning("the settings stay as they were: %s", error)
            else:
                self._waiting.take_again(self.take)
        self._open(lock)

    def close(self) -> None:
        """Commit what there is and let go of the database."""
        if self._writer is None and self._lent is None:
            self._open()
        if self._writer is not None:
            self._commit()
        self._settle()
        self._let_go()
        self.dropped += len(self._waiting)
        self._waiting.keep(lambda *_: False)

    def _open(self, lock: WriterLock | None = None) -> None:
        try:
            if self._is_another:
                wait_until_quiet(self._db)  # whoever puts one there must not find our pages in it
            self._writer = Writer(self._db, lock)
            self.openings += 1
            if lock is None and (self._is_another or self._writer.landmark() is None):
                self._writer.carry_over(self.paused_until, self.paused_users)
            self._is_another = False
            self._read_pauses(self._writer)
            self._stored_before = self._writer.stored_message(self._session)
            self._waiting.keep(
                lambda event, message: not self._is_paused(event) and not self._is_stored(message)
            )
            self._pipeline = Pipeline(self._writer)
            if not self._waiting:
                self._recover()
        except Exception as error:  # whatever a damaged database leads to: the events wait for a better one
            self._fail(error)

    def _read_pauses(self, writer: Writer) -> None:
        self.paused_until, self.paused_users = writer.paused_until(), writer.paused_users()

    def _is_paused(self, event: Event) -> bool:
        until = self.paused_users.get(event.process.uid, 0.0) if self.paused_users else 0.0
        return event.t < max(until, self.paused_until)

    def _is_stored(self, message: int) -> bool:
        return 0 < message <= self._stored_before

    def _commit(self) -> None:
        assert self._writer is not None
        assert self._pipeline is not None
        try:
            if not self._writer.is_in_place():  # removed or replaced: what is written would never be read
                self._begin_anew()
                return
            self._writer.begin()
            self._pipeline.feed(self._waiting.give(BATCH))
            self._pipeline.flush()
            self._writer.set_stored_message(self._session, self._waiting.given_message)
            self._writer.commit()
        except (StoreError, DatabaseError) as error:
            self._fail(error)
            return
        except Exception as error:
            log.exception("%d events could not be stored and are dropped", self._waiting.given)
            self.dropped += self._waiting.given
            self._waiting.take_off()
            self._fail(error)
            return
        self.stored += self._waiting.given
        self.sweeps = self._pipeline.sweeps
        self._to_prune -= self._waiting.given
        self._waiting.take_off()
        self._tell_failure(self._pipeline)
        self._recover()
        self._keep_small()
        self._due = self._clock()  # of what waits still

    def _keep_small(self) -> None:
        """Do the next step of what keeps the database small, if it is time for that."""
        if self._upkeep is not None and self._upkeep[0] is not self._writer:
            self._upkeep = None  # the database was closed meanwhile
        if self._writer is None or (self._upkeep is None and self._to_prune > 0):
            return
        if self._upkeep is None:
            self._to_prune = PRUNE_EVERY
            self._upkeep = self._writer, keep_small(self._writer, self._retention, Tally())
        try:
            next(self._upkeep[1])
        except StopIteration:
            self._upkeep = None
        except (StoreError, DatabaseError) as error:
            self._upkeep = None
            self._fail(error)

    def _settle(self) -> None:
        """Commit what waits, into the database that others find by its name."""
        try:
            if self._writer is not None and not self._writer.is_in_place():
                self._begin_anew()
        except StoreError as error:
            self._fail(error)
        while self._writer is not None and self._waiting:
            self._commit()

    def _begin_anew(self) -> None:
        """Let go of a file that is not the database any more, and open the one that is."""
        self._let_go()
        self._open()

    def _let_go(self) -> None:
        """Close the database, if it is open; another one that was put in its place stays as it is."""
        writer, self._writer, self._pipeline = self._writer, None, None
        if writer is None:
            return
        with contextlib.suppress(StoreError):  # it cannot be looked at
            if not writer.is_in_place():
                self._is_another |= not writer.leave()  # what opens next; a pause holds there, too
                self.replaced += 1  # the mount says it
                return
        writer.close()

    def _recover(self) -> None:
        """Events reach the database."""
        if self.reason:
            log.info("the database can be used again: %s", self._db)
        self.reason = self.mend = ""
        self._patience.succeed()

    def _fail(self, error: Exception) -> None:
        """Give up the transaction and the writer; its events go on waiting."""
        trouble = trouble_with(self._db, error)
        reason, self.mend = str(trouble), trouble.mend
        if reason != self.reason:
            self.reason = reason
            log.info("the database cannot be used now, and is tried again: %s", reason)  # the mount says it
        self._let_go()
        self._free_when_full = free_bytes(self._db) if isinstance(trouble, FullError) else None
        self._waiting.given = 0
        self._patience.fail()

    def _tell_failure(self, pipeline: Pipeline) -> None:
        if pipeline.first_failure is not None and not self._told:
            self._told = True
            error = pipeline.first_failure
            log.error("an event could not be understood; it is kept in the log", exc_info=error)
