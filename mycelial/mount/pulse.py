"""Whether a process gets on, if slowly: on a busy machine it may be long before it gets a processor again."""

from __future__ import annotations

import os
from pathlib import Path

_STATE, _TIME, _SYSTEM_TIME = 0, 11, 12  # fields of /proc/PID/stat (see proc(5)) behind the name


class Pulse:
    """Looks at one process again and again, and remembers when it was seen to get on.

    It gets on while it runs, waits for a processor or a disk, or has used a processor since it was last
    looked at; not while it is stopped, or sleeps.
    """

    def __init__(self, pid: int, now: float) -> None:
        self._stat = Path(f"/proc/{pid}/stat")
        self._used = -1
        self._seen = now
        self.look(now)

    def look(self, now: float) -> None:
        """Look at it now, in seconds of any clock that never goes back."""
        try:
            state, used = state_and_time(os.fsdecode(self._stat.read_bytes()))
        except (OSError, ValueError):
            return
        if state in "RD" or used != self._used:
            self._seen = now
        self._used = used

    def stands_still(self, now: float) -> float:
        """Return for how many seconds it has not been seen to get on."""
        return now - self._seen


def state_and_time(stat: str) -> tuple[str, int]:
    """Return a process's state and its processor time in clock ticks, of what /proc/PID/stat says.

    Raises
    ------
    ValueError
        if it says something else.
    """
    fields = stat.rpartition(")")[2].split()
    if len(fields) <= _SYSTEM_TIME:
        raise ValueError("not what /proc/PID/stat says")
    return fields[_STATE], int(fields[_TIME]) + int(fields[_SYSTEM_TIME])
