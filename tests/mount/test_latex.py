"""A paper with figures, chapters and references: what it was made from, made again, and stale or not."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.mount.mounted import Mounted
from tests.mount.recorded import mycelial, shell, told, wait_for_events
from tests.mount.test_recipes import made_again, put

pytestmark = pytest.mark.slow  # it needs LaTeX

PAPER = {
    "main.tex": r"""
\documentclass{article}\usepackage{graphicx}
\begin{document}\tableofcontents\include{chapters/intro}
\section{Figures}\label{figures}See~\ref{intro}, \cite{knuth}.\includegraphics{figures/plot}
\bibliographystyle{plain}\bibliography{refs}\end{document}
""",
    "chapters/intro.tex": r"\section{Introduction}\label{intro}See~\ref{figures} and \cite{lamport}." + "\n",
    "refs.bib": """
@book{knuth, author={Donald E. Knuth}, title={The TeXbook}, publisher={Addison-Wesley}, year=1984}
@book{lamport, author={Leslie Lamport}, title={LaTeX}, publisher={Addison-Wesley}, year=1994}
""",
    "data.csv": "1,2\n3,5\n4,1\n",
    "figures/plot.tex": r"""
\documentclass{article}\pdfpagewidth 4cm\pdfpageheight 4cm\begin{document}\input{data.csv}\end{document}
""",
}
LATEX = "pdflatex -interaction=batchmode"
FIGURE = f"{LATEX} -output-directory=figures figures/plot"
WORK = f"{FIGURE} && {LATEX} main && bibtex main && {LATEX} main && {LATEX} main"
READ = {
    "main.tex",
    "main.aux",
    "main.toc",
    "main.bbl",
    "chapters/intro.tex",
    "chapters/intro.aux",
    "figures/plot.pdf",
}
SOURCES = {
    "main.pdf": READ,
    "main.log": READ,
    "main.aux": READ - {"main.aux"},
    "main.toc": READ - {"main.toc"},
    "main.bbl": {"main.aux", "chapters/intro.aux", "refs.bib"},
    "figures/plot.pdf": {"figures/plot.tex", "figures/plot.aux", "data.csv"},
}


@pytest.fixture
def paper(mount: Mounted, monkeypatch: pytest.MonkeyPatch) -> Mounted:
    """A mount on which the paper was made; the date in it is always the same."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    monkeypatch.setenv("FORCE_SOURCE_DATE", "1")
    put(mount.source, PAPER)
    (mount.directory / "texmf").mkdir()
    monkeypatch.setenv("TEXMFVAR", str(mount.directory / "texmf"))
    shell(f"{WORK} && : > end", mount, timeout=120)
    wait_for_events(mount, lambda log: "write" in told(log, "end"))
    return mount


def test_a_paper_is_made_from_what_latex_read(paper: Mounted) -> None:
    for product, sources in SOURCES.items():
        answer = mycelial("sources", "--json", "--db", paper.database, product)
        assert {source["path"] for source in json.loads(answer.stdout)} == sources, product


@pytest.mark.parametrize("form", ["--script", "--makefile"])
def test_a_paper_is_made_again(form: str, paper: Mounted, workspace: Path) -> None:
    for path in ("main.pdf", "main.bbl", "figures/plot.pdf"):
        assert made_again(paper, form, path, PAPER, workspace / "copy") == (paper.source / path).read_bytes()


def test_a_paper_is_stale_when_its_references_change(paper: Mounted) -> None:
    assert mycelial("stale", "--json", cwd=paper.mountpoint).stdout.strip() == "[]"
    with open(paper.mountpoint / "refs.bib", "a") as references:
        references.write("\n")
    wait_for_events(paper, lambda log: "write" in told(log, "refs.bib"))
    stale = {one["path"]: one for one in json.loads(mycelial("stale", "--json", cwd=paper.mountpoint).stdout)}
    assert {one["source"] for one in stale.values()} == {"refs.bib"}
    assert {"main.bbl", "main.pdf", "main.aux"} <= stale.keys()
    assert "figures/plot.pdf" not in stale
    shell(f"bibtex main && {LATEX} main && : > end2", paper, timeout=60)
    wait_for_events(paper, lambda log: "write" in told(log, "end2"))
    assert os.listdir(paper.mountpoint / ".mycelial" / "stale") == []
