"""The names and targets of entries, whatever files are called and whatever a database says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mycelial.record.events import text_of
from mycelial.views.entries import MOST, entry_name, link_target, numbered
from tests.unit.record_strategies import paths
from tests.unit.recorded import BO, MemorySource


@given(st.lists(paths, max_size=40))
def test_entries_are_numbered_without_gaps_or_doubles_and_few(found: list[str]) -> None:
    entries = numbered(found, MemorySource(tuple(found)), BO)
    assert [entry.name[:3] for entry in entries] == [b"%02d-" % (n + 1) for n in range(len(entries))]
    assert len({entry.path for entry in entries}) == len(entries) <= MOST


@pytest.mark.parametrize("path", ["../outside", "/etc/passwd", "a/../../b", "", ".", "a//b", "a\0"])
def test_a_path_that_leads_outside_gives_no_entry(path: str) -> None:
    assert numbered([path, "inside"], MemorySource((path, "inside")), BO) == numbered(
        ["inside"], MemorySource(("inside",)), BO
    )


def test_directories_give_no_entry() -> None:
    assert numbered(["a"], MemorySource(("a/b",)), BO) == ()


@given(st.integers(1, 20), st.binary(min_size=1, max_size=255).filter(lambda raw: b"/" not in raw))
def test_an_entry_keeps_the_bytes_of_the_name(rank: int, name: bytes) -> None:
    entry = entry_name(rank, b"dir/" + name)
    assert len(entry) <= 255
    assert (b"%02d-" % rank + name).startswith(entry)
    assert len(entry) == 3 + len(name) or len(entry) >= 252


def test_a_cut_goes_between_characters() -> None:
    assert entry_name(1, "ü".encode() * 127).decode() == "01-" + "ü" * 126


def test_a_target_longer_than_a_link_can_be_is_none() -> None:
    assert link_target("a" * 4089, 2) == b"../../" + b"a" * 4089
    assert link_target("a" * 4090, 2) is None


def test_a_target_keeps_bytes() -> None:
    assert link_target(text_of(b"\xff/a"), 3) == b"../../../\xff/a"
