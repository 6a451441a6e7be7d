"""why and how: the evidence behind a relation, and the recipe of a file."""

from __future__ import annotations

import sys
from dataclasses import asdict, replace
from pathlib import Path

import click

from mycelial.cli import options, output
from mycelial.cli.place import locate
from mycelial.record.display import moment, printable, recipe_lines
from mycelial.record.location import seen_from


@click.command()
@click.argument("a")
@click.argument("b")
@options.as_json
@options.database
@options.uid
def why(a: str, b: str, as_json: bool, database: Path | None, uid: int | str | None) -> None:
    """What joins A and B. The kinds of evidence, how often, when, and by which programs."""
    place = locate(a, database)
    with options.open_answers(place, uid) as answers:
        reasons = answers.why(place.relative(a), place.relative(b))
    if as_json:
        output.print_json([asdict(reason) for reason in reasons])
    elif not reasons:
        print(f"nothing is known that joins {printable(a)} and {printable(b)}", file=sys.stderr)
    else:
        output.print_table(
            ("kind", "times", "last", "by", "what"),
            (
                (
                    reason.kind,
                    str(reason.count),
                    moment(reason.last) if reason.last else "-",
                    output.programs_in_short(reason.programs) or "-",
                    reason.text,
                )
                for reason in reasons
            ),
        )


@click.command()
@click.argument("file")
@options.as_json
@options.database
@options.uid
def how(file: str, as_json: bool, database: Path | None, uid: int | str | None) -> None:
    """How FILE was made.

    The command line, the directory it ran in, the program, the time, and the sources.

    With --json, prints null if nobody was seen making it.
    """
    place = locate(file, database)
    with options.open_answers(place, uid) as answers:
        recipe = answers.how(place.relative(file))
    if recipe is not None and place.root is not None:
        recipe = replace(recipe, cwd=seen_from(place.root, recipe.cwd))
    if as_json:
        output.print_json(None if recipe is None else asdict(recipe))
    elif recipe is None:
        print(f"{printable(file)}: nobody was seen making it", file=sys.stderr)
    else:
        for line in recipe_lines(recipe.args, recipe.cwd, recipe.program, recipe.time, recipe.sources):
            print(line)


COMMANDS = {"why": why, "how": how}
