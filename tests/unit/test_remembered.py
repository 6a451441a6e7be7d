"""Paths of four thousand letters, which anybody can make, take no more room than many short ones do."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from mycelial.record.events import Event, Op, Process
from mycelial.record.exclude import ExclusionRules
from mycelial.store import files, log
from mycelial.store.writer import Writer

COUNT = 2000
DIRECTORY = "/".join(["d" * 250] * 15)  # all together 8 MB


def memory_of(act: Callable[[str], object]) -> int:
    """Bytes that are left taken when each of many long paths was seen."""
    tracemalloc.start()
    try:
        for number in range(COUNT):
            act(f"{DIRECTORY}/{number}")
        return tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()


def test_whether_a_long_path_is_excluded_is_not_remembered() -> None:
    assert memory_of(ExclusionRules().excludes) < 1_000_000


def test_tables_remember_so_many_letters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (files, log):
        monkeypatch.setattr(module, "LETTERS", 500_000)
    writer = Writer(tmp_path / "events.db")
    process = Process(pid=7, ppid=1, comm="sh")

    def use(path: str) -> None:
        writer.begin()
        writer.files.use(path)
        writer.log.append(Event(1e9, Op.OPEN, path, process))
        writer.commit()

    use("first")
    assert memory_of(use) < 4_000_000
    writer.close()
