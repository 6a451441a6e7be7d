"""What /proc tells of a daemon's processes: which they are, and whether they work."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
from pathlib import Path


def descendants(pid: int) -> list[int]:
    """Children, their children and so on, as they are now."""
    found: list[int] = []
    waiting = [pid]
    while waiting:
        number = waiting.pop()
        with contextlib.suppress(OSError):  # it ended while we looked
            for task in os.listdir(f"/proc/{number}/task"):
                children = Path(f"/proc/{number}/task/{task}/children").read_text().split()
                waiting += map(int, children)
                found += map(int, children)
    return found


def cpu_seconds(pid: int) -> float:
    """CPU time used so far by a process and its present descendants, in steps of the kernel's clock."""
    ticks = 0
    for number in [pid, *descendants(pid)]:
        with contextlib.suppress(OSError, IndexError):
            fields = Path(f"/proc/{number}/stat").read_text(errors="replace").rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def send(pid: int, number: signal.Signals) -> None:
    """Sends a signal to a process that may be gone."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def resident_bytes(pid: int) -> int:
    """Memory that a process holds now."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def raise_descriptor_limit() -> None:
    """Lets this process, and the daemons that it starts, have as many descriptors as its hard limit allows.

    Some daemons keep one for each file that the kernel knows.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def descriptors(pid: int) -> tuple[int, int]:
    """How many descriptors a process has, and how many it may have."""
    return len(os.listdir(f"/proc/{pid}/fd")), resource.prlimit(pid, resource.RLIMIT_NOFILE)[0]


def wakeups(pid: int) -> int:
    """How often the threads of a process and of its descendants went to sleep, and so were woken, so far."""
    total = 0
    for number in [pid, *descendants(pid)]:
        with contextlib.suppress(OSError):
            for task in os.listdir(f"/proc/{number}/task"):
                text = Path(f"/proc/{number}/task/{task}/status").read_text(errors="replace")
                total += int(text.partition("\nvoluntary_ctxt_switches:")[2].split()[0])
    return total
