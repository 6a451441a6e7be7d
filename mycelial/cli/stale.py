"""stale: products that are older than what they were made from."""

from __future__ import annotations

from pathlib import Path

import click

from mycelial.cli import options, whole
from mycelial.cli.place import Place, locate
from mycelial.record.display import moment
from mycelial.store.stale import Stale


@click.command()
@click.argument("directory", default=".")
@options.as_json
@options.at_most
@options.database
@options.uid
def stale(
    directory: str, as_json: bool, limit: int | None, database: Path | None, uid: int | str | None
) -> None:
    """Products older than the sources they were made from.

    Only those below DIRECTORY are named; without it, below the working directory.
    """
    place = locate(directory, database)
    below = _below(place, directory)
    with options.open_answers(place, uid) as answers:
        found = [one for one in answers.stale() if one.path.startswith(below)][:limit]
    whole.show(
        found,
        ("made", "changed", "why"),
        lambda one: (moment(one.made), moment(one.changed), _why(one)),
        as_json=as_json,
        nothing="nothing is older than what it was made from",
    )


def _below(place: Place, directory: str) -> str:
    """Return how the paths begin that lie in the directory."""
    if place.is_whole(directory):
        return ""
    return "" if place.root is None and directory == "." else f"{place.relative(directory)}/"


def _why(stale: Stale) -> str:
    if stale.via:
        return f"{stale.path} was made from {stale.via}, which is older than {stale.source}"
    return f"{stale.path} is older than {stale.source}"


COMMANDS = {"stale": stale}
