"""Looking at the whole beside the engine: a process of its own, at the lowest priority, now and then.

The engine starts it, goes on taking events, and hands what it found to the writer.  The process only reads,
and takes no snapshot for longer than it reads, so nobody waits for it.  It is looked after: at
most one at a time, a small share of one core, bounded in memory and time, and gone when the engine is.
"""

from __future__ import annotations

import contextlib
import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from mycelial.graph.ingest import Ingest, State
from mycelial.graph.looking import LOWEST, from_json
from mycelial.store.clusters import Structure

log = logging.getLogger(__name__)

SETTLED = 3.0
"""Seconds from something new until it is looked at for the first time."""

PAUSE = 20.0
SHARE = 20.0
"""Seconds from the end of one look to the next, and how many times its own duration at least."""

CHUNK = 1 << 20
"""Bytes that are taken from the process at once."""


class Background:
    """Has the whole looked at while an engine works.

    Parameters
    ----------
    db : Path
    ingest : Ingest
        Says whether there is anything new, and takes what was found.
    clock : callable
        Seconds that only go forward.
    """

    def __init__(self, db: Path, ingest: Ingest, clock: Callable[[], float] = time.monotonic) -> None:
        self._db = db
        self._ingest = ingest
        self._clock = clock
        self._child: subprocess.Popen[bytes] | None = None
        self._output = b""
        self._began = 0.0
        self._earliest = clock() + SETTLED
        self._seen = -1  # events stored when it was looked at last
        self._opening = 0  # which opening of the database is looked at

    def filenos(self) -> list[int]:
        """Return what to wait for."""
        return [] if self._child is None or self._child.stdout is None else [self._child.stdout.fileno()]

    def pause(self) -> float | None:
        """Return the seconds until :meth:`work` has something to do; None if nothing is due."""
        if self._child is not None or not self._is_wanted():
            return None
        return max(0.0, self._earliest - self._clock())

    def work(self) -> None:
        """Do what is due: start a look, or take what one has found so far; waits for nobody."""
        if self._child is not None:
            self._read(self._child)
        elif self._is_wanted() and self._clock() >= self._earliest:
            self._start()

    def finish(self, patience: float | None = None) -> None:
        """End the process, if there is one; wait until it is gone, or so many seconds."""
        child = self._child
        if child is None:
            return
        child.kill()
        self._leave(child)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(patience)

    def _is_wanted(self) -> bool:
        ingest = self._ingest
        return ingest.is_writing and ingest.state is State.OK and ingest.stored != self._seen

    def _start(self) -> None:
        self._seen, self._opening = self._ingest.stored, self._ingest.openings
        self._began = self._clock()
        self._output = b""
        try:
            self._child = _look(self._db, LOWEST)
        except OSError as problem:
            log.warning("pieces of work cannot be looked for: %s", problem)
            self._rest()
            return
        assert self._child.stdout is not None
        os.set_blocking(self._child.stdout.fileno(), False)

    def _read(self, child: subprocess.Popen[bytes]) -> None:
        assert child.stdout is not None
        try:
            chunk = os.read(child.stdout.fileno(), CHUNK)
        except BlockingIOError:
            return
        if chunk:
            self._output += chunk
            return
        if self._done(child) == 0 and self._opening == self._ingest.openings:
            try:
                self._ingest.adopt(from_json(self._output))
            except (ValueError, KeyError, TypeError) as problem:
                log.warning("what was found about pieces of work cannot be read: %s", problem)
        self._output = b""

    def _done(self, child: subprocess.Popen[bytes]) -> int:
        self._leave(child)
        return child.wait()

    def _leave(self, child: subprocess.Popen[bytes]) -> None:
        assert child.stdout is not None
        child.stdout.close()
        self._child = None
        self._rest()

    def _rest(self) -> None:
        now = self._clock()
        self._earliest = now + max(PAUSE, SHARE * (now - self._began))


def look_apart(db: Path) -> Structure | None:
    """Return what a process of its own finds in what is committed; None if it cannot, as the log says."""
    child = _look(db, 0)
    output, _ = child.communicate()
    return from_json(output) if child.returncode == 0 else None


def _look(db: Path, niceness: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "mycelial.graph.looking", "--db", str(db), "--nice", str(niceness)],
        executable="/proc/self/exe",  # as the mount starts the engine: names may lie inside the mount
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        cwd="/",
        start_new_session=niceness > 0,  # in the engine's own it would have a share that is like the engine's
    )
