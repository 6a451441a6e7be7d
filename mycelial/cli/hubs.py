"""hubs: the files that most other work draws upon."""

from __future__ import annotations

from pathlib import Path

import click

from mycelial.cli import whole


@click.command()
@whole.of_a_directory
def hubs(directory: str, as_json: bool, limit: int, database: Path | None, uid: int | str | None) -> None:
    """The files that most other work draws upon.

    DIRECTORY is any path in a mount or in its source; without it, the working directory.
    """
    from mycelial.cli import through

    found = whole.ask(
        directory,
        database,
        uid,
        lambda place: through.hubs(place, limit),
        lambda answers: answers.hubs(limit),
    )
    whole.show(
        found,
        ("score", "files", "file"),
        lambda hub: (f"{hub.score:.1f}", str(hub.others or "-"), hub.path),
        as_json=as_json,
        nothing="no file is drawn upon by many others yet",
    )


COMMANDS = {"hubs": hubs}
