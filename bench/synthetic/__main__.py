"""Makes a log or a database of any size: `python -m bench.synthetic --help`."""

from __future__ import annotations

import argparse
import gzip
import sys
from pathlib import Path

from bench.synthetic.database import UID, fill
from bench.synthetic.work import events
from mycelial.record.jsonl import event_to_json


def main() -> int:
    """Returns the exit code: 0 done, 1 it could not."""
    parser = argparse.ArgumentParser(prog="python -m bench.synthetic", description=__doc__)
    commands = parser.add_subparsers(dest="kind", required=True)
    log = commands.add_parser("log", help="a log for `mycelial replay`; compressed if its name ends in .gz")
    log.add_argument("events", type=int)
    log.add_argument("path", type=Path)
    log.add_argument("--files", type=int, default=200_000)
    log.add_argument("--seed", type=int, default=1)
    database = commands.add_parser("database", help="a database with relations")
    database.add_argument("files", type=int)
    database.add_argument("path", type=Path)
    database.add_argument("--relations", type=int, help="default: ten a file")
    database.add_argument("--uid", type=int, default=UID, help=f"whose they are (default: {UID})")
    arguments = parser.parse_args()
    if arguments.path.exists():
        print(f"{arguments.path} is there already; remove it first", file=sys.stderr)
        return 1
    if arguments.kind == "log":
        write_log(arguments.path, arguments.events, arguments.files, arguments.seed)
    else:
        fill(
            arguments.path, arguments.files, arguments.relations or 10 * arguments.files, arguments.uid, _tell
        )
    return 0


def write_log(path: Path, count: int, files: int, seed: int = 1) -> None:
    """Writes `count` events, one JSON object a line."""
    packed = path.suffix == ".gz"
    with gzip.open(path, "wt", compresslevel=1) if packed else open(path, "w") as output:
        for event in events(count, files, seed):
            output.write(event_to_json(event) + "\n")


def _tell(files: int) -> None:
    if sys.stderr.isatty():
        print(f"\r{files} files", end="", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
