"""Explaining an answer: the evidence for one pair of files in words, and the recipe of one file."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from itertools import pairwise

from mycelial.record.display import printable_command
from mycelial.record.script import pipeline_text
from mycelial.record.steps import Step, steps_from_json
from mycelial.store.blend import words
from mycelial.store.chain import strongest_chain
from mycelial.store.connection import Database
from mycelial.store.log import read_process
from mycelial.store.neighbours import Bond, Neighbours
from mycelial.store.tree import FileTree


@dataclass(frozen=True, slots=True)
class Reason:
    """One kind of evidence for a pair of files.

    `kind` is together, next (b after a), source (a was made from b), product (b was made from a), name, or
    chain: a step on the way from one to the other, where nothing joins them directly.  `count` is the number
    of times, `last` seconds since the epoch, `through` the other files that the text names.
    """

    kind: str
    text: str
    count: int
    last: float
    programs: tuple[str, ...]
    through: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a file was made: `command` is quoted for a shell, `cwd` is where it ran (empty if not known),
    `time` is in seconds since the epoch. `command` has all commands of a pipeline and their redirections, or
    the shell that ran them where they are not known; `args` are those of the program that wrote."""

    path: str
    command: str
    args: tuple[str, ...]
    cwd: str
    program: str
    time: float
    sources: tuple[str, ...]


def reasons(neighbours: Neighbours, a: tuple[int, str], b: tuple[int, str]) -> list[Reason]:
    """Return the evidence that joins `a` and `b`, each (number, path), strongest kind first."""
    (one, path_a), (other, path_b) = a, b
    found: list[Reason] = []
    made_from = neighbours.sources(one).get(other)
    if made_from is not None:
        found.append(_reason("source", f"{path_a} was made from {path_b}", made_from))
    made_into = neighbours.products(one).get(other)
    if made_into is not None:
        found.append(_reason("product", f"{path_b} was made from {path_a}", made_into))
    used = neighbours.together(one).get(other)
    if used is not None:
        programs = neighbours.programs(used.episode, (one, other))
        text = f"used together in {_times(used.count, 'episode')}"
        found.append(Reason("together", text, used.count, used.last, programs))
    for first, second, path in ((one, other, path_b), (other, one, path_a)):
        after = neighbours.following(first).get(second)
        if after is not None:
            found.append(
                _reason("next", f"{path} was taken up right after the other {_often(after.count)}", after)
            )
    common = sorted(words(path_a) & words(path_b))
    if common:
        found.append(Reason("name", f"both names have {', '.join(common)}", len(common), 0.0, ()))
    return found


def indirect_reasons(
    neighbours: Neighbours, tree: FileTree, a: tuple[int, str], b: tuple[int, str]
) -> list[Reason]:
    """Return the steps of the strongest chain from `a` to `b`, each with its best evidence."""
    numbers = strongest_chain(neighbours, tree, a[0], b[0])
    known = dict((a, b))
    line = [(number, known.get(number) or tree.path(number) or "") for number in numbers]
    between = tuple(path for _, path in line[1:-1])
    found = []
    for (one, path_a), (other, path_b) in pairwise(line):
        best = reasons(neighbours, (one, path_a), (other, path_b))[0]
        through = tuple(path for path in (path_a, path_b) if path in between)
        text = best.text
        if best.kind == "together":
            text = f"{path_a} and {path_b} were {text}"
        elif best.kind == "next":
            text = f"{path_a} and {path_b}: {text}"
        found.append(replace(best, kind="chain", text=text, through=through))
    return found


def recipe(
    database: Database, uid: int | None, file: int, path: str, sources: tuple[str, ...]
) -> Recipe | None:
    """Return how `file` was made, as far as it was seen by `uid` (None: by anybody)."""
    whose = "" if uid is None else f" AND uid = {int(uid)}"
    row = database.conn.execute(
        f"SELECT t, process, writer, steps FROM recipe WHERE product = ?{whose}", (file,)
    ).fetchone()
    if row is None:
        return None
    t, number, writer, made = row
    process = read_process(database, writer if number is None else number)
    steps = steps_from_json(made)
    step = steps[-1] if steps else Step(path)
    args = (step.commands[-1].args if step.commands else ()) or process.args or (process.comm,)
    return Recipe(
        path=path,
        command=pipeline_text(step) or printable_command(args),
        args=args,
        cwd=(step.cwd if step.commands else step.shell_cwd) or process.cwd or "",
        program=process.comm if not step.by[0] or step.by[0] == process.pid else os.path.basename(args[0]),
        time=t,
        sources=sources,
    )


def _reason(kind: str, text: str, bond: Bond) -> Reason:
    return Reason(kind, text, bond.count, bond.last, (bond.program,) if bond.program else ())


def _often(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _times(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
