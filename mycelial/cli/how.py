"""how: the recipe of a file, to read or to run."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import click

from mycelial.cli import options, output
from mycelial.cli.failure import Failure
from mycelial.cli.place import Place, locate
from mycelial.record.display import printable, recipe_lines
from mycelial.record.events import bytes_of
from mycelial.record.location import seen_from
from mycelial.record.script import Unwritable
from mycelial.store.explain import Recipe
from mycelial.store.recipes import Chain
from mycelial.store.remaking import as_makefile, as_script


@click.command()
@click.argument("file")
@click.option("--script", "form", flag_value="script", help="Print a shell script that makes FILE again.")
@click.option("--makefile", "form", flag_value="makefile", help="Print a makefile that makes FILE again.")
@options.as_json
@options.database
@options.uid
def how(file: str, form: str | None, as_json: bool, database: Path | None, uid: int | str | None) -> None:
    """How FILE was made.

    The command line, the directory it ran in, the program, the time, and the sources; then the same of
    those sources that were made, and of theirs, back to files that nobody made.

    With --json, prints null if nobody was seen making it.
    """
    if form and as_json:
        raise click.UsageError(f"--{form} and --json exclude each other")
    place = locate(file, database, foreign=True)
    if place.is_foreign:
        from mycelial.cli import through

        through.print_how(place, file, as_json=as_json or form is not None)
        return
    path = place.relative(file)
    with options.open_answers(place, uid) as answers:
        if form:
            _print_text(answers.chain(path), place, as_script if form == "script" else as_makefile)
            return
        recipe = answers.how(path)
        earlier = [] if recipe is None else answers.how_sources(path)
    recipes = [_seen_from(place, one) for one in ([] if recipe is None else [recipe, *earlier])]
    if as_json:
        objects = [asdict(one) for one in recipes]
        output.print_json({**objects[0], "chain": objects[1:]} if objects else None)
    elif not recipes:
        print(f"{printable(file)}: nobody was seen making it", file=sys.stderr)
    else:
        for number, one in enumerate(recipes):
            if number:
                print(f"\n{printable(one.path)}")
            for line in recipe_lines(one.command, one.cwd, one.program, one.time, one.sources):
                print(line)


def _seen_from(place: Place, recipe: Recipe) -> Recipe:
    return (
        recipe if place.root is None or place.top else replace(recipe, cwd=seen_from(place.root, recipe.cwd))
    )


def _print_text(chain: Chain, place: Place, write: Callable[[Chain, str], str]) -> None:
    """Print a script or makefile, byte for byte; to a terminal only what does no harm there."""
    if place.top:
        raise Failure(
            f"{printable(str(place.root))} shows {printable(place.top)} alone, and what made a file may lie"
            " elsewhere: ask where the whole mount is seen"
        )
    try:
        text = write(chain, place.root or "")
    except Unwritable as problem:
        raise Failure(printable(str(problem))) from None
    for path in chain.gone:
        print(
            f"mycelial: warning: {printable(path)}: is gone, and nobody was seen making it", file=sys.stderr
        )
    if sys.stdout.isatty() and not all(line.isprintable() for line in text.replace("\t", " ").splitlines()):
        raise Failure("this has names that a terminal does not print: send it to a file")
    sys.stdout.buffer.write(bytes_of(text))


COMMANDS = {"how": how}
