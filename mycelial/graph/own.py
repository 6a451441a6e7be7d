"""``python -m mycelial.graph.own``: forget what one user did, as he asked the mount of somebody else.

He says what in a JSON object on standard input, and is not trusted: "paths" (files and directories, relative
to the mount root), "since" and "before" (seconds since the epoch). What is missing says nothing, so {} means
everything of his.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

from mycelial.graph.forget import forget
from mycelial.graph.priority import stand_back
from mycelial.record.events import is_clean_path
from mycelial.store.errors import StoreError
from mycelial.store.forgetting import Selection


def main(arguments: list[str] | None = None) -> int:
    """Forget; return the exit code: 0 done, 1 it could not be, 2 nobody can want this."""
    parser = argparse.ArgumentParser(prog="python -m mycelial.graph.own", description=__doc__)
    parser.add_argument("--db", type=Path, required=True, help="the database")
    parser.add_argument("--uid", type=int, required=True, help="whose events")
    options = parser.parse_args(arguments)
    os.umask(0o077)
    stand_back(5)
    try:
        selection = selection_from(sys.stdin.buffer.read(), options.uid)
    except (ValueError, RecursionError) as error:
        print(error, file=sys.stderr)
        return 2
    try:
        forget(options.db, selection, live=True)
    except StoreError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def selection_from(wanted: bytes, uid: int) -> Selection:
    """Return what is wanted of this user's own events.

    Raises
    ------
    ValueError
        if it is not what can be wanted.
    """
    given = json.loads(wanted)
    if not isinstance(given, dict) or not given.keys() <= {"paths", "since", "before"}:
        raise ValueError("an object with paths, since and before")
    paths = given.get("paths", [])
    if not isinstance(paths, list) or not all(
        isinstance(path, str) and is_clean_path(path) for path in paths
    ):
        raise ValueError("paths: a list of paths below the mount root")
    return Selection(tuple(paths), _seconds(given, "since"), _seconds(given, "before"), uid)


def _seconds(given: dict[str, Any], name: str) -> float | None:
    value = given.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) < 1e15:
        raise ValueError(f"{name}: seconds since the epoch")
    return float(value)


if __name__ == "__main__":
    sys.exit(main())
