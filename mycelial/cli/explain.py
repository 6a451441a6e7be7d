"""why: the evidence behind a relation."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path

import click

from mycelial.cli import options, output
from mycelial.cli.place import locate
from mycelial.record.display import moment, printable


@click.command()
@click.argument("a")
@click.argument("b")
@options.as_json
@options.database
@options.uid
def why(a: str, b: str, as_json: bool, database: Path | None, uid: int | str | None) -> None:
    """What joins A and B. The kinds of evidence, how often, when, and by which programs."""
    place = locate(a, database, foreign=True)
    if place.is_foreign:
        from mycelial.cli import through

        through.print_why(place, a, b, as_json=as_json)
        return
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


COMMANDS = {"why": why}
