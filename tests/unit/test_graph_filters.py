"""Which programs read their standard input, by their command lines."""

from __future__ import annotations

import pytest

from mycelial.graph.filters import ignores_input


@pytest.mark.parametrize(
    ("line", "read"),
    [
        ("sed s/a/b/ in.txt", "in.txt"),
        ("sed -nf s.sed in.txt", "s.sed in.txt"),
        ("awk -v x=1 -f prog.awk in.txt", "prog.awk in.txt"),
        ("grep -vf stop words", "stop words"),
        ("grep -o x words", "words"),
        ("sort -o out in", "in"),
        ("gcc -c -o a.o a.c", "a.c a.h"),
        ("tar -xf a.tar", "a.tar"),
        ("unzip -o a.zip", "a.zip"),
        ("pandoc -s a.md -o a.html", "a.md"),
        ("pdflatex main", "main.tex"),
    ],
)
def test_a_program_that_is_told_a_file_that_it_read_reads_no_input(line: str, read: str) -> None:
    assert ignores_input(tuple(line.split()), read.split())


@pytest.mark.parametrize(
    ("line", "read"),
    [
        ("sed -f s.sed", "s.sed in.txt"),
        ("awk -f prog.awk", "prog.awk in.txt"),
        ("grep -f patterns", "patterns in.txt"),
        ("grep -c error", "error error.log"),
        ("grep -m 1 error", "error"),
        ("grep -e words", "words"),
        ("sort -o words", "words words.txt"),
        ("tar -x -T list", "list a.tar"),
        ("tar xz project", "project.tar.gz"),
        ("zip -@ a", "a"),
        ("pandoc -o out --template t.tex", "t.tex in.md"),
        ("cat head.txt -", "head.txt"),
    ],
)
def test_what_says_how_to_read_the_input_is_not_the_input(line: str, read: str) -> None:
    assert not ignores_input(tuple(line.split()), read.split())
