"""The real files as the virtual tree sees them: with the rights of the user who looks."""

from __future__ import annotations

import stat

from mycelial import core
from mycelial.views.node import Caller, SourceKind


class CallersSource:
    """Asks the kernel in the caller's name, below the mount; implements `mycelial.views.node.Source`."""

    def kind(self, path: bytes, caller: Caller) -> SourceKind:
        return _kind(core.file_type(path, caller.uid, caller.gid, caller.groups))

    def listdir(self, path: bytes, caller: Caller) -> list[tuple[bytes, SourceKind]]:
        try:
            entries = core.list_directory(path, caller.uid, caller.gid, caller.groups)
        except OSError:
            return []
        prefix = path + b"/" if path else b""
        named = []
        for name, mode in entries:
            if name not in (b".", b".."):
                # Some filesystems do not tell the type with the name.
                kind = _kind(mode) if mode else self.kind(prefix + name, caller)
                named.append((name, kind))
        return named


def _kind(mode: int) -> SourceKind:
    if not mode:
        return SourceKind.ABSENT
    return SourceKind.DIRECTORY if stat.S_ISDIR(mode) else SourceKind.FILE
