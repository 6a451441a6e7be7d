"""The engine process: reads what the mount sends, stores it, and says how it goes.

It has one connection and one thread.  It never looks at a file of the mount or of its source, for that
could wait for the very mount which waits for it.
"""

from __future__ import annotations

import contextlib
import json
import logging
import math
import os
import select
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from mycelial.graph.background import Background
from mycelial.graph.ingest import Ingest
from mycelial.graph.lending import Lending
from mycelial.record.announced import Announced
from mycelial.record.events import Event, bytes_of
from mycelial.record.told import Dropped, Mark, Mute, Pause, Serial, Settle, Told
from mycelial.record.wire import WireDecoder
from mycelial.store.writer import Writer

log = logging.getLogger(__name__)

MESSAGE = 1 << 20
"""Bytes that a message may have."""

MESSAGES = 64
"""Messages read in a row before anything else is looked at."""

REPORT_EVERY = 1.0
"""Seconds between two status messages while counts change."""

NAMES = 4096
"""Bytes of the names of directories that the mount can take note of, each with a NUL at its end."""

PATIENCE = 2.0
"""Seconds that the engine waits at its end for the process beside it, killed, but of the lowest priority."""


class Engine:
    """Serves one mount until the mount closes the connection or SIGTERM comes.

    Parameters
    ----------
    connection : socket
        To the mount.
    ingest : Ingest
        Takes the events.
    db : Path
        The database.
    announced : Announced, optional
        What the mount told the engines before this one.
    """

    def __init__(
        self, connection: socket.socket, ingest: Ingest, db: Path, announced: Announced | None = None
    ) -> None:
        self._connection = connection
        self._ingest = ingest
        self._lending = Lending(db, ingest, self._ask_mark, lambda: self._report(at_once=True))
        self._background = Background(db, ingest)
        self._decoder = WireDecoder(announced)
        self._lost = 0  # dropped before they came here
        self._ending = False
        self._reported: dict[str, object] = {}
        self._next_report = 0.0
        self._malformed = False

    def run(self) -> None:
        """Serve; everything received is committed when this returns, if the database allows."""
        self._connection.setblocking(False)
        wake, waker = os.pipe()
        os.set_blocking(waker, False)
        signal.set_wakeup_fd(waker)
        signal.signal(signal.SIGTERM, self._end)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        self._ingest.work()
        self._lending.work()
        self._report()
        while not self._ending:
            poll = select.poll()
            for waited_for in (
                self._connection.fileno(),
                wake,
                *self._lending.filenos(),
                *self._background.filenos(),
            ):
                poll.register(waited_for, select.POLLIN)
            poll.poll(self._timeout())
            self._receive()
            self._ingest.work()
            self._lending.work()
            if self._lending.is_lent:
                self._background.finish()  # it reads, and would keep what is being forgotten
            self._background.work()
            self._report()
        self._background.finish(PATIENCE)
        while self._receive():
            self._ingest.work()
        self._lending.finish()
        self._ingest.close()
        self._report(at_once=True)

    def _ask_mark(self, number: int) -> None:
        self._tell({"mark": number})

    def _end(self, signum: int, frame: FrameType | None) -> None:
        self._ending = True

    def _timeout(self) -> float | None:
        """Return how long to wait, in milliseconds; None if there is nothing to do until something comes."""
        pauses = [
            due
            for due in (self._ingest.pause(), self._lending.pause(), self._background.pause())
            if due is not None
        ]
        if self._status() != self._reported:
            pauses.append(max(0.0, self._next_report - time.monotonic()))
        return 1000.0 * min(pauses) + 1.0 if pauses else None

    def _receive(self) -> bool:
        """Take what has come, until it is time to commit; return whether there may be more."""
        for _ in range(MESSAGES):
            if self._ingest.is_due():
                return True
            try:
                message = self._connection.recv(MESSAGE)
            except BlockingIOError:
                return False
            except ConnectionError:
                message = b""
            if not message:
                self._ending = True
                return False
            self._decode(message)
        return True

    def _decode(self, message: bytes) -> None:
        items: list[Told] = []
        try:
            items.extend(self._decoder.feed(message))  # up to where it is wrong; all before anything is done
        except ValueError as error:
            self._tell_malformed(error)
        for item in items:
            try:
                self._take(item)
            except ValueError as error:
                self._tell_malformed(error)

    def _tell_malformed(self, error: ValueError) -> None:
        self._lost += 1
        if not self._malformed:
            self._malformed = True
            log.error("a message from the mount could not be read: %s", error)

    def _take(self, item: Told) -> None:
        if isinstance(item, Event):
            self._ingest.take(item)
        elif isinstance(item, Dropped):
            self._lost += item.count
        elif isinstance(item, Serial):
            self._ingest.begin_message(item.number)
        elif isinstance(item, Mark):
            self._lending.mark(item.number)
        elif isinstance(item, Settle):
            self._tell({"told": item.number, "done": self._ingest.settle()})
        else:
            done = self._ingest.change(changing(item))
            self._report(at_once=True)  # before the answer: whoever asks then is told the truth
            self._tell({"told": item.number, "done": done})

    def _status(self) -> dict[str, object]:
        ingest = self._ingest
        return {
            "state": ingest.state.value,
            "reason": ingest.reason,
            "mend": ingest.mend,
            "events": ingest.stored,
            "ignored": ingest.ignored,
            "dropped": ingest.dropped + self._lost,
            "sweeps": ingest.sweeps,
            "waiting": ingest.waiting,
            "pid": os.getpid(),
            "paused_until": _moment(ingest.paused_until),
            "paused_users": {str(uid): _moment(until) for uid, until in ingest.paused_users.items()},
            "lag": round(ingest.lag(time.time()), 3),
            "stored": ingest.stored_message,
            "left_out": _told(ingest.left_out),
            "replaced": ingest.replaced,
        }

    def _report(self, *, at_once: bool = False) -> None:
        """Tell the mount how it goes: at once if the state changed, else now and then."""
        status = self._status()
        now = time.monotonic()
        changed = status["state"] != self._reported.get("state")
        if not changed and not at_once and (now < self._next_report or status == self._reported):
            return
        self._tell(status)  # if it does not arrive, there is another report to come
        self._reported = status
        self._next_report = now + REPORT_EVERY

    def _tell(self, message: dict[str, object]) -> None:
        with contextlib.suppress(OSError):  # nobody listens, or not now
            self._connection.send(json.dumps(message).encode())


def changing(told: Mute | Pause) -> Callable[[Writer], object]:
    """Return what is to be done in the database when a user says this."""
    if isinstance(told, Pause):
        return lambda writer: writer.pause_until(told.until, told.uid)
    if told.a or told.b:
        return lambda writer: writer.mute(told.uid, told.a, told.b)
    return lambda writer: writer.mutes.clear(told.uid)


def _told(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return names of directories if the mount can take note of them all, else none."""
    return names if sum(len(bytes_of(name)) + 1 for name in names) <= NAMES else ()


def _moment(t: float) -> float | str | None:
    """Return a time as JSON can hold it: None for no time at all."""
    return ("resumed" if math.isinf(t) else t) if t else None
