"""What the C core offers. Functions belong to the thread of the FUSE loop, unless they say otherwise."""

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
    """Start the core's threads: after the last fork. Raises OSError."""

def stop() -> None:
    """End the core's threads and close its descriptors: after pyfuse3.close."""

def deliver_to(socket: int) -> None:
    """Send messages to this socket, as long as it has room; otherwise `wake_fd` becomes readable."""

def announce_next() -> None:
    """Make `wake_fd` readable when something is sent the next time, too."""

def peek() -> bytes | None:
    """The oldest message of whole records (see `mycelial.record.wire`), at most 64 KiB."""

def pop() -> None:
    """The oldest message was sent; it is kept until it is `stored`."""

def stored(serial: int) -> None:
    """The messages up to this number are in the database and need not be kept."""

def send_again() -> None:
    """Let what was sent and is not stored wait again: for a new engine."""

def wake_fd() -> int:
    """An eventfd that becomes readable when messages wait for Python; `peek` makes it unreadable."""

def announce_again() -> None:
    """Describe each process anew before its next event: a new engine knows none of them."""

def ignore_process(pid: int) -> None:
    """Record nothing that this process does (besides our own): the engine."""

def take_forgets() -> list[tuple[int, int]]:
    """Virtual inodes that the kernel forgot since the last call, each with its number of look-ups."""

def hold() -> None:
    """Python work is under way: until `unhold`, the core does not sleep for the next request."""

def unhold() -> None: ...
def path_of(inode: int) -> bytes | None:
    """The path below the source of a real inode; None if it has no name any more."""

def groups_of(pid: int) -> tuple[int, ...]:
    """The supplementary groups of a process; empty if it is gone."""

def file_type(path: bytes, uid: int, gid: int, groups: tuple[int, ...], /) -> int:
    """The S_IFMT bits of what is there for that caller, or 0. Any thread."""

def list_directory(path: bytes, uid: int, gid: int, groups: tuple[int, ...], /) -> list[tuple[bytes, int]]:
    """Names and S_IFMT bits of a directory as that caller sees it. Any thread. Raises OSError."""

def figures() -> Figures: ...
