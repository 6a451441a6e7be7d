"""recent: what was used last."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from mycelial.cli import options, output
from mycelial.cli.place import locate
from mycelial.record.display import moment


@click.command()
@click.argument("directory", default=".")
@options.as_json
@options.limit
@options.database
@options.uid
def recent(directory: str, as_json: bool, limit: int, database: Path | None, uid: int | str | None) -> None:
    """The files used last, the latest first.

    DIRECTORY is any path in a mount or in its source; without it, the working directory.
    """
    place = locate(directory, database, foreign=True)
    if place.is_foreign:
        from mycelial.cli import through

        files = through.recent(place, limit)
    else:
        with options.open_answers(place, uid) as answers:
            files = answers.recent(limit)
    if as_json:
        output.print_json([asdict(file) for file in files])
    else:
        output.print_table(
            ("last", "op", "by", "file"),
            (
                (moment(file.t) if file.t else "-", file.op or "-", file.comm or "-", file.path)
                for file in files
            ),
        )


COMMANDS = {"recent": recent}
