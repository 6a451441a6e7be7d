"""graph: pictures of what belongs together, and exports for other programs."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from mycelial.cli import options
from mycelial.cli.failure import Failure
from mycelial.cli.place import locate
from mycelial.record.display import printable

_FORMATS = ("html", "svg", "graphml", "dot", "gexf")


@click.command()
@click.argument("file", required=False)
@click.option(
    "--format",
    "form",
    type=click.Choice(_FORMATS),
    metavar="FORMAT",
    help="html, svg, graphml, dot or gexf. Default: what the output's name ends with; else html.",
)
@click.option(
    "--output",
    type=click.Path(dir_okay=False, allow_dash=True),
    default="-",
    metavar="PATH",
    help="Write there instead of on the standard output.",
)
@click.option(
    "--files",
    type=click.IntRange(1, 500),
    default=60,
    show_default=True,
    metavar="N",
    help="Show at most so many files.",
)
@options.database
@options.uid
def graph(
    file: str | None, form: str | None, output: str, files: int, database: Path | None, uid: int | str | None
) -> None:
    """A picture of FILE and what belongs to it. Without FILE, or with a directory, it is of the whole.

    For people html (a page to look around in) and svg; for other programs graphml, gexf and dot.
    """
    from mycelial.graph.export import FORMATS

    place = locate(file or ".", database)
    path = None if file is None or (database is None and os.path.isdir(file)) else place.relative(file)
    with options.open_answers(place, uid) as answers:
        picture = answers.picture(path, files)
    if not picture.files:
        raise Failure(f"{printable(file or '.')}: nothing is known that could be drawn")
    title = path or "What belongs together"
    suffix = Path(output).suffix.removeprefix(".").lower()
    text = FORMATS[form or (suffix if suffix in FORMATS else "html")](picture, title)
    if output == "-":
        sys.stdout.write(text)
    else:
        Path(output).write_text(text, "utf-8")


COMMANDS = {"graph": graph}
