"""What lies beside a piece of work is joined to it, and what lies beside none costs next to nothing."""

from __future__ import annotations

import tracemalloc

from mycelial.graph.adoption import adopt
from mycelial.graph.communities import Community


def test_a_file_on_its_own_is_joined_to_the_work_beside_it() -> None:
    paths = {number: f"work/file {number}" for number in range(10)} | {10: "else/where"}
    found = adopt([Community(dict.fromkeys(range(8), 1.0))], [8, 9, 10], paths)
    assert [sorted(community.files) for community in found] == [list(range(10))]


def test_files_on_their_own_take_little_memory() -> None:
    paths = {number: f"a/b/c/{number % 10}/file {number}" for number in range(5000)}
    tracemalloc.start()
    try:
        assert adopt([], paths, paths) == []
        assert tracemalloc.get_traced_memory()[1] < 200 * len(paths)
    finally:
        tracemalloc.stop()
