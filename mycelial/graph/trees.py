"""Which tree of processes a process belongs to: what one person does in one place.

Everything that hangs on one terminal's shell, on one program started from the desktop, or on one service is
done for one purpose more often than not, also while another terminal is busy with something else.  Where
process trees differ, work is kept apart that happens at the same time.
"""

from __future__ import annotations

from mycelial.graph.programs import Kind, kind_of
from mycelial.record.events import Process

INIT = 1
"""The id of what adopts every orphan: to hang on it means to hang on nothing."""


def tree_of(process: Process) -> int:
    """Return the pid at the top of the process's tree: of its highest ancestor that is no mere host.

    Imported logs may know the parent only; then that is the top.
    """
    if not process.chain:
        return process.ppid if process.ppid > INIT else process.pid
    top = process.pid
    for pid, comm in process.chain:
        if pid <= INIT or kind_of(comm) is Kind.HOST:
            break
        top = pid
    return top
