"""One writer at a time: two would each go on from a state that the other has changed.

SQLite's own locks are held for one transaction only.  This one is held for as long as a writer lives, on a
file of its own beside the database; the kernel lets go of it however the process ends.  It belongs to the
open file, so it can be lent to another process with the descriptor (see :mod:`mycelial.store.handover`).
"""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

from mycelial.record.location import lock_path
from mycelial.store.errors import BusyError

PATIENCE = 2.0
"""Seconds to wait for a writer that is about to end."""

_POLL = 0.05


class WriterLock:
    """Held from creation until :meth:`release`.

    Parameters
    ----------
    db : Path
    patience : float
        Seconds to wait for another holder.
    fd : int, optional
        The lock as somebody else lent it; it is not taken then, but held already.

    Raises
    ------
    BusyError
        Another process has it.
    OSError
        The file cannot be made.
    """

    def __init__(self, db: Path, patience: float = PATIENCE, fd: int | None = None) -> None:
        if fd is not None:
            self._fd = fd
            return
        self._fd = os.open(lock_path(db), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        until = time.monotonic() + patience
        while True:
            try:
                fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= until:
                    os.close(self._fd)
                    raise BusyError(f"{db}: another process writes to it (a mount, or a replay)") from None
                time.sleep(_POLL)
            else:
                return

    def fileno(self) -> int:
        """Return the descriptor that holds the lock."""
        return self._fd

    def release(self) -> None:
        """Let the next writer in, unless the lock was lent to this process."""
        os.close(self._fd)
