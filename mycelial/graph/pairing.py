"""Which of many files belongs to which of many products, by what they are called.

A converter works off many files at once, in threads or one after the other: x.csv is in x.json and not in
y.json, and page-07.txt in scan-07.png.  A program that copies keeps the name altogether.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import islice, takewhile

from mycelial.graph.actors import Read
from mycelial.graph.making import Making, Reads
from mycelial.graph.programs import works_by_itself

PAIRED = 1000
"""Reads of a process up to which they are paired with its products by name."""

AT_ONCE = 32
"""Products that a program may be making at the same time."""

_NUMBER = re.compile(r"\d+")
_BETWEEN = re.compile(r"""[\s"'(),;=]+""")


def by_stem(name: str) -> tuple[str, str]:
    """Return a name's stem and suffix; a compiler of Java writes X.java's inner classes to X$Y.class."""
    stem, _, suffix = name.lstrip(".").partition(".")
    return stem.partition("$")[0] or stem, suffix


def by_number(name: str) -> tuple[str, str]:
    """Return the numbers in a name, and the name without them."""
    return " ".join(_NUMBER.findall(name)), _NUMBER.sub("#", name)


def exported(making: Making) -> Reads:
    """Saving a file that was there says nothing; a new one may be another form of a file of its name.

    An editor that nobody sits in front of makes it of what it was told to open; of several that it works off
    one after the other, of the one of its name.
    """
    name, args = making.name_of(making.product), making.writer.args or ()
    told = _named_in(args[1:]) if works_by_itself(args) else set()
    stem, _ = by_stem(name)
    names = {file: making.name_of(file) for file in making.writer.reads}
    alike = {file for file, its in names.items() if by_stem(its)[0] == stem}
    is_edited = name in told and making.product in names
    opened = {file for file, its in names.items() if its in told and not is_edited}
    chosen = (opened & alike or opened) | (set() if making.existed else alike)
    for file, read in making.writer.reads.items():
        if file in chosen:
            yield file, read


def _named_in(args: tuple[str, ...]) -> set[str]:
    """Return what the files are called that a command line may name, be it within commands: -c "read x"."""
    words = {word for arg in args for word in (arg, *_BETWEEN.split(arg))}
    return {word.rpartition("/")[2] for word in words}


def unpaired(making: Making, reads: list[tuple[int, Read]]) -> list[tuple[int, Read]]:
    """Leave out the reads that by their names belong to another product of the writer.

    What is read while the product is open already is for it: a document's chapters. Not so where all are
    numbered: threads are at work on several then.
    """
    begun = making.t if making.begun is None else making.begun
    for naming in (by_stem, by_number):
        own, kind = naming(making.name_of(making.product))
        names = {file: naming(making.name_of(file)) for file, _ in reads}
        kinds = {form for key, form in names.values() if key == own} if own else set()
        if kinds:
            others = [
                naming(making.name_of(file)) for file in making.writer.finished if file != making.product
            ]
            taken = {key for key, form in others if form == kind} - {own}
            return [
                (file, read)
                for file, read in reads
                if names[file][0] not in taken
                or names[file][1] not in kinds
                or (naming is by_stem and read.first >= begun)
            ]
    return reads


def belonging(making: Making, reads: Iterable[int]) -> tuple[set[int], set[int]]:
    """Return which reads are the product's by name, and the other products made at the same time.

    Threads read their files before any of them has finished: only when the second product is there it shows
    that they are worked off in pairs.
    """
    files, writer = list(reads), making.writer
    for naming in (by_stem, by_number):
        own, kind = naming(making.name_of(making.product))
        mine = (
            {file for file in files if own and naming(making.name_of(file))[0] == own}
            if len(files) <= PAIRED
            else set()
        )
        if not mine:
            continue
        first = min((writer.reads[file].first for file in mine if file in writer.reads), default=making.t)
        latest = [file for file, t in islice(reversed(writer.finished.items()), AT_ONCE) if t >= first]
        others = [file for file in latest if file != making.product]
        return mine, {file for file in others if naming(making.name_of(file))[1] == kind}
    return set(), set()


def is_paired(name: str, others: Iterable[str]) -> bool:
    """Whether one of `others` is what a product of that name was made from, by its name."""
    names = list(others)
    return any(
        key and any(naming(other)[0] == key for other in names)
        for naming in (by_stem, by_number)
        for key in (naming(name)[0],)
    )


def namesakes(path: str, sources: dict[int, str]) -> set[int]:
    """Return the sources of a copy that are called as it is, in directories called alike the furthest up."""
    wanted = path.split("/")[::-1]
    alike = {
        file: sum(
            1
            for _ in takewhile(
                lambda pair: pair[0] == pair[1], zip(wanted, source.split("/")[::-1], strict=False)
            )
        )
        for file, source in sources.items()
    }
    most = max(alike.values(), default=0)
    nearest = {file: sources[file].count("/") for file, count in alike.items() if count == most > 0}
    least = min(nearest.values(), default=0)
    return {file for file, depth in nearest.items() if depth == least}
