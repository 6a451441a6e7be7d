"""clusters: which files form one piece of work."""

from __future__ import annotations

from pathlib import Path

import click

from mycelial.cli import whole

_SHOWN = 3  # members that a table names
_ALL = 1_000_000_000


@click.command()
@whole.of_a_directory
def clusters(directory: str, as_json: bool, limit: int, database: Path | None, uid: int | str | None) -> None:
    """Which files form one piece of work, the largest first.

    DIRECTORY is any path in a mount or in its source; without it, the working directory.
    """
    from mycelial.cli import through

    most = _ALL if as_json else limit
    found = whole.ask(
        directory,
        database,
        uid,
        lambda place: through.clusters(place, most),
        lambda answers: answers.clusters(most, _ALL),
    )
    whole.show(
        found,
        ("id", "files", "label", "most used"),
        lambda c: (str(c.id), str(len(c.members)), c.label, ", ".join(c.members[:_SHOWN])),
        as_json=as_json,
        nothing="no piece of work stands out yet",
    )


COMMANDS = {"clusters": clusters}
