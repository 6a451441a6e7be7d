"""Standing aside for commands: one loan of the writer's place at a time, from the question to the return.

A command that forgets or pauses must find everything in the database that happened before it was called. So
the mount is asked for a mark first; what it sends before the mark is stored, and then the place is lent.
"""

from __future__ import annotations

import logging
import select
import time
from collections.abc import Callable
from pathlib import Path

from mycelial.graph.ingest import Ingest
from mycelial.store.errors import StoreError
from mycelial.store.handover import Asking, Doorbell

log = logging.getLogger(__name__)

MARKED_WITHIN = 15.0
"""Seconds that the mount has for sending what waits there."""

ENDS_WITHIN = 4.0
"""Seconds that a command has for giving the place back when the mount ends."""


class Lending:
    """Watches the socket beside the database while the engine is its writer.

    Parameters
    ----------
    db : Path
    ingest : Ingest
        What owns the writer.
    ask_mark : callable
        Asks the mount for the mark of this number.
    report : callable
        Tells the mount how it goes, as that may have changed.
    """

    def __init__(
        self, db: Path, ingest: Ingest, ask_mark: Callable[[int], None], report: Callable[[], None]
    ) -> None:
        self._db = db
        self._ingest = ingest
        self._ask_mark = ask_mark
        self._report = report
        self._bell: Doorbell | None = None
        self._looked = 0  # which opening of the database the socket was looked at for
        self._asking: Asking | None = None
        self._is_lent = False
        self._asked = self._marked = 0
        self._until = 0.0

    @property
    def is_lent(self) -> bool:
        """Whether somebody else has the database now."""
        return self._is_lent

    def filenos(self) -> list[int]:
        """Return what to wait for."""
        if self._asking is not None:
            return [self._asking.fileno()]
        return [] if self._bell is None else [self._bell.fileno()]

    def pause(self) -> float | None:
        """Return the seconds until :meth:`work` has something to do; None if nothing is due."""
        if self._asking is None or self._is_lent:
            return None
        return 0.0 if self._marked == self._asked else max(0.0, self._until - time.monotonic())

    def mark(self, number: int) -> None:
        """Take the mount's answer: all that happened before it was asked has come."""
        self._marked = number

    def work(self) -> None:
        """Do what is due; waits for nobody."""
        self._keep_bell()
        if self._asking is None:
            self._accept()
        elif self._asking.is_done():
            self._end()
        elif not self._is_lent:
            self._go_on(self._asking)

    def finish(self) -> None:
        """End, waiting a moment for a command that is at work."""
        if self._asking is not None:
            poll = select.poll()
            poll.register(self._asking.fileno(), select.POLLIN)
            if not self._is_lent or poll.poll(1000.0 * ENDS_WITHIN):
                self._end()
        if self._bell is not None:
            self._bell.close()
            self._bell = None

    def _keep_bell(self) -> None:
        if self._looked == self._ingest.openings or self._is_lent:
            return
        self._looked = self._ingest.openings
        try:
            if self._bell is None or not self._bell.is_reachable():
                if self._bell is not None:
                    self._bell.close()
                self._bell = None
                self._bell = Doorbell(self._db)
        except OSError as error:
            log.warning("commands cannot ask for the database while it is mounted: %s", error)

    def _accept(self) -> None:
        if self._bell is None or (asking := self._bell.accept()) is None:
            return
        self._asking = asking
        self._asked += 1
        self._until = time.monotonic() + MARKED_WITHIN
        self._ask_mark(self._asked)

    def _go_on(self, asking: Asking) -> None:
        if self._marked != self._asked:
            if time.monotonic() >= self._until:
                asking.refuse("the mount does not send what waits there")
                self._asking = None
            return
        try:
            lock = self._ingest.lend()
        except StoreError as error:
            asking.refuse(str(error))
            self._asking = None
        else:
            self._is_lent = True
            self._report()  # the mount need not keep what is stored: it may be about to be forgotten
            asking.lend(lock)

    def _end(self) -> None:
        if self._is_lent:
            self._is_lent = False
            self._ingest.take_back()
            self._report()
        if self._asking is not None:
            self._asking.close()
            self._asking = None
