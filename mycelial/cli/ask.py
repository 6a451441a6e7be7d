"""The five rankings: related, together, next, sources and products. One command each, all alike."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TypeAlias

import click

from mycelial.cli import options, output
from mycelial.cli.failure import Failure
from mycelial.cli.place import Place, locate
from mycelial.record.display import moment, printable
from mycelial.record.events import text_of
from mycelial.store.answers import Answers, Related

Question: TypeAlias = Callable[[Answers, str, int], list[Related]]

_HELP: dict[str, tuple[Question, str]] = {
    "related": (Answers.related, "Files that belong to FILE, best first. All evidence taken together."),
    "together": (Answers.together, "Files used in the same stretches of work as FILE."),
    "next": (Answers.next, "Files usually opened soon after FILE."),
    "sources": (Answers.sources, "Files that FILE was made from."),
    "products": (Answers.products, "Files that were made from FILE."),
}


def _command(name: str, question: Question, text: str) -> click.Command:
    @click.command(name, help=text)
    @click.argument("file", required=False)
    @options.as_json
    @options.limit
    @click.option(
        "--batch",
        is_flag=True,
        help='Read paths from standard input; print {"query": path, "results": [...]} for each, on a line.',
    )
    @options.database
    @options.uid
    def command(
        file: str | None,
        as_json: bool,
        limit: int,
        batch: bool,
        database: Path | None,
        uid: int | str | None,
    ) -> None:
        if batch == (file is not None):
            raise click.UsageError(
                "FILE and --batch exclude each other" if batch else "Missing argument 'FILE'."
            )
        place = locate(file or ".", database, foreign=True)
        if place.is_foreign:
            _ask_mount(name, place, file, limit, as_json=as_json)
            return
        with options.open_answers(place, uid) as answers:
            if file is None:
                _print_batch(place, lambda path: question(answers, path, limit))
            elif as_json:
                output.print_json(_as_objects(_ask(place, answers, question, file, limit)))
            else:
                _print_table(name, file, _ask(place, answers, question, file, limit))

    return command


def _ask_mount(view: str, place: Place, file: str | None, limit: int, *, as_json: bool) -> None:
    """The same for a mount whose database is somebody else's."""
    from mycelial.cli import through

    def ask(path: str) -> list[Related]:
        return through.ranked(place, view, path, limit)

    if file is None:
        _print_batch(place, ask)
    elif not place.exists(path := place.relative(file)):
        raise Failure(f"{printable(file)}: there is no such file")
    elif as_json:
        output.print_json(_as_objects(ask(path)))
    else:
        _print_table(view, file, ask(path))


def _ask(place: Place, answers: Answers, question: Question, file: str, limit: int) -> list[Related]:
    path = place.relative(file)
    if place.root is not None and not place.exists(path) and not answers.known(path):
        raise Failure(f"{printable(file)}: there is no such file, and nothing was recorded of one")
    return question(answers, path, limit)


def _as_objects(ranking: Iterable[Related]) -> list[dict[str, object]]:
    return [asdict(related) for related in ranking]


def _print_batch(place: Place, ask: Callable[[str], list[Related]]) -> None:
    for line in sys.stdin.buffer:
        query = text_of(line.removesuffix(b"\n"))
        try:
            ranking = ask(place.relative(query))
        except Failure as problem:
            output.print_json_line({"query": query, "results": [], "error": str(problem)})
        else:
            output.print_json_line({"query": query, "results": _as_objects(ranking)})


def _print_table(name: str, file: str, ranking: list[Related]) -> None:
    if not ranking:
        print(f"{printable(file)}: nothing known for “{name}”", file=sys.stderr)
        return
    output.print_table(
        ("chance" if name == "next" else "score", "times", "last", "by", "file"),
        (
            (
                f"{related.score:.0%}" if name == "next" else f"{related.score:.3f}",
                f"{related.episodes or '-'}" + ("?" if related.weak else ""),
                moment(related.last) if related.last else "-",
                output.programs_in_short(related.programs) or "-",
                related.path,
            )
            for related in ranking
        ),
    )


COMMANDS = {name: _command(name, question, text) for name, (question, text) in _HELP.items()}
