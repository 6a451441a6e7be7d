"""Protocol adapter only: pyfuse3's requests for the virtual tree, turned into questions to `mycelial.views`.

Requests for real files never come here; the C core answers them. What is virtual differs from caller to
caller: each user has inodes of his own, and where several may enter, the kernel may not keep an entry at all.
What needs the store is answered in threads, so that the loop goes on.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import itertools
import logging
import os
import stat
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

import pyfuse3
import trio

from mycelial import core
from mycelial.views.node import Caller, Children, Kind, Link, Node, StoreNeeded, Text

if TYPE_CHECKING:
    from mycelial.mount.wishes import Wishes
    from mycelial.views.tree import Tree

log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

_THREADS = 4
_INODES = 20_000
"""How many are kept for the kernel, which lets go of one only when memory is short: any word is one."""

_LET_GO = 1_000
"""How many of the oldest the kernel is asked to let go of then. Before Linux 6.18 it cannot be asked."""

_AT_MOST = 500_000
"""How many one user may have the kernel remember; each takes some 700 bytes here, and more there."""

_MODES = {
    Kind.DIRECTORY: stat.S_IFDIR | 0o755,  # who tries to write is told EROFS, as on any read-only filesystem
    Kind.LINK: stat.S_IFLNK | 0o777,
    Kind.TEXT: stat.S_IFREG | 0o644,
}


def _guarded(
    handler: Callable[Concatenate[VirtualTree, P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate[VirtualTree, P], Coroutine[Any, Any, T]]:
    """Let nothing but FUSEError out: pyfuse3 would end the mount."""

    @functools.wraps(handler)
    async def guarded(self: VirtualTree, /, *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await handler(self, *args, **kwargs)
        except (pyfuse3.FUSEError, trio.Cancelled):
            raise
        except OSError as problem:
            raise pyfuse3.FUSEError(problem.errno or errno.EIO) from None
        except Exception:
            log.exception("the virtual tree failed in %s", handler.__name__)
            raise pyfuse3.FUSEError(errno.EIO) from None

    return guarded


@dataclass(slots=True)
class _Inode:
    """One node as one caller sees it. `lookups` is what the kernel holds."""

    number: int
    key: tuple[Caller, tuple[bytes, ...], bytes]
    caller: Caller
    path: tuple[bytes, ...]
    node: Node
    lookups: int = 0
    listing: Children | None = None  # read last, where the kernel opens no directory


def _mode(child: Kind | Link) -> int:
    return _MODES[child.kind if isinstance(child, Link) else child]


def _children(node: Node | None) -> Children:
    if node is None:
        raise pyfuse3.FUSEError(errno.ENOENT)
    if isinstance(node, (Link, Text)):
        raise pyfuse3.FUSEError(errno.ENOTDIR)
    return node.children()


class VirtualTree(pyfuse3.Operations):
    """Answers what the core leaves to Python: virtual inodes, the way into them, and virtual attributes."""

    supports_dot_lookup = False
    enable_writeback_cache = False
    enable_acl = True  # or the kernel would judge by mode bits alone

    def __init__(
        self,
        tree: Tree | None,
        on_ready: Callable[[], None],
        wishes: Wishes | None,
        settle: Callable[[], Awaitable[None]],
        *,
        timeout: float,
        lists_unasked: bool = False,
    ) -> None:
        """`tree` is None where the core leaves nothing of it to be asked.

        `timeout` is how long the kernel may keep an entry, in seconds: 0 where several users may enter.

        `lists_unasked`: the kernel reads directories without opening them, and keeps what it read for as long
        as the directory's modification time is the same.
        `wishes` is None where nothing is recorded; `settle` lets all that happened until now reach the store.
        """
        super().__init__()
        self._wishes = wishes
        self._settle = settle
        self._tree = tree
        self._timeout = timeout
        self._lists_unasked = lists_unasked
        self._on_ready = on_ready
        self._inodes: dict[int, _Inode] = {}
        self._by_key: dict[tuple[Caller, tuple[bytes, ...], bytes], _Inode] = {}
        self._open_texts: dict[int, bytes] = {}
        self._held: Counter[int] = Counter()  # by user
        self._next_number = 1
        self._let_go_at = 0
        self._threads = trio.CapacityLimiter(_THREADS)
        self._began_ns = time.time_ns()

    def init(self) -> None:
        self._on_ready()

    # ---- inodes

    def _caller(self, ctx: pyfuse3.RequestContext) -> Caller:
        groups = core.groups_of(ctx.pid) if os.geteuid() == 0 and ctx.uid != 0 else ()
        return Caller(ctx.uid, ctx.gid, groups)

    def _inode(self, number: int) -> _Inode:
        try:
            return self._inodes[number]
        except KeyError:
            raise pyfuse3.FUSEError(errno.ESTALE) from None

    def _number(self) -> int:
        self._next_number += 1
        return core.VIRTUAL_BIT | self._next_number

    def _enter(self, caller: Caller, path: tuple[bytes, ...], node: Node) -> _Inode:
        """Return the inode of a node that was found, counted as looked up once more."""
        # The kernel keeps the target of a link: another target is another inode.
        key = (caller, path, node.target if isinstance(node, Link) else b"")
        inode = self._by_key.get(key)
        if inode is None:
            if self._has_his_fill(caller):
                raise pyfuse3.FUSEError(errno.ENOMEM)
            self._held[caller.uid] += 1
            number = self._number()
            inode = self._by_key[key] = self._inodes[number] = _Inode(number, key, caller, path, node)
            if len(self._inodes) > _INODES and number >= self._let_go_at:
                self._let_go_of_the_oldest()
                self._let_go_at = number + _LET_GO // 2
        inode.node = node
        inode.lookups += 1
        return inode

    def _has_his_fill(self, caller: Caller) -> bool:
        return self._held[caller.uid] >= _AT_MOST

    def _let_go_of_the_oldest(self) -> None:
        """Ask the kernel to forget names looked up long ago. Those in use stay, and are the newest then."""
        oldest = list(itertools.islice(self._inodes, _LET_GO))
        for number in oldest:
            self._inodes[number] = self._inodes.pop(number)
        with contextlib.suppress(OSError):
            core.let_go(oldest[::-1])  # what is in a directory before the directory

    def _forget_what_the_kernel_forgot(self) -> None:
        for number, lookups in core.take_forgets():
            if (inode := self._inodes.get(number)) is not None:
                self._forget(inode, lookups)

    def _forget(self, inode: _Inode, lookups: int) -> None:
        inode.lookups -= lookups
        if inode.lookups <= 0:
            del self._inodes[inode.number], self._by_key[inode.key]
            self._held[inode.caller.uid] -= 1

    def _attributes(self, inode: _Inode) -> pyfuse3.EntryAttributes:
        entry = pyfuse3.EntryAttributes()
        entry.st_ino = pyfuse3.InodeT(inode.number)
        entry.st_mode = pyfuse3.ModeT(_MODES[inode.node.kind])
        entry.st_nlink = 2 if inode.node.kind is Kind.DIRECTORY else 1
        entry.st_uid, entry.st_gid = inode.caller.uid, inode.caller.gid
        match inode.node:
            case Text(content=content):
                entry.st_size = len(content)
            case Link(target=target):
                entry.st_size = len(target)
            case _:
                entry.st_size = 0
        entry.st_atime_ns = entry.st_mtime_ns = entry.st_ctime_ns = self._began_ns
        entry.attr_timeout = entry.entry_timeout = self._timeout
        if self._lists_unasked and inode.node.kind is Kind.DIRECTORY:
            entry.st_mtime_ns, entry.attr_timeout = time.time_ns(), 0
        return entry

    async def _ask(self, question: Callable[[Tree], T]) -> T:
        """Answer at once what is at hand, as the way to a thread takes longer; else in one: it may last."""
        tree = self._tree
        if tree is None:
            raise pyfuse3.FUSEError(errno.ENOENT)
        with contextlib.suppress(StoreNeeded):
            return tree.at_once(lambda: question(tree))
        await self._settle()
        return await trio.to_thread.run_sync(lambda: question(tree), limiter=self._threads)

    async def _find(self, path: tuple[bytes, ...], caller: Caller) -> Node:
        node = await self._ask(lambda tree: tree.find(path, caller))
        if node is None:
            raise pyfuse3.FUSEError(errno.ENOENT)
        return node

    # ---- requests

    @_guarded
    async def lookup(
        self, parent_inode: pyfuse3.InodeT, name: pyfuse3.FileNameT, ctx: pyfuse3.RequestContext
    ) -> pyfuse3.EntryAttributes:
        self._forget_what_the_kernel_forgot()
        caller = self._caller(ctx)
        # From a real directory only one name leads here: the view directory, found by the core.
        path = (*self._inode(parent_inode).path, name) if parent_inode & core.VIRTUAL_BIT else ()
        tree = self._tree
        if (
            tree is not None and not path and (caller, path, b"") not in self._by_key
        ):  # about to ask something
            trio.lowlevel.start_thread_soon(lambda: tree.prepare(caller), lambda _: None)
        return self._attributes(self._enter(caller, path, await self._find(path, caller)))

    @_guarded
    async def getattr(self, inode: pyfuse3.InodeT, ctx: pyfuse3.RequestContext) -> pyfuse3.EntryAttributes:
        return self._attributes(self._inode(inode))

    @_guarded
    async def setattr(
        self,
        inode: pyfuse3.InodeT,
        attr: pyfuse3.EntryAttributes,
        fields: pyfuse3.SetattrFields,
        fh: pyfuse3.FileHandleT | None,
        ctx: pyfuse3.RequestContext,
    ) -> pyfuse3.EntryAttributes:
        raise pyfuse3.FUSEError(errno.EROFS)

    @_guarded
    async def readlink(self, inode: pyfuse3.InodeT, ctx: pyfuse3.RequestContext) -> pyfuse3.FileNameT:
        match self._inode(inode).node:
            case Link(target=target):
                return pyfuse3.FileNameT(target)
            case _:
                raise pyfuse3.FUSEError(errno.EINVAL)

    @_guarded
    async def open(
        self, inode: pyfuse3.InodeT, flags: pyfuse3.FlagT, ctx: pyfuse3.RequestContext
    ) -> pyfuse3.FileInfo:
        if flags & os.O_ACCMODE != os.O_RDONLY or flags & os.O_TRUNC:
            raise pyfuse3.FUSEError(errno.EROFS)
        found = self._inode(inode)
        node = await self._find(found.path, self._caller(ctx))  # who may have got here by another's directory
        if not isinstance(node, Text):
            raise pyfuse3.FUSEError(errno.EISDIR)
        handle = self._number()
        self._open_texts[handle] = node.content
        return pyfuse3.FileInfo(fh=pyfuse3.FileHandleT(handle), direct_io=True, keep_cache=False)

    @_guarded
    async def read(self, fh: pyfuse3.FileHandleT, off: int, size: int) -> bytes:
        return self._open_texts[fh][off : off + size]

    @_guarded
    async def flush(self, fh: pyfuse3.FileHandleT) -> None:
        pass

    @_guarded
    async def release(self, fh: pyfuse3.FileHandleT) -> None:
        del self._open_texts[fh]

    @_guarded
    async def opendir(self, inode: pyfuse3.InodeT, ctx: pyfuse3.RequestContext) -> pyfuse3.FileHandleT:
        """The core has the rest: it hands out what it is given here."""
        self._forget_what_the_kernel_forgot()
        found = self._inode(inode)
        caller = self._caller(ctx)  # who may have got here by another's directory
        listed = []
        for name, child in await self._list(found.path, caller):
            if isinstance(child, Link) and self._timeout and not self._has_his_fill(caller):
                # With all that `ls -l` will ask for.
                number = self._enter(caller, (*found.path, name), child).number
                listed.append((name, number, _MODES[Kind.LINK], len(child.target)))
            else:
                listed.append((name, 0, _mode(child), 0))
        listing = core.new_listing(listed, caller.uid, caller.gid, self._began_ns, self._timeout)
        return pyfuse3.FileHandleT(listing)

    async def _list(self, path: tuple[bytes, ...], caller: Caller) -> Children:
        children = await self._ask(lambda tree: _children(tree.find(path, caller)))
        return [(b".", Kind.DIRECTORY), (b"..", Kind.DIRECTORY), *children]

    @_guarded
    async def readdir(self, fh: pyfuse3.FileHandleT, start_id: int, token: pyfuse3.ReaddirToken) -> None:
        """Read a directory that nobody opened: `fh` is its inode."""
        inode = self._inode(fh)
        if inode.listing is None or start_id == 0:
            inode.listing = await self._list(inode.path, inode.caller)
        for position in range(start_id, len(inode.listing)):
            name, child = inode.listing[position]
            entry = pyfuse3.EntryAttributes()
            entry.st_mode = pyfuse3.ModeT(_mode(child))
            entry.st_ino = pyfuse3.InodeT(core.VIRTUAL_BIT | position + 1)
            entry.generation = 1  # for the core: listed only; the kernel looks it up when somebody goes there
            if not pyfuse3.readdir_reply(token, pyfuse3.FileNameT(name), entry, position + 1):
                break

    @_guarded
    async def unlink(
        self, parent_inode: pyfuse3.InodeT, name: pyfuse3.FileNameT, ctx: pyfuse3.RequestContext
    ) -> None:
        if not parent_inode & core.VIRTUAL_BIT:
            raise pyfuse3.FUSEError(errno.EROFS)  # the view directory itself
        caller, path = self._caller(ctx), (*self._inode(parent_inode).path, name)
        pair = await self._ask(lambda tree: tree.unrelated(path, caller))
        if pair is None or self._wishes is None:
            raise pyfuse3.FUSEError(errno.EROFS)
        await self._wishes.mute(caller.uid, *pair)
        await self._ask(lambda tree: tree.hide(path, caller))

    # ---- extended attributes

    @_guarded
    async def getxattr(
        self, inode: pyfuse3.InodeT, name: pyfuse3.XAttrNameT, ctx: pyfuse3.RequestContext
    ) -> bytes:
        # In the tree, too, somebody may want to know which mount this is: its root has nothing else to tell.
        path = b"" if inode & core.VIRTUAL_BIT else core.path_of(inode)
        if path is None:
            raise pyfuse3.FUSEError(errno.ENODATA)
        caller = self._caller(ctx)
        await self._settle()  # commands look here first, and then into the database by themselves
        value = await self._ask(lambda tree: tree.xattr(name, path, caller))
        if value is None:
            raise pyfuse3.FUSEError(errno.ENODATA)
        return value

    @_guarded
    async def removexattr(
        self, inode: pyfuse3.InodeT, name: pyfuse3.XAttrNameT, ctx: pyfuse3.RequestContext
    ) -> None:
        await self._wishes_at(inode).unset(ctx.uid, name)

    @_guarded
    async def setxattr(
        self,
        inode: pyfuse3.InodeT,
        name: pyfuse3.XAttrNameT,
        value: bytes,
        ctx: pyfuse3.RequestContext,
    ) -> None:
        await self._wishes_at(inode).set(ctx.uid, name, value)

    def _wishes_at(self, inode: pyfuse3.InodeT) -> Wishes:
        """Only the view directory itself takes any."""
        if self._wishes is None or not inode & core.VIRTUAL_BIT or self._inode(inode).path:
            raise pyfuse3.FUSEError(errno.EROFS)
        return self._wishes

    @_guarded
    async def listxattr(
        self, inode: pyfuse3.InodeT, ctx: pyfuse3.RequestContext
    ) -> Sequence[pyfuse3.XAttrNameT]:
        return []
