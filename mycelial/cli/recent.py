"""recent: what was used last."""

from __future__ import annotations

from pathlib import Path

import click

from mycelial.cli import whole
from mycelial.record.display import moment


@click.command()
@whole.of_a_directory
def recent(directory: str, as_json: bool, limit: int, database: Path | None, uid: int | str | None) -> None:
    """The files used last, the latest first.

    DIRECTORY is any path in a mount or in its source; without it, the working directory.
    """
    from mycelial.cli import through

    found = whole.ask(
        directory,
        database,
        uid,
        lambda place: through.recent(place, limit),
        lambda answers: answers.recent(limit),
    )
    whole.show(
        found,
        ("last", "op", "by", "file"),
        lambda file: (moment(file.t) if file.t else "-", file.op or "-", file.comm or "-", file.path),
        as_json=as_json,
        nothing="nothing was used yet",
    )


COMMANDS = {"recent": recent}
