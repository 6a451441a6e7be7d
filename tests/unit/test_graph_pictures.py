"""Pictures and exports: each is what its format says it is, also where file names are made to break it."""

from __future__ import annotations

import math
import re
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser
from pathlib import Path

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mycelial.graph.export import FORMATS, graph_of
from mycelial.graph.layout import positions
from mycelial.record.events import text_of
from mycelial.store.picture import Line, Picture, Shown
from tests.unit.recorded import BO, ODD, database
from tests.unit.terminal import Terminal
from tests.unit.worked import Story

HOSTILE = (
    "</script><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>.svg',
    "']]><!ENTITY x SYSTEM 'file:///etc/passwd'>&x;",
    '\\N\\G"; evil [label="x"] //',
    text_of(b"\xff\x00".replace(b"\0", b"\x01") + b"\x1b[2J\n\r\t"),
    "\u202egnp.exe\ufffe",
    "{title}%s${x}`",
)


def hostile(files: tuple[str, ...] = HOSTILE) -> Picture:
    shown = tuple(Shown(f"dir/{name}", name, 1.0 + number) for number, name in enumerate(files))
    lines = [Line(0, number, "together", 0.5, 3) for number in range(1, len(files))]
    lines += [Line(number, 0, "source", 1.0, 1) for number in range(1, len(files))]
    return Picture(shown, tuple(lines))


class Tags(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]


@pytest.mark.parametrize("form", FORMATS)
def test_no_format_lets_out_what_does_not_print(form: str) -> None:
    text = FORMATS[form](hostile(), HOSTILE[4])
    assert all(line.isprintable() for line in text.splitlines())
    text.encode()


@pytest.mark.parametrize("form", ["svg", "graphml", "gexf"])
def test_hostile_names_stay_text_in_xml(form: str) -> None:
    root = ElementTree.fromstring(FORMATS[form](hostile(), HOSTILE[0]).encode())
    tags = {element.tag.rpartition("}")[2] for element in root.iter()}
    assert not tags & {"script", "img", "evil", "foreignObject"}
    values = [value for element in root.iter() for value in (element.text, *element.attrib.values()) if value]
    assert any("</script><script>alert(1)</script>" in value for value in values)


def test_hostile_names_stay_text_on_the_page() -> None:
    plain = hostile(tuple(f"plain{number}" for number in range(len(HOSTILE))))
    expected, found = Tags(FORMATS["html"](plain, "plain")), Tags(FORMATS["html"](hostile(), HOSTILE[0]))
    assert found.tags == expected.tags
    assert found.attributes == expected.attributes
    assert not [name for name in found.attributes if name.startswith("on")]
    assert found.tags.count("script") == 1


def test_the_page_needs_nothing_from_elsewhere() -> None:
    text = FORMATS["html"](hostile(), "x")
    assert "default-src 'none'" in text
    assert set(re.findall(r"https?://[^\"' ]+", text)) == {"http://www.w3.org/2000/svg"}


def test_dot_strings_end_where_they_should() -> None:
    text = FORMATS["dot"](hostile(), HOSTILE[3])
    for line in text.splitlines():
        assert re.sub(r'"(?:[^"\\]|\\.)*"', "", line).count('"') == 0
    if shutil.which("dot"):
        done = subprocess.run(["dot", "-Tplain"], input=text, capture_output=True, text=True, check=True)
        assert "evil" not in [line.split()[1] for line in done.stdout.splitlines() if line.startswith("node")]


def test_exports_are_read_again_as_the_same_graph() -> None:
    graph = graph_of(hostile())
    again = nx.parse_graphml(FORMATS["graphml"](hostile(), "x"), force_multigraph=True)
    assert again.nodes(data=True) == graph.nodes(data=True)
    assert sorted(again.edges(data="kind")) == sorted(graph.edges(data="kind"))


@given(
    st.integers(0, 12),
    st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11), st.floats(0, 1)), max_size=20),
)
def test_every_file_lies_within_the_picture_and_no_two_on_one_spot(
    count: int, edges: list[tuple[int, int, float]]
) -> None:
    inside = [(a, b, strength) for a, b, strength in edges if a < count and b < count and a != b]
    points = positions(count, inside, [0] * count)
    assert len(set(points)) == count
    assert all(0.0 <= value <= 1.0 and math.isfinite(value) for point in points for value in point)
    assert points == positions(count, inside, [0] * count)


def test_a_picture_shows_a_file_with_what_belongs_to_it(tmp_path: Path) -> None:
    story = Story(tmp_path)
    for _ in range(3):
        story.program("cc").open("a.c", "a.h").make("a.o")
        story.program("vim").close("a.c", "a.h")
        story.pause()
    story.program("vim").close("letters/far.txt", "letters/away.txt")
    with story.answers() as answers:
        near, whole = answers.picture("a.c", 3), answers.picture(None, 10)
        assert answers.picture("unheard", 5) == Picture((), ())
    assert near.files[0].path == "a.c"
    assert {file.path for file in near.files} == {"a.c", "a.h", "a.o"}
    kinds = {
        (near.files[line.a].path, near.files[line.b].path) for line in near.lines if line.kind == "source"
    }
    assert kinds == {("a.c", "a.o"), ("a.h", "a.o")}
    assert {file.path for file in whole.files} == {"a.c", "a.h", "a.o", "letters/far.txt", "letters/away.txt"}
    assert len({file.cluster for file in whole.files}) == 2


def test_the_command_writes_the_format_that_the_name_ends_with(terminal: Terminal, tmp_path: Path) -> None:
    db = str(database(tmp_path))
    for form in FORMATS:
        path = tmp_path / f"out.{form}"
        assert terminal.run("graph", "--db", db, "--output", str(path)) == (0, "", "")
        text = path.read_text("utf-8")
        if form != "gexf":  # it tells the day
            assert text == terminal.out("graph", "--db", db, "--format", form)
        assert "odd" in text
        assert ODD not in text
    assert terminal.out("graph", "--db", db, "--uid", str(BO.uid), "src/main.c").startswith("<!DOCTYPE html>")
    assert "nothing is known" in terminal.error("graph", "--db", db, "unheard")
    assert terminal.run("graph", "--db", db, "--format", "bmp")[0] == 2
