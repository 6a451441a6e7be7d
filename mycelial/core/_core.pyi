"""What the C core offers. Functions may be called from any thread once it was configured."""

from collections.abc import Sequence
from typing import TypedDict

class Figures(TypedDict):
    """Counts since the mount began; `offered` and `agreed` are the INIT flags of the kernel's protocol."""

    requests: int
    python_requests: int
    inodes: int
    lineage_reads: int
    events_dropped: int
    protocol_minor: int
    offered: int
    agreed: int
    libfuse: str
    passthrough: bool
    passthrough_opens: int

def configure(
    *,
    source_fd: int,
    view_dir: bytes,
    show_view_dir: bool,
    timeout: float,
    record: bool,
    capacity: int,
    passthrough: bool,
    writeback: bool,
) -> None:
    """Prepare the next session that pyfuse3 opens.

    `source_fd` is an O_PATH descriptor of the source and stays open; `view_dir` is empty where there is
    no virtual tree; `timeout` is in seconds, and beyond 1 says that nobody else changes the source;
    `capacity` bounds the events that wait, in bytes; `passthrough` asks for the kernel's, where it can be
    had, `writeback` for its cache of writes instead. Raises OSError.
    """

def start() -> None:
    """Start to answer requests, in threads: after pyfuse3.init and the last fork. Raises OSError."""

def stop_reading() -> None:
    """Take no more requests: before pyfuse3.close."""

def stop() -> None:
    """End the core's threads and close its descriptors: after pyfuse3.close."""

def deliver_to(socket: int) -> None:
    """Messages of whole records (see `mycelial.record.wire`), at most 64 KiB each, go to this socket."""

def send_waiting() -> bool:
    """Send what waits, as much as the socket takes; whether that was all."""

def stored(serial: int) -> None:
    """The messages up to this number are in the database and need not be kept."""

def send_again() -> None:
    """Let what was sent and is not stored wait again: for a new engine."""

def recorded() -> int:
    """How many records there were so far, sent or not."""

def wake_fd() -> int:
    """A timer, readable a moment after something waits again; `send_waiting` makes it unreadable."""

def announce_again() -> None:
    """Describe each process anew before its next event: a new engine knows none of them."""

def ignore_process(pid: int) -> None:
    """Record nothing that this process does (besides our own): the engine."""

def leave_out(names: bytes, /) -> None:
    """Tell of nothing that happens below directories of these names, each with a NUL at its end.

    Longer lists than 4 KiB leave nothing out.
    """

def take_forgets() -> list[tuple[int, int]]:
    """Virtual inodes that the kernel forgot since the last call, each with its number of look-ups."""

def let_go(inodes: Sequence[int], /) -> None:
    """Have the kernel forget those of the virtual inodes that nobody uses. Waits for nobody.

    Raises OSError: EINVAL before Linux 6.18, which knows no such notice.
    """

def new_listing(
    entries: list[tuple[bytes, int, int, int]], uid: int, gid: int, time: int, timeout: float, /
) -> int:
    """A handle that opendir can return for a virtual directory, whose entries are told without Python then.

    An entry is its name, the number of its inode, its mode and its size. The inode is counted as looked up
    once (what is never told is forgotten when the directory is closed); 0 is for an entry that is only
    listed. `time` is in ns, `timeout` in seconds.
    """

def path_of(inode: int) -> bytes | None:
    """The path below the source of a real inode; None if it has no name any more."""

def groups_of(pid: int) -> tuple[int, ...]:
    """The supplementary groups of a process; empty if it is gone."""

def file_type(path: bytes, uid: int, gid: int, groups: tuple[int, ...], /) -> int:
    """The S_IFMT bits of what is there for that caller, or 0."""

def list_directory(path: bytes, uid: int, gid: int, groups: tuple[int, ...], /) -> list[tuple[bytes, int]]:
    """Names and S_IFMT bits of a directory as that caller sees it. Raises OSError."""

def figures() -> Figures: ...
