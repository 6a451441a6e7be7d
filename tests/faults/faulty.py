"""``python -m tests.faults.faulty MOUNTPOINT``: a filesystem whose files fail in chosen ways.

Each file fails as its name says; all else works, in memory. It stands for a disk that cannot be had in a
test: with a block that cannot be read, over quota, full for ordinary users, or slow.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
import time

import pyfuse3
import trio

SIZE = 1 << 20
BAD_BLOCK = range(256 << 10, 260 << 10)
"""Which bytes of ``bad-block`` cannot be read."""

NAMES = (b"bad-block", b"over-quota", b"full", b"lost-at-fsync", b"lost-at-close", b"well")
NAMES += (b"slow", b"quick", b"held", b"let-go", b"late-stat", b"early-stat", b"late-open", b"early-open")
"""What is read, written, cut or synced of ``slow`` waits for that of ``quick``; then ``asked`` is. Whoever
closes ``held`` waits in the same way until somebody closes ``let-go``. Whoever looks at ``late-stat`` or
opens ``late-open`` waits for him who does that with ``early-stat`` or ``early-open``."""

WAITING = {
    "close": (b"held", b"let-go"),
    "stat": (b"late-stat", b"early-stat"),
    "open": (b"late-open", b"early-open"),
}

PATIENCE = int(os.environ.get("FAULTY_PATIENCE", "30"))
"""Seconds after which that fails."""

LARGE = (b"bad-block", b"slow", b"quick")
ROOM = 8192
"""Bytes that ``full`` and ``over-quota`` have room for."""


class Faulty(pyfuse3.Operations):
    """Files by number: inode 2 is the first of `NAMES`."""

    def __init__(self) -> None:
        super().__init__()
        self.changed = dict.fromkeys(NAMES, 0)
        self.contents = {name: bytearray(SIZE if name in LARGE else 0) for name in NAMES}
        self.asked = False
        self.done = {
            "read": trio.Event(),
            "write": trio.Event(),
            "truncate": trio.Event(),
            "fsync": trio.Event(),
            "close": trio.Event(),
            "stat": trio.Event(),
            "open": trio.Event(),
        }

    def _name(self, inode: int) -> bytes:
        return NAMES[inode - 2]

    async def _is_done(self, inode: int, what: str) -> None:
        waiting, other = WAITING.get(what, (b"slow", b"quick"))
        if self._name(inode) == other:
            self.done[what].set()
        if self._name(inode) == waiting:
            self.asked = True
            with trio.move_on_after(PATIENCE):
                await self.done[what].wait()
                return
            raise pyfuse3.FUSEError(errno.ETIMEDOUT)

    def _fails(self, inode: int, name: bytes, error: int) -> None:
        if self._name(inode) == name:
            raise pyfuse3.FUSEError(error)

    async def getattr(
        self, inode: pyfuse3.InodeT, ctx: pyfuse3.RequestContext | None = None
    ) -> pyfuse3.EntryAttributes:
        entry = pyfuse3.EntryAttributes()
        entry.st_ino = inode
        entry.attr_timeout = 0  # asked for again, other than names one at a time
        if ctx and inode != pyfuse3.ROOT_INODE:
            await self._is_done(inode, "stat")
        entry.st_uid, entry.st_gid = os.geteuid(), os.getegid()
        if inode == pyfuse3.ROOT_INODE:
            entry.st_mode = pyfuse3.ModeT(stat.S_IFDIR | 0o755)
        else:
            entry.st_mode = pyfuse3.ModeT(stat.S_IFREG | 0o644)
            entry.st_size = len(self.contents[self._name(inode)])
            entry.st_mtime_ns = entry.st_ctime_ns = self.changed[self._name(inode)]
        entry.st_nlink = 1
        return entry

    async def setattr(
        self,
        inode: pyfuse3.InodeT,
        attr: pyfuse3.EntryAttributes,
        fields: pyfuse3.SetattrFields,
        fh: pyfuse3.FileHandleT | None,
        ctx: pyfuse3.RequestContext,
    ) -> pyfuse3.EntryAttributes:
        if fields.update_size:
            await self._is_done(inode, "truncate")
            content = self.contents[self._name(inode)]
            del content[attr.st_size :]
            content.extend(bytes(attr.st_size - len(content)))
        return await self.getattr(inode, ctx)

    async def lookup(
        self, parent_inode: pyfuse3.InodeT, name: pyfuse3.FileNameT, ctx: pyfuse3.RequestContext
    ) -> pyfuse3.EntryAttributes:
        if name == b"asked" and self.asked:
            name = pyfuse3.FileNameT(b"quick")
        if name not in NAMES:
            raise pyfuse3.FUSEError(errno.ENOENT)
        inode = pyfuse3.InodeT(NAMES.index(name) + 2)
        return await self.getattr(inode)

    async def opendir(self, inode: pyfuse3.InodeT, ctx: pyfuse3.RequestContext) -> pyfuse3.FileHandleT:
        return pyfuse3.FileHandleT(inode)

    async def readdir(self, fh: pyfuse3.FileHandleT, start_id: int, token: pyfuse3.ReaddirToken) -> None:
        for number, name in enumerate(NAMES):
            if number < start_id:
                continue
            entry = await self.getattr(pyfuse3.InodeT(number + 2))
            if not pyfuse3.readdir_reply(token, pyfuse3.FileNameT(name), entry, number + 1):
                return

    async def open(
        self, inode: pyfuse3.InodeT, flags: pyfuse3.FlagT, ctx: pyfuse3.RequestContext
    ) -> pyfuse3.FileInfo:
        await self._is_done(inode, "open")
        return pyfuse3.FileInfo(fh=pyfuse3.FileHandleT(inode), keep_cache=False)

    async def read(self, fh: pyfuse3.FileHandleT, off: int, size: int) -> bytes:
        if self._name(fh) == b"bad-block" and off < BAD_BLOCK.stop and off + size > BAD_BLOCK.start:
            raise pyfuse3.FUSEError(errno.EIO)
        await self._is_done(fh, "read")
        return bytes(self.contents[self._name(fh)][off : off + size])

    async def write(self, fh: pyfuse3.FileHandleT, off: int, buf: bytes) -> int:
        if off + len(buf) > ROOM:
            self._fails(fh, b"over-quota", errno.EDQUOT)
            self._fails(fh, b"full", errno.ENOSPC)
        await self._is_done(fh, "write")
        self.changed[self._name(fh)] = time.time_ns()
        content = self.contents[self._name(fh)]
        content.extend(bytes(max(0, off + len(buf) - len(content))))
        content[off : off + len(buf)] = buf
        return len(buf)

    async def fsync(self, fh: pyfuse3.FileHandleT, datasync: bool) -> None:
        self._fails(fh, b"lost-at-fsync", errno.EIO)
        await self._is_done(fh, "fsync")

    async def flush(self, fh: pyfuse3.FileHandleT) -> None:
        self._fails(fh, b"lost-at-close", errno.EDQUOT)
        await self._is_done(fh, "close")

    async def release(self, fh: pyfuse3.FileHandleT) -> None:
        pass


def main(mountpoint: str) -> None:
    pyfuse3.init(Faulty(), mountpoint, {"fsname=faulty", "default_permissions"})
    try:
        trio.run(pyfuse3.main)
    finally:
        pyfuse3.close(unmount=True)


if __name__ == "__main__":
    main(sys.argv[1])
