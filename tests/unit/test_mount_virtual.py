"""What the mount keeps of the virtual tree, when somebody looks up more than anybody needs."""

from __future__ import annotations

import errno

import pytest
import trio

from mycelial import core
from mycelial.mount import virtual
from mycelial.mount.virtual import VirtualTree
from mycelial.views.node import Caller, Directory

CALLER = Caller(1234, 1234, ())
DIRECTORY = Directory(list)


def test_names_that_nobody_uses_any_longer_are_let_go_of(monkeypatch: pytest.MonkeyPatch) -> None:
    tree = VirtualTree(None, lambda: None, None, trio.lowlevel.checkpoint, timeout=0)
    top = tree._enter(CALLER, (), DIRECTORY)
    search = tree._enter(CALLER, (b"search",), DIRECTORY)
    used = tree._enter(CALLER, (b"search", b"used"), DIRECTORY)
    most = 0

    def kernel_lets_go(numbers: list[int]) -> None:
        """What the kernel does; it keeps an inode in use, and a directory with names in it."""
        for number in numbers:
            inode = tree._inodes[number]
            if inode not in (top, search, used):
                forgotten.append((inode.number, inode.lookups))

    forgotten: list[tuple[int, int]] = []
    monkeypatch.setattr(core, "let_go", kernel_lets_go)
    monkeypatch.setattr(core, "take_forgets", lambda: [forgotten.pop() for _ in range(len(forgotten))])
    for number in range(3 * virtual._INODES):
        tree._enter(CALLER, (b"search", b"%d" % number), DIRECTORY)
        tree._forget_what_the_kernel_forgot()
        most = max(most, len(tree._inodes))
    assert most <= virtual._INODES + virtual._LET_GO
    for inode in (top, search, used):
        assert tree._inodes[inode.number] is inode


def test_a_user_who_has_his_fill_of_names_gets_no_more_and_others_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where the kernel cannot be asked to forget, and forgets nothing by itself."""
    monkeypatch.setattr(virtual, "_AT_MOST", 100)
    monkeypatch.setattr(core, "take_forgets", lambda: [(first.number, 1)])
    tree = VirtualTree(None, lambda: None, None, trio.lowlevel.checkpoint, timeout=0)
    first = tree._enter(CALLER, (b"search", b"0"), DIRECTORY)
    for number in range(1, 100):
        tree._enter(CALLER, (b"search", b"%d" % number), DIRECTORY)
    with pytest.raises(virtual.pyfuse3.FUSEError) as refused:
        tree._enter(CALLER, (b"search", b"more"), DIRECTORY)
    assert refused.value.errno == errno.ENOMEM
    tree._enter(CALLER, (b"search", b"1"), DIRECTORY)
    tree._enter(Caller(1235, 1235, ()), (b"search", b"more"), DIRECTORY)
    tree._forget_what_the_kernel_forgot()
    tree._enter(CALLER, (b"search", b"more"), DIRECTORY)
