"""search: files by words in their names, and by what belongs to those."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path

import click

from mycelial.cli import options, output
from mycelial.cli.place import locate


@click.command()
@click.argument("words", nargs=-1, required=True)
@click.option(
    "--in",
    "directory",
    default=".",
    metavar="DIRECTORY",
    help="Any path in a mount or in its source; without it, the working directory.",
)
@options.as_json
@options.limit
@options.database
@options.uid
def search(
    words: tuple[str, ...],
    directory: str,
    as_json: bool,
    limit: int,
    database: Path | None,
    uid: int | str | None,
) -> None:
    """Files with these WORDS in their names, and files that belong to them."""
    place = locate(directory, database, foreign=True)
    if place.is_foreign:
        from mycelial.cli import through

        found = through.search(place, " ".join(words), limit)
    else:
        with options.open_answers(place, uid) as answers:
            found = answers.search(" ".join(words), limit)
    if as_json:
        output.print_json([asdict(hit) for hit in found])
    elif not found:
        print("nothing is called so", file=sys.stderr)
    else:
        output.print_table(
            ("score", "words", "belongs to", "file"),
            ((f"{hit.score:.3f}", " ".join(hit.words) or "-", hit.via or "-", hit.path) for hit in found),
        )


COMMANDS = {"search": search}
