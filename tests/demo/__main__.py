"""`python -m tests.demo`, which tests/demo/run starts."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tests.demo.place import DemoError, Place, own_directory, prepare, unmount
from tests.demo.tour import tour


def main() -> int:
    """Exit codes: 0 all claims hold, 1 one does not or the demo cannot run."""
    parser = argparse.ArgumentParser(
        prog="tests/demo/run", description="Show on real work what Mycelial notices."
    )
    parser.add_argument(
        "--mountpoint", type=Path, help="mount here (default: in a directory of the demo's own)"
    )
    parser.add_argument("--unmount", action="store_true", help="leave nothing mounted")
    arguments = parser.parse_args()
    try:
        with own_directory() as base:
            place = Place(base, (arguments.mountpoint or base / "live").absolute())
            prepare(place)
            try:
                tour(place)
            finally:
                if arguments.unmount:
                    unmount(place.mountpoint)
    except DemoError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("demo: interrupted", file=sys.stderr)
        return 130
    return 0


sys.exit(main())
