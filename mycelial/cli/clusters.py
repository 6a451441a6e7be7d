"""clusters: which files form one piece of work."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path

import click

from mycelial.cli import options, output
from mycelial.cli.place import locate

_SHOWN = 3  # members that a table names
_ALL = 1_000_000_000


@click.command()
@click.argument("directory", default=".")
@options.as_json
@options.limit
@options.database
@options.uid
def clusters(directory: str, as_json: bool, limit: int, database: Path | None, uid: int | str | None) -> None:
    """Which files form one piece of work, the largest first.

    DIRECTORY is any path in a mount or in its source; without it, the working directory.
    """
    place = locate(directory, database, foreign=True)
    if place.is_foreign:
        from mycelial.cli import through

        found = through.clusters(place, _ALL if as_json else limit)
    else:
        with options.open_answers(place, uid) as answers:
            found = answers.clusters(_ALL if as_json else limit, _ALL)
    if as_json:
        output.print_json([asdict(cluster) for cluster in found])
    elif not found:
        print("no piece of work stands out yet", file=sys.stderr)
    else:
        output.print_table(
            ("id", "files", "label", "most used"),
            ((str(c.id), str(len(c.members)), c.label, ", ".join(c.members[:_SHOWN])) for c in found),
        )


COMMANDS = {"clusters": clusters}
