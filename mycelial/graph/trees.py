"""Which tree of processes a process belongs to: what one person does in one place.

Everything that hangs on one terminal's shell, on one program started from the desktop, or on one service is
done for one purpose more often than not, also while another terminal is busy with something else.  Where
process trees differ, work is kept apart that happens at the same time.

A tree ends below what only holds others, at the leader of a session (a terminal's shell, a service), and at a
shell that an interpreter runs beside others.  A terminal inside an editor belongs to the editor.
"""

from __future__ import annotations

from mycelial.graph.programs import Kind, kind_of
from mycelial.record.events import Process

INIT = 1
"""The id of what adopts every orphan: to hang on it means to hang on nothing."""


def tree_of(process: Process) -> int:
    """Return the pid at the top of the process's tree: of its highest ancestor in the same place.

    Imported logs may know the parent only; then that is the top.
    """
    if not process.chain:
        return process.ppid if process.ppid > INIT else process.pid
    top, kind = process.pid, kind_of(process.comm, process.exe)
    for pid, comm in process.chain:
        above = kind_of(comm)
        if pid <= INIT or above is Kind.HOST:
            break
        if top == process.sid and above is not Kind.EDITOR:
            break  # a terminal of its own, but not one inside an editor
        if kind is Kind.SHELL and above is Kind.INTERPRETER:
            break
        top, kind = pid, above
    return top
