"""Which tree of processes a process belongs to: what one person does in one place.

Everything that hangs on one terminal's shell, on one program started from the desktop, or on one service is
done for one purpose more often than not, also while another terminal is busy with something else.  Where
process trees differ, work is kept apart that happens at the same time.

A tree ends below what only holds others, at the leader of a session (a terminal's shell, a service), and at a
shell that an interpreter runs beside others.  A terminal inside an editor belongs to the editor.  What is
started from the desktop to look at one thing and to change another is one tree, the desktop's: a letter is
written in one program while its scans lie open in another.  But who opens a project in a program that is made
for that works on the project there.
"""

from __future__ import annotations

from mycelial.graph.programs import Kind, is_barrier, kind_of
from mycelial.record.events import Process

INIT = 1
"""The id of what adopts every orphan: to hang on it means to hang on nothing."""

_DESKTOPS, _OF_PROJECTS = (
    frozenset(names.split())
    for names in (
        """
        systemd gnome-shell plasmashell kwin_wayland ksmserver xfce4-session xfce4-panel cinnamon
        cinnamon-session mate-session mate-panel lxqt-session lxqt-panel lxsession sway Hyprland i3 openbox
        awesome budgie-panel cosmic-session
        """,
        """
        code codium code-oss cursor zed zed-editor atom subl sublime_text geany idea java-idea pycharm clion
        webstorm goland rider java eclipse netbeans qtcreator kdevelop gnome-builder emacs gvim rstudio
        """,
    )
)


def tree_of(process: Process) -> int:
    """Return the pid at the top of the process's tree: of its highest ancestor in the same place.

    Imported logs may know the parent only; then that is the top.
    """
    if not process.chain:
        return process.ppid if process.ppid > INIT else process.pid
    top, name, kind = process.pid, process.comm, kind_of(process.comm, process.exe)
    for pid, comm in process.chain:
        above = kind_of(comm)
        if pid > INIT and comm in _DESKTOPS and kind is not Kind.SHELL and name not in _OF_PROJECTS:
            return pid
        if pid <= INIT or above is Kind.HOST:
            break
        if top == process.sid and above is not Kind.EDITOR:
            break  # a terminal of its own, but not one inside an editor
        if kind is Kind.SHELL and above is Kind.INTERPRETER:
            break
        top, name, kind = pid, comm, above
    return top


def root_of(process: Process) -> int:
    """Climb to the topmost process below a barrier: the unit of work is all that hangs on it."""
    root = process.pid
    for pid, comm in process.chain:
        if is_barrier(comm) or pid <= INIT:
            break
        root = pid
    return root
