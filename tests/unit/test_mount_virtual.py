"""What the mount keeps of the virtual tree, when somebody looks up more than anybody needs."""

from __future__ import annotations

import pytest

from mycelial import core
from mycelial.mount import virtual
from mycelial.mount.virtual import VirtualTree
from mycelial.views.node import Caller, Directory

CALLER = Caller(1234, 1234, ())
DIRECTORY = Directory(list)


def test_names_that_nobody_uses_any_longer_are_let_go_of(monkeypatch: pytest.MonkeyPatch) -> None:
    tree = VirtualTree(None, lambda: None, None, timeout=0)
    top = tree._enter(CALLER, (), DIRECTORY)
    search = tree._enter(CALLER, (b"search",), DIRECTORY)
    used = tree._enter(CALLER, (b"search", b"used"), DIRECTORY)
    most = 0

    def kernel_drops(parent: int, name: bytes, *, ignore_enoent: bool) -> None:
        """What the kernel does with a name; an inode that a program uses it keeps."""
        assert ignore_enoent
        assert parent in (top.number, search.number)
        inode = tree._by_key.get((CALLER, (b"search", name), b""))
        if inode is not None and inode is not used:
            forgotten.append((inode.number, inode.lookups))

    forgotten: list[tuple[int, int]] = []
    monkeypatch.setattr(virtual.pyfuse3, "invalidate_entry_async", kernel_drops)
    monkeypatch.setattr(core, "take_forgets", lambda: [forgotten.pop() for _ in range(len(forgotten))])
    for number in range(3 * virtual._INODES):
        tree._enter(CALLER, (b"search", b"%d" % number), DIRECTORY)
        tree._forget_what_the_kernel_forgot()
        most = max(most, len(tree._inodes))
    assert most <= virtual._INODES + virtual._LET_GO
    for inode in (top, search, used):
        assert tree._inodes[inode.number] is inode
