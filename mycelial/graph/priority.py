"""Standing back: what works for the user in the background lets the user's own programs go first."""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
import time
from pathlib import Path

SLICE = 100_000_000
"""Nanoseconds for which it would like to go on working: the longest that there is."""

_SCHED_SETATTR = {"x86_64": 314, "aarch64": 274, "riscv64": 274}
"""The number of the system call, which neither Python nor older C libraries know by name."""

_TRIES = 10
_AGAIN = 0.11
"""Seconds: the kernel takes the niceness of one session each tenth of a second, root's aside."""


class _Attributes(ctypes.Structure):
    """``struct sched_attr`` of linux/sched/types.h, as it was first."""

    _fields_ = (
        ("size", ctypes.c_uint32),
        ("policy", ctypes.c_uint32),
        ("flags", ctypes.c_uint64),
        ("nice", ctypes.c_int32),
        ("priority", ctypes.c_uint32),
        ("runtime", ctypes.c_uint64),
        ("deadline", ctypes.c_uint64),
        ("period", ctypes.c_uint64),
    )


def stand_back(niceness: int) -> None:
    """Take a smaller share of the processor by `niceness` steps, and give it up at once to whoever wakes up.

    The latter is what a long slice means since Linux 6.12: who wants a shorter one need not wait for its end.
    Where the kernel shares out processors by session, niceness counts within one only: this process had
    better be the first of its own.  Where the kernel or a sandbox does not allow a part of this, the rest
    holds.
    """
    os.nice(niceness)
    with contextlib.suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    if os.getsid(0) == os.getpid():
        _stand_back_with_session()
    number = _SCHED_SETATTR.get(os.uname().machine)
    if number is not None and sys.maxsize > 1 << 32:
        niceness = os.getpriority(os.PRIO_PROCESS, 0)
        wanted = _Attributes(ctypes.sizeof(_Attributes), os.SCHED_BATCH, 0, niceness, 0, SLICE, 0, 0)
        ctypes.CDLL(None).syscall(number, 0, ctypes.byref(wanted), 0)


def _stand_back_with_session() -> None:
    """Give the session its first process's niceness (autogroups, in sched(7))."""
    with contextlib.suppress(OSError):
        for _ in range(_TRIES):
            try:
                Path("/proc/self/autogroup").write_text(str(os.getpriority(os.PRIO_PROCESS, 0)))
                return
            except BlockingIOError:
                time.sleep(_AGAIN)
