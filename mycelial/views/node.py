"""What the virtual tree is made of, and what it asks of the filesystem that shows it.

These are the only types that the mount has to know: it looks a path up, gets a node, and turns
that into a reply. Names and targets are bytes throughout, as the kernel has them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import ClassVar, Protocol, TypeAlias


class Kind(Enum):
    """What a node looks like from outside."""

    DIRECTORY = "directory"
    LINK = "link"
    TEXT = "text"


class SourceKind(Enum):
    """What stands at a path of the source; ABSENT also where the caller may not reach."""

    FILE = "file"  # anything that is not a directory; links are not followed
    DIRECTORY = "directory"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks. Views show only what this user did and may reach."""

    uid: int
    gid: int
    groups: tuple[int, ...] = ()


class Source(Protocol):
    """The real files, seen with the caller's rights. Paths are relative to the root, which is b""."""

    def kind(self, path: bytes, caller: Caller) -> SourceKind:
        """Return what `path` is."""
        ...

    def listdir(self, path: bytes, caller: Caller) -> list[tuple[bytes, SourceKind]]:
        """Return the entries of a directory; nothing if the caller may not list it."""
        ...


@dataclass(frozen=True, slots=True)
class Directory:
    """A directory; its entries are found only when somebody lists it."""

    kind: ClassVar[Kind] = Kind.DIRECTORY
    list_children: Callable[[], Children]

    def children(self) -> Children:
        """Return names, without ``.`` and ``..``, each with what is known of it without looking closer."""
        return self.list_children()


@dataclass(frozen=True, slots=True)
class Link:
    """A relative symbolic link that stays inside the mount."""

    kind: ClassVar[Kind] = Kind.LINK
    target: bytes


@dataclass(frozen=True, slots=True)
class Text:
    """A file to read."""

    kind: ClassVar[Kind] = Kind.TEXT
    content: bytes


class StoreNeeded(Exception):
    """The store would have to be asked, by somebody who does not wait for it."""


Node: TypeAlias = Directory | Link | Text
Children: TypeAlias = list[tuple[bytes, Kind | Link]]
VirtualPath: TypeAlias = tuple[bytes, ...]
"""Names from a view's own top downwards; () is the top itself."""


class View(Protocol):
    """One entry of the virtual tree's top."""

    def find(self, path: VirtualPath, caller: Caller) -> Node | None:
        """Return what stands at `path` below this view, or None."""
        ...
