"""``python -m mycelial.graph.looking``: looks at the whole, beside an engine or at the end of a replay.

It loads what it needs to look, and nothing of what takes in events.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import resource
import signal
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mycelial.graph.priority import stand_back
from mycelial.record.loading import loading
from mycelial.store.clusters import Hub, Named, Structure
from mycelial.store.errors import StoreError

MEMORY = 4 << 30
"""Bytes of address space that the process may take on top of what it begins with."""

LOWEST = 19
"""How far a process stands back that looks while people work."""

LONGEST = 1800
"""Seconds after which the process ends in any case."""


def to_json(structure: Structure) -> str:
    """Return what was found as one line."""
    clusters = [
        [cluster.id, cluster.uid, cluster.label, cluster.named, *map(list, _columns(cluster))]
        for cluster in structure.clusters
    ]
    return json.dumps({"clusters": clusters, "hubs": [asdict(hub) for hub in structure.hubs]})


def from_json(text: str | bytes) -> Structure:
    """Return what :func:`to_json` was given."""
    found: dict[str, Any] = json.loads(text)
    return Structure(
        tuple(
            Named(number, uid, label, named, dict(zip(files, ranks, strict=True)))
            for number, uid, label, named, files, ranks in found["clusters"]
        ),
        tuple(Hub(**hub) for hub in found["hubs"]),
    )


def _columns(cluster: Named) -> tuple[tuple[int, ...], tuple[int, ...]]:
    return tuple(cluster.ranks), tuple(cluster.ranks.values())


def _limit_memory() -> None:
    begun_with = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    limit = begun_with + MEMORY
    resource.setrlimit(
        resource.RLIMIT_AS, (limit if hard == resource.RLIM_INFINITY else min(limit, hard), hard)
    )


def main(arguments: list[str] | None = None) -> int:
    """Look at the whole and print what was found; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m mycelial.graph.looking", description=__doc__)
    parser.add_argument("--db", type=Path, required=True, help="the database")
    parser.add_argument(
        "--nice", type=int, default=LOWEST, help="how far to stand back (default: %(default)s)"
    )
    options = parser.parse_args(arguments)
    db = options.db
    stand_back(options.nice)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.alarm(LONGEST)
    _limit_memory()
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")
    with loading():  # what needs networkx, here only: the engine itself never does
        from mycelial.graph.structure import find_structure
        from mycelial.store.past import Past

    try:
        with Past.open(db) as past:
            sys.stdout.write(to_json(find_structure(past)))
    except (StoreError, MemoryError) as problem:
        print(f"mycelial engine: pieces of work cannot be looked for: {problem!r}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
