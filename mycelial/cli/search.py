"""search: files by words in their names, and by what belongs to those."""

from __future__ import annotations

from pathlib import Path

import click

from mycelial.cli import options, whole


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
    """Files with these WORDS in their names, and what belongs to them."""
    from mycelial.cli import through

    query = " ".join(words)
    found = whole.ask(
        directory,
        database,
        uid,
        lambda place: through.search(place, query, limit),
        lambda answers: answers.search(query, limit),
    )
    whole.show(
        found,
        ("score", "words", "belongs to", "file"),
        lambda hit: (f"{hit.score:.3f}", " ".join(hit.words) or "-", hit.via or "-", hit.path),
        as_json=as_json,
        nothing="nothing is called so",
    )


COMMANDS = {"search": search}
