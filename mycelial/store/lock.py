"""One writer at a time: two would each go on from a state that the other has changed.

SQLite's own locks are held for one transaction only.  This one is held for as long as a writer lives, on a
file of its own beside the database; the kernel lets go of it however the process ends.
"""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

from mycelial.store.errors import StoreError

PATIENCE = 2.0
"""Seconds to wait for a writer that is about to end."""

_POLL = 0.05


class WriterLock:
    """Held from creation until :meth:`release`."""

    def __init__(self, db: Path) -> None:
        """Take the lock of the database at `db`.

        Raises
        ------
        StoreError
            Another process has it.
        OSError
            The file cannot be made.
        """
        self._fd = os.open(f"{db}-lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        until = time.monotonic() + PATIENCE
        while True:
            try:
                fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= until:
                    os.close(self._fd)
                    raise StoreError(f"{db}: another process writes to it (a mount, or a replay)") from None
                time.sleep(_POLL)
            else:
                return

    def release(self) -> None:
        """Let the next writer in."""
        os.close(self._fd)
