"""The virtual tree over a real database: what is listed, where links lead, and to whom."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from typing import cast

import pytest

from mycelial.graph.rebuild import replay
from mycelial.record.events import bytes_of
from mycelial.store.answers import Answers, Relation
from mycelial.store.errors import StoreError
from mycelial.views.node import Caller, Directory, Kind, Link, Node, Text, VirtualPath
from mycelial.views.questions import Questions
from mycelial.views.tree import Tree
from tests.unit.recorded import BO, DAYS, EVE, ODD, MemorySource, database, work


class Clock:
    """Seconds that pass when told to."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return database(tmp_path_factory.mktemp("recorded"))


@pytest.fixture
def source() -> MemorySource:
    return MemorySource()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def tree(recorded: Path, source: MemorySource, clock: Clock) -> Tree:
    return Tree(
        open_answers=lambda uid: Answers.open(recorded, uid),
        source=source,
        status=lambda _: {"database": str(recorded), "mountpoint": "/home"},
        clock=clock,
    )


def at(tree: Tree, path: str | bytes, caller: Caller = BO) -> Node | None:
    raw = path.encode() if isinstance(path, str) else path
    return tree.find(tuple(raw.split(b"/")), caller)


def names(tree: Tree, path: str, caller: Caller = BO) -> list[bytes]:
    node = at(tree, path, caller)
    assert isinstance(node, Directory)
    return [name for name, _kind in node.children()]


def text(tree: Tree, path: str | bytes, caller: Caller = BO) -> str:
    node = at(tree, path, caller)
    assert isinstance(node, Text)
    return node.content.decode()


def walk(tree: Tree, path: VirtualPath = (), caller: Caller = BO) -> Iterator[tuple[VirtualPath, Node]]:
    node = tree.find(path, caller)
    assert node is not None
    yield path, node
    if isinstance(node, Directory):
        for name, told in node.children():
            below = tree.find((*path, name), caller)
            assert below is not None
            assert below == told if isinstance(told, Link) else below.kind is told
            yield from walk(tree, (*path, name), caller)


def test_everything_listed_is_there_and_of_the_kind_listed(tree: Tree) -> None:
    assert len(list(walk(tree))) > 50


def test_the_top_names_every_view(tree: Tree) -> None:
    top = tree.find((), BO)
    assert isinstance(top, Directory)
    assert dict(top.children()) == {
        b"README": Kind.TEXT,
        b"related": Kind.DIRECTORY,
        b"together": Kind.DIRECTORY,
        b"next": Kind.DIRECTORY,
        b"sources": Kind.DIRECTORY,
        b"products": Kind.DIRECTORY,
        b"why": Kind.DIRECTORY,
        b"how": Kind.DIRECTORY,
        b"clusters": Kind.DIRECTORY,
        b"sessions": Kind.DIRECTORY,
        b"search": Kind.DIRECTORY,
        b"stale": Kind.DIRECTORY,
        b"recent": Kind.DIRECTORY,
        b"hubs": Kind.DIRECTORY,
        b"status.json": Kind.TEXT,
    }


def test_links_are_relative_and_lead_to_files_of_the_source(tree: Tree, source: MemorySource) -> None:
    links = [(path, node) for path, node in walk(tree) if isinstance(node, Link)]
    assert links
    for path, link in links:
        place = b"/mount/.mycelial/" + b"/".join(path[:-1])
        end = os.path.normpath(place + b"/" + link.target)
        assert end.removeprefix(b"/mount/") in source.files
        assert path[-1].partition(b"-")[2] == os.path.basename(end)


def test_no_file_is_listed_under_itself(tree: Tree) -> None:
    for path, node in walk(tree):
        if isinstance(node, Link) and path[0].decode() in set(Relation):
            assert not node.target.endswith(b"../" + b"/".join(path[1:-1]))


def test_the_best_comes_first_and_entries_are_numbered(tree: Tree) -> None:
    assert sorted(names(tree, "sources/build/main.o")) == [b"01-main.c", b"02-main.h"]
    assert names(tree, "products/src/main.c") == [b"01-main.o"]
    assert [name[:3] for name in names(tree, "related/src/main.c")] == [b"01-", b"02-", b"03-"]


def test_names_are_kept_byte_for_byte(tree: Tree) -> None:
    (name,) = (name for name in names(tree, "together/src/main.c") if b"odd" in name)
    assert name[3:] == bytes_of(ODD).rpartition(b"/")[2]
    link = at(tree, b"together/src/main.c/" + name)
    assert link == Link(b"../../../../" + bytes_of(ODD))


def test_directories_mirror_the_source_and_files_are_directories_of_links(tree: Tree) -> None:
    assert names(tree, "related") == [b"build", b"notes", b"src", b"untouched"]
    assert names(tree, "related/build") == [b"main.o"]
    assert names(tree, "related/untouched") == []


@pytest.mark.parametrize(
    "path",
    [
        "nothing",
        "README/x",
        "related/nothing",
        "related/src/main.c/99-main.h",
        "related/src/main.c/01-main.o/deeper",
        "related/../status.json",
        "related//src",
        "recent/01-main.o/x",
        "clusters/nothing",
        "sessions/nothing",
        "sessions/2025-10-10/nothing",
        "sessions/2025-10-10/nothing/01-x",
        "sessions/a/b/c/d",
        "clusters/nothing/01-x",
        "clusters/a/b/c",
        "why/src/main.c/x",
        "how/src/main.c/x",
    ],
)
def test_what_is_not_there_is_not_found(tree: Tree, path: str) -> None:
    assert at(tree, path) is None


def test_a_file_that_the_caller_may_not_reach_is_not_shown(tree: Tree, source: MemorySource) -> None:
    source.hidden = {b"src/main.h"}
    shown = [node.target for _, node in walk(tree) if isinstance(node, Link)]
    assert shown
    assert not [target for target in shown if target.endswith(b"src/main.h")]
    assert at(tree, "related/src/main.h") is None
    assert tree.xattr(b"user.mycelial.sources", b"build/main.o", BO) == b"src/main.c\n"


def test_a_file_that_is_gone_is_not_shown(tree: Tree, source: MemorySource) -> None:
    source.files.remove(b"src/main.h")
    assert names(tree, "sources/build/main.o") == [b"01-main.c"]


def test_relations_come_from_the_callers_own_work(tree: Tree) -> None:
    assert names(tree, "together/src/main.c", EVE) == []
    assert names(tree, "together/notes/one.txt", EVE) == [b"01-two.txt"]
    assert names(tree, "together/notes/one.txt", BO) == []


def test_why_has_a_text_for_each_entry_of_related(tree: Tree) -> None:
    assert names(tree, "why/src/main.c") == names(tree, "related/src/main.c")
    (entry,) = (name for name in names(tree, "why/build/main.o") if name.endswith(b"main.c"))
    explanation = text(tree, b"why/build/main.o/" + entry)
    assert "source:" in explanation
    assert "by cc" in explanation


@pytest.mark.parametrize(("days", "is_weak"), [(2, True), (3, False)])
def test_why_says_of_what_was_seen_seldom_that_it_is_weak(tmp_path: Path, days: int, is_weak: bool) -> None:
    path, start = tmp_path / "few.db", next(work()).t
    replay(path, (event for event in work() if event.t < start + 86_400 * days))
    tree = Tree(
        open_answers=lambda uid: Answers.open(path, uid),
        source=MemorySource(),
        status=lambda _: {},
        clock=Clock(),
    )
    (name,) = names(tree, "why/notes/one.txt", EVE)
    assert ("This is weak" in text(tree, b"why/notes/one.txt/" + name, EVE)) == is_weak


def test_how_tells_the_recipe(tree: Tree) -> None:
    recipe = text(tree, "how/build/main.o")
    assert "cc -c -o build/main.o src/main.c" in recipe
    assert "in:       bo\n" in recipe
    assert "src/main.h" in recipe
    assert "Nobody was seen" in text(tree, "how/untouched")


def test_texts_print_on_a_terminal(tree: Tree) -> None:
    for _path, node in walk(tree):
        if isinstance(node, Text):
            assert all(line.isprintable() for line in node.content.decode().splitlines())


def test_a_cluster_is_a_directory_of_links_to_its_files(tree: Tree) -> None:
    (label,) = names(tree, "clusters")
    found = [
        at(tree, b"clusters/" + label + b"/" + name) for name in names(tree, f"clusters/{label.decode()}")
    ]
    assert {Link(b"../../../src/main.c"), Link(b"../../../src/main.h")} < set(found)
    assert tree.xattr(b"user.mycelial.cluster", b"src/main.c", BO) == label + b"\n"
    assert tree.xattr(b"user.mycelial.cluster", b"untouched", BO) is None


def test_a_cluster_of_another_or_of_files_that_cannot_be_reached_is_not_shown(
    tree: Tree, source: MemorySource
) -> None:
    (label,) = names(tree, "clusters")
    assert at(tree, b"clusters/" + label, EVE) is None
    assert [at(tree, b"clusters/" + name, BO) for name in names(tree, "clusters", EVE)] == [None]
    source.hidden = set(source.files)
    assert names(tree, "clusters") == []


def test_a_session_is_a_directory_of_links_below_its_day(tree: Tree) -> None:
    days = names(tree, "sessions")
    assert len(days) == DAYS
    assert days == sorted(days, reverse=True)
    (session,) = names(tree, f"sessions/{days[0].decode()}")
    ((label,),) = [names(tree, "clusters")]
    assert session.endswith(b" " + label)
    place = b"sessions/" + days[0] + b"/" + session
    node = at(tree, place)
    assert isinstance(node, Directory)
    found = [at(tree, place + b"/" + name) for name, _kind in node.children()]
    assert {Link(b"../../../../src/main.c"), Link(b"../../../../build/main.o")} < set(found)
    assert at(tree, place, EVE) is None


def test_any_words_are_a_directory_that_answers(tree: Tree) -> None:
    assert names(tree, "search") == []
    first, *others = names(tree, "search/Main.H")
    assert at(tree, b"search/Main.H/" + first) == Link(b"../../../src/main.h")
    assert {at(tree, b"search/Main.H/" + name) for name in others} >= {Link(b"../../../src/main.c")}
    assert names(tree, "search/unheard of") == []
    assert names(tree, "search/main", EVE) == []
    assert at(tree, "search/main/01-nothing") is None


def test_recent_lists_the_latest_first(tree: Tree) -> None:
    assert names(tree, "recent")[0] == b"01-main.o"
    assert at(tree, "recent/01-main.o") == Link(b"../../build/main.o")


def test_status_is_json(tree: Tree, recorded: Path) -> None:
    status = json.loads(text(tree, "status.json"))
    assert status["database"] == str(recorded)
    assert "error" not in status["store"]


def test_the_readme_names_the_view_directory(recorded: Path, source: MemorySource) -> None:
    tree = Tree(
        open_answers=lambda uid: Answers.open(recorded, uid),
        source=source,
        status=lambda _: {},
        view_dir=b".rel",
    )
    readme = text(tree, "README")
    assert "ls .rel/related/" in readme
    for name in Relation:
        assert f"{name}/NAME/" in readme


def test_a_name_listed_a_moment_ago_still_resolves(tree: Tree, source: MemorySource, clock: Clock) -> None:
    before = names(tree, "sources/build/main.o")
    source.files.remove(b"src/main.c")
    assert names(tree, "sources/build/main.o") == before
    clock.now = 1.5
    assert names(tree, "sources/build/main.o") == [b"01-main.h"]
    assert at(tree, b"sources/build/main.o/" + before[1]) is not None
    clock.now = 60
    assert names(tree, "sources/build/main.o") == [b"01-main.h"]
    assert at(tree, b"sources/build/main.o/" + before[1]) is None


def test_many_threads_see_one_tree(tree: Tree) -> None:
    with ThreadPoolExecutor(8) as threads:
        walks = [threads.submit(lambda: [path for path, _ in walk(tree)]) for _ in range(8)]
    assert len({tuple(each.result()) for each in walks}) == 1


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        (b"user.mycelial.products", b"build/main.o\n"),
        (b"user.mycelial.sources", None),
        (b"user.mycelial.how", None),
        (b"user.mycelial.nothing", None),
        (b"user.other", None),
    ],
)
def test_virtual_attributes(tree: Tree, attribute: bytes, value: bytes | None) -> None:
    assert tree.xattr(attribute, b"src/main.c", BO) == value


def test_an_attribute_leaves_out_names_that_would_look_like_two(tree: Tree) -> None:
    value = tree.xattr(b"user.mycelial.related", b"src/main.c", BO)
    assert value is not None
    assert sorted(value.splitlines()) == [b"build/main.o", b"src/main.h"]


def test_every_path_has_the_status_attribute(tree: Tree, recorded: Path) -> None:
    for path in (b"", b"src", b"src/main.c"):
        status = tree.xattr(b"user.mycelial.status", path, BO)
        assert status is not None
        assert json.loads(status) == {"database": str(recorded), "mountpoint": "/home"}


@pytest.mark.parametrize(
    "problem", [StoreError("disk full"), sqlite3.OperationalError("locked"), MemoryError()]
)
def test_without_a_database_views_are_empty_and_say_so(
    problem: Exception, source: MemorySource, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(uid: int) -> Answers:
        raise problem

    tree = Tree(open_answers=fail, source=source, status=lambda _: {})
    tree.prepare(BO)
    tree.rehearse(BO)
    assert names(tree, "related/src/main.c") == []
    assert names(tree, "recent") == []
    assert "cannot be read now" in text(tree, "how/src/main.c")
    assert "error" in json.loads(text(tree, "status.json"))["store"]
    assert tree.xattr(b"user.mycelial.related", b"src/main.c", BO) is None
    assert bool(caplog.records) is not isinstance(problem, StoreError)


def test_the_store_can_be_opened_before_there_is_a_question(recorded: Path, source: MemorySource) -> None:
    asked: list[int] = []

    def open_answers(uid: int) -> Answers:
        asked.append(uid)
        return Answers.open(recorded, uid)

    Tree(open_answers=open_answers, source=source, status=lambda _: {}).prepare(EVE)
    assert asked == [EVE.uid]


def test_a_rehearsal_asks_as_the_caller_and_leaves_nothing_behind(
    recorded: Path, source: MemorySource
) -> None:
    asked: list[int] = []

    def open_answers(uid: int) -> Answers:
        asked.append(uid)
        return Answers.open(recorded, uid)

    tree = Tree(open_answers=open_answers, source=source, status=lambda _: {})
    tree.rehearse(EVE)
    assert asked == [EVE.uid]
    plain = Tree(open_answers=open_answers, source=source, status=lambda _: {})
    assert names(tree, "related/src/main.c") == names(plain, "related/src/main.c") != []


def test_what_fails_again_and_again_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    questions = Questions(lambda uid: nullcontext(cast(Answers, None)))
    for _ in range(3):
        answer = questions.ask(BO, lambda answers: answers.related("a"))
        assert answer.value is None
        assert "damaged database" in answer.problem
    assert len(caplog.records) == 1
