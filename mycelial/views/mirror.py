"""Views that repeat the shape of the source: directories stay, files become what the view says."""

from __future__ import annotations

from abc import ABC, abstractmethod

from mycelial.views.node import Caller, Children, Directory, Kind, Node, Source, SourceKind, VirtualPath


class Mirror(ABC):
    """The common part; a view says what stands in a file's place.

    Parameters
    ----------
    source : Source
        The real files.
    """

    file_kind: Kind
    """What a file of the source is shown as."""

    def __init__(self, source: Source) -> None:
        self._source = source

    @abstractmethod
    def file(self, path: bytes, caller: Caller) -> Node:
        """Return what stands for the file `path` of the source, which is there."""

    def inside(self, path: bytes, name: bytes, caller: Caller) -> Node | None:
        """Return the entry `name` of what stands for the file `path`, which is there."""
        return None

    def find(self, path: VirtualPath, caller: Caller) -> Node | None:
        """Return what stands at `path` below this view, or None."""
        real = b"/".join(path)
        match self._source.kind(real, caller):
            case SourceKind.DIRECTORY:
                return Directory(lambda: self._list(real, caller))
            case SourceKind.FILE:
                return self.file(real, caller)
        parent = b"/".join(path[:-1])
        if parent and self._source.kind(parent, caller) is SourceKind.FILE:
            return self.inside(parent, path[-1], caller)
        return None

    def _list(self, path: bytes, caller: Caller) -> Children:
        kinds = {SourceKind.DIRECTORY: Kind.DIRECTORY, SourceKind.FILE: self.file_kind}
        return [(name, kinds[kind]) for name, kind in self._source.listdir(path, caller) if kind in kinds]
