"""``python -m mycelial.graph``: the engine process, started by the mount."""

from __future__ import annotations

import sys

from mycelial.record.loading import loading


def main() -> int:
    """Run the engine; return its exit code."""
    with loading():
        from mycelial.graph.command import main as run
    return run()


if __name__ == "__main__":
    sys.exit(main())
