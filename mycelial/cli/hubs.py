"""hubs: the files that most other work draws upon."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path

import click

from mycelial.cli import options, output
from mycelial.cli.place import locate


@click.command()
@click.argument("directory", default=".")
@options.as_json
@options.limit
@options.database
@options.uid
def hubs(directory: str, as_json: bool, limit: int, database: Path | None, uid: int | str | None) -> None:
    """The files that most other work draws upon.

    DIRECTORY is any path in a mount or in its source; without it, the working directory.
    """
    place = locate(directory, database, foreign=True)
    if place.is_foreign:
        from mycelial.cli import through

        found = through.hubs(place, limit)
    else:
        with options.open_answers(place, uid) as answers:
            found = answers.hubs(limit)
    if as_json:
        output.print_json([asdict(hub) for hub in found])
    elif not found:
        print("no file is drawn upon by many others yet", file=sys.stderr)
    else:
        output.print_table(
            ("score", "files", "file"),
            ((f"{hub.score:.1f}", str(hub.others or "-"), hub.path) for hub in found),
        )


COMMANDS = {"hubs": hubs}
