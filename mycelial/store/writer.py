"""The one writer: everything that an event changes goes into one transaction, or nothing of it does."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from mycelial.record.trust import Sticky, objection
from mycelial.store.clusters import Structure, take_up
from mycelial.store.connection import Database
from mycelial.store.database import explained, open_writer
from mycelial.store.errors import StoreError
from mycelial.store.evidence import EvidenceWriter
from mycelial.store.files import FileTable
from mycelial.store.inplace import OpenFiles
from mycelial.store.lock import WriterLock
from mycelial.store.log import LogWriter
from mycelial.store.mutes import Mute, MuteTable
from mycelial.store.past import Past
from mycelial.store.provenance import ProvenanceWriter
from mycelial.store.schema import drop_derived

READERS_END_WITHIN = 5.0
"""Seconds to wait for readers before the write-ahead log is emptied."""


class Writer:
    """Owns the database's writing end.

    Attributes
    ----------
    lock : WriterLock
    log : LogWriter
    files : FileTable
    evidence : EvidenceWriter
    provenance : ProvenanceWriter
    mutes : MuteTable
    """

    def __init__(self, path: Path, lock: WriterLock | None = None) -> None:
        """Open or create the database at `path`; `lock` is one that is held already.

        Raises
        ------
        StoreError
            See :func:`mycelial.store.database.open_writer`.
        """
        self.path = path
        if lock is None:
            if (doubt := objection(path, Sticky.ACCEPTED)) is not None:
                raise StoreError(f"{path}: {doubt}")
            with explained(path):
                path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                lock = WriterLock(path)
        self.lock = lock
        self._has_committed = False
        try:
            self.database: Database = open_writer(path)
            try:
                with explained(path):
                    self._begin_anew()
                    self._open = OpenFiles(path, self.database.conn)
            except BaseException:
                self.database.conn.close()
                raise
        except BaseException:
            self.lock.release()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def begin(self) -> None:
        """Start a transaction if none is open.

        Raises
        ------
        StoreError
            Another process is writing, or the file cannot be used.
        """
        if not self.database.conn.in_transaction:
            with explained(self.path):
                self.database.conn.execute("BEGIN IMMEDIATE")

    def is_in_place(self) -> bool:
        """Whether the files that are open are still those that readers find, with what was put into them.

        Raises
        ------
        StoreError
            That cannot be looked at: the disk fails.
        """
        with explained(self.path):
            return self._open.are_in_place()

    def leave(self) -> bool:
        """Close files that are not in place any more, so that the place is free.

        Returns
        -------
        bool
            Whether it is the same database that is found there next.

        Raises
        ------
        StoreError
            They cannot be looked at, and are still open.
        """
        self._roll_back()
        with explained(self.path):
            is_whole = self._open.leave()
        self._end()
        self.lock.release()
        return is_whole

    def commit(self) -> None:
        """Write everything gathered and make it visible to readers.

        Raises
        ------
        StoreError
            It could not be written; nothing of the transaction is kept, and this writer is of no more use.
        """
        with explained(self.path):
            if self.database.conn.in_transaction:
                self.flush()
                self._open.mark()
                self.database.conn.execute("COMMIT")
                if not self._has_committed:
                    # Into the file, so that a journal of later ones is known for its own.
                    self._has_committed = True
                    with contextlib.suppress(sqlite3.Error):
                        self.database.conn.execute("PRAGMA wal_checkpoint(PASSIVE)")
                self._open.note()

    def flush(self) -> None:
        """Write everything gathered into the open transaction, where later questions find it."""
        self.log.flush()
        self.files.flush()
        self.evidence.flush()
        self.provenance.flush()

    def close(self) -> None:
        """Close without committing."""
        self.detach().release()

    def detach(self) -> WriterLock:
        """Close without committing, but keep the lock, and return it."""
        self._roll_back()
        with contextlib.suppress(OSError):  # what cannot be looked at is closed as it is
            if not self._open.are_in_place():
                self._open.leave()  # closing would write the journal into what stands there now
        self._end()
        return self.lock

    def _end(self) -> None:
        self.database.conn.close()
        self._open.close()

    def _roll_back(self) -> None:
        with contextlib.suppress(sqlite3.Error):  # the file is unusable; closing is all that is left to do
            if self.database.conn.in_transaction:
                self.database.conn.execute("ROLLBACK")

    def drop_derived(self) -> None:
        """Empty everything but the log, inside the open transaction."""
        with explained(self.path):
            drop_derived(self.database)
            self._begin_anew()

    def landmark(self) -> float | None:
        """Return the time from which weights grow: that of the first event; None before it."""
        row = self.database.conn.execute("SELECT value FROM meta WHERE key = 'landmark'").fetchone()
        return None if row is None else float(row[0])

    def set_landmark(self, t: float) -> None:
        """Fix the landmark, for good."""
        self.database.conn.execute("INSERT OR REPLACE INTO meta VALUES ('landmark', ?)", (t,))

    def set_structure(self, find: Callable[[Past], Structure]) -> None:
        """Take up what `find` finds in the open transaction, of which it sees everything."""
        with explained(self.path):
            self.flush()
            take_up(self.database, find(Past(self.database)))

    def reset_landmark(self) -> None:
        """Let the next event fix the landmark anew; only before everything is derived anew."""
        self.database.conn.execute("DELETE FROM meta WHERE key = 'landmark'")

    def mute(self, uid: int, a: str, b: str) -> bool:
        """Keep that `uid` says that two paths are not related; whether both stand for known files."""
        log = self.log
        self.mutes.add(uid, log.path(a), log.path(b), log.last)
        return self.mutes.apply(Mute(uid, a, b, log.last))

    def paused_until(self) -> float:
        """Return until when recording rests, in seconds since the epoch; 0.0 if it does not."""
        row = self.database.conn.execute("SELECT value FROM meta WHERE key = 'paused'").fetchone()
        return 0.0 if row is None else float(row[0])

    def paused_users(self) -> dict[int, float]:
        """Return the same of those users who want a pause for themselves."""
        rows = self.database.conn.execute("SELECT key, value FROM meta WHERE key GLOB 'paused [0-9]*'")
        return {int(key.removeprefix("paused ")): float(value) for key, value in rows.fetchall()}

    def pause_until(self, t: float, uid: int | None = None) -> None:
        """Let recording, or that of one user, rest until `t` (infinite: until resumed; 0.0: not at all)."""
        key = "paused" if uid is None else f"paused {uid}"
        if t:
            self.database.conn.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, t))
        else:
            self.database.conn.execute("DELETE FROM meta WHERE key = ?", (key,))

    def carry_over(self, until: float, users: Mapping[int, float]) -> None:
        """Take up, at once, the pauses of another database: of two for the same user the longer holds.

        Raises
        ------
        StoreError
            They could not be written.
        """
        own = self.paused_users()
        longer: list[tuple[int | None, float]] = [
            (uid, t) for uid, t in users.items() if t > own.get(uid, 0.0)
        ]
        if until > self.paused_until():
            longer.append((None, until))
        if longer:
            self.begin()
            for uid, t in longer:
                self.pause_until(t, uid)
            self.commit()

    def stored_message(self, session: str) -> int:
        """Return the number of the last message of this mount whose events are here; 0 if there is none."""
        row = self.database.conn.execute("SELECT value FROM meta WHERE key = 'message'").fetchone()
        whose, _, number = str(row[0] if row else "").partition(" ")
        return int(number) if whose == session and number.isdecimal() else 0

    def set_stored_message(self, session: str, number: int) -> None:
        """Note, in the open transaction, up to which message of this mount all events are here."""
        if number:
            self.database.conn.execute(
                "INSERT OR REPLACE INTO meta VALUES ('message', ?)", (f"{session} {number}",)
            )

    def shred(self) -> None:
        """From now on overwrite with zeros what is deleted (https://www.sqlite.org/pragma.html#pragma_secure_delete)."""
        self.database.conn.execute("PRAGMA secure_delete=ON").fetchall()

    def give_back(self, pages: int) -> None:
        """Shorten the file by so many pages that are free; outside a transaction."""
        self.begin()
        self.database.conn.execute(f"PRAGMA incremental_vacuum({pages})").fetchall()
        self.commit()

    def compact(self) -> None:
        """Write the file afresh without its free pages, and empty the write-ahead log; outside a transaction.

        Raises
        ------
        StoreError
            There is no room for it, or a reader is in the way; the database is whole, but may still hold
            remains of what was deleted.
        """
        connection = self.database.conn
        remains = f"{self.path}: it is done, but remains of it may still be in the file"
        try:
            self._open.mark()  # as if it were committed: whoever looks at the file knows it for ours
            connection.execute("VACUUM")
            self._open.mark()
        except sqlite3.Error as error:
            raise StoreError(f"{remains}: {error}") from error
        until = time.monotonic() + READERS_END_WITHIN
        while connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
            if time.monotonic() >= until:
                raise StoreError(f"{remains}-wal, as another program is reading: close it and do it again")
            time.sleep(0.05)

    def _begin_anew(self) -> None:
        self.log = LogWriter(self.database)
        self.files = FileTable(self.database)
        self.evidence = EvidenceWriter(self.database)
        self.provenance = ProvenanceWriter(self.database)
        self.mutes = MuteTable(self.database, self.files)
