"""The two types that everything else speaks of: an event, and the process that caused it.

Both are immutable and compare by value. Names and paths are text in which a byte that is not
UTF-8 stands as a surrogate escape (PEP 383), so that every name survives the way through JSON
and SQLite and back; :func:`text_of` and :func:`bytes_of` are the only way across.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

REDACTED = "[redacted]"
"""What stands on a command line where a secret was."""

CUT = "[cut]"
"""The last word of a command line of which there was more than can be recorded."""


class Op(StrEnum):
    """What happened to a file; the values are the words of the event log."""

    OPEN = "open"  # opened for reading
    READ = "read"  # the same: in imported logs, and where more is known of the reader at the close
    WRITE = "write"  # closed after writing
    CREATE = "create"  # a new file, or an old one emptied: a new generation begins
    RENAME = "rename"
    UNLINK = "unlink"
    LINK = "link"  # a further hard link
    EXEC = "exec"  # run as a program

    @property
    def has_target(self) -> bool:
        """Whether events of this kind carry a second path."""
        return self is Op.RENAME or self is Op.LINK


class Neighbour(NamedTuple):
    """Another part of a process's pipeline, which may never touch a file of the mount itself.

    Attributes
    ----------
    pid : int
    streams : tuple of str
        Where its standard input, output and error led, in the kernel's words; empty where not known.
    args : tuple of str
        The command line.
    """

    pid: int
    streams: tuple[str, ...]
    args: tuple[str, ...]


class Process(NamedTuple):
    """A thread group as it was when it caused an event; only the first three are always known.

    Attributes
    ----------
    pid, ppid : int
        0 stands for "not known".
    comm : str
        The kernel's name of it, at most 15 bytes.
    uid : int
        Whose accesses these are (the user id that the filesystem saw).
    chain : tuple of (pid, comm)
        Ancestors, the parent first.
    pipe_in, pipe_out : tuple of str
        Names of the pipes on standard input and on standard output.
    sid, pgid : int, optional
        Session and process group.
    start : int, optional
        Start time in clock ticks since boot; with the pid it names the process until the next boot.
    cgroup, exe, cwd : str, optional
        ``cwd`` and ``exe`` are absolute paths.
    args : tuple of str, optional
        The command line.
    chain_args : tuple of tuples of str
        The command lines of the nearest ancestors, the parent's first; empty where not known.
    fds : tuple of (number, target)
        Where its standard streams and the pipes named on its command line lead, in the kernel's words:
        an absolute path, ``pipe:[…]``, or something else that is open; nothing for a standard input that is
        no file.
    neighbours : tuple of Neighbour
        The other parts of its pipeline, as far as they were seen.
    same_input : int
        How many of the nearest ancestors have the same file or pipe as standard input, to whom it was given.
    """

    pid: int
    ppid: int
    comm: str
    uid: int = 0
    chain: tuple[tuple[int, str], ...] = ()
    pipe_in: tuple[str, ...] = ()
    pipe_out: tuple[str, ...] = ()
    sid: int | None = None
    pgid: int | None = None
    start: int | None = None
    cgroup: str | None = None
    exe: str | None = None
    args: tuple[str, ...] | None = None
    cwd: str | None = None
    chain_args: tuple[tuple[str, ...], ...] = ()
    fds: tuple[tuple[int, str], ...] = ()
    neighbours: tuple[Neighbour, ...] = ()
    same_input: int = 0


class Event(NamedTuple):
    """One recorded fact.

    Attributes
    ----------
    t : float
        Seconds since the epoch.
    path : str
        Relative to the mount root, see :func:`is_clean_path`.
    to : str, optional
        The new name; there for rename and link, and only for them.
    """

    t: float
    op: Op
    path: str
    process: Process
    to: str | None = None


def text_of(raw: bytes) -> str:
    """Return a name from the kernel as text; loses nothing."""
    return raw.decode("utf-8", "surrogateescape")


def bytes_of(text: str) -> bytes:
    """Return the bytes that `text` stands for.

    Raises
    ------
    ValueError
        (UnicodeEncodeError) if it holds a surrogate that no byte escapes to.
    """
    return text.encode("utf-8", "surrogateescape")


def is_clean_path(path: str) -> bool:
    """Whether `path` names something strictly below the mount root, in the one spelling for it.

    No leading, trailing or doubled slash, no ``.`` or ``..``, no NUL: whoever builds a link or a
    row from a clean path cannot be led outside.
    """
    enclosed = f"/{path}/"
    return not ("//" in enclosed or "/./" in enclosed or "/../" in enclosed or "\0" in enclosed)
