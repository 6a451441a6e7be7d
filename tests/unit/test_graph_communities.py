"""Pieces of work: which files form one, how it is called, and that it stays what it is."""

from __future__ import annotations

import gc
import itertools
import math
import random
import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mycelial.graph import structure
from mycelial.graph.belonging import settle
from mycelial.graph.communities import Community, communities
from mycelial.graph.gathering import gather
from mycelial.graph.looking import from_json, to_json
from mycelial.graph.mixing import join
from mycelial.graph.naming import Names, keep_names
from mycelial.graph.purposes import Purposes
from mycelial.graph.rebuild import rebuild
from mycelial.graph.structure import find_structure
from mycelial.store.clusters import Cluster, Named
from mycelial.store.past import Past, Strand
from tests.unit.worked import Story

THESIS = ("thesis/intro.tex", "thesis/method.tex", "thesis/refs.bib", "figures/plot.svg")
TOOL = ("tool/parse.c", "tool/parse.h", "shared/main.c")


@pytest.fixture
def story(tmp_path: Path) -> Story:
    """Two projects worked on at the same time, in two terminals, on four days."""
    story = Story(tmp_path)
    for _ in range(4):
        interleave(story, THESIS, TOOL)
        story.pause()
    return story


def interleave(story: Story, *projects: Sequence[str]) -> None:
    shells = [story.program("bash", chain=((40, "sshd"),)) for _ in projects]
    for files in itertools.zip_longest(*projects):
        for shell, file in zip(shells, files, strict=True):
            if file is not None:
                shell.run("vim").open(file).close(file)


def clusters(story: Story, uid: int | None = None) -> list[Cluster]:
    with story.answers(uid) as answers:
        return answers.clusters(100, 100)


def members(story: Story) -> list[set[str]]:
    return [set(cluster.members) for cluster in clusters(story)]


def test_work_that_happens_at_the_same_time_in_two_terminals_is_kept_apart(story: Story) -> None:
    assert members(story) == [set(THESIS), set(TOOL)]


def test_what_is_everybodys_does_not_make_two_projects_one(tmp_path: Path) -> None:
    story, draw = Story(tmp_path), random.Random(1)
    for _ in range(40):
        own = [[f"{p}/{number}.c" for number in draw.sample(range(12), 4)] for p in ("one", "two")]
        for files in own:
            files += draw.sample(("README", "CHANGES", "Makefile"), 1 if draw.random() < 0.4 else 0)
        interleave(story, *own)
        story.wait(86_400.0)
    told = members(story)
    assert len(told) == 2
    for project in ("one", "two"):
        assert any({f"{project}/{number}.c" for number in range(12)} <= found for found in told)


def test_parts_that_many_files_join_are_one_piece_of_work(tmp_path: Path) -> None:
    story, draw = Story(tmp_path), random.Random(1)
    parts = [[f"{part}/{number}.c" for number in range(12)] for part in ("src", "tests")]
    for day in range(60):
        files = draw.sample(parts[day % 2], 4)
        interleave(story, files + draw.sample(parts[(day + 1) % 2], 2 if day % 4 < 2 else 0))
        story.wait(86_400.0)
    assert members(story) == [{file for part in parts for file in part}]


def test_what_lies_open_on_the_desktop_at_once_is_one_piece_of_work(tmp_path: Path) -> None:
    story, desktop = Story(tmp_path), ((70, "gnome-shell"), (60, "systemd"), (1, "systemd"))
    for number in range(8):
        task = "letter" if number % 2 else "journey"
        story.program("soffice.bin", chain=desktop).close(f"{task}/text.odt", f"{task}/costs.ods")
        story.program("evince", chain=desktop).open(f"Downloads/{task}.pdf")
        story.pause()
    assert sorted(sorted(found) for found in members(story)) == [
        ["Downloads/journey.pdf", "journey/costs.ods", "journey/text.odt"],
        ["Downloads/letter.pdf", "letter/costs.ods", "letter/text.odt"],
    ]


def test_a_cluster_is_called_by_what_its_files_have_in_common(story: Story) -> None:
    assert [cluster.label for cluster in clusters(story)] == ["thesis", "tool"]


def test_files_that_are_gone_or_only_scratch_are_in_no_cluster(story: Story) -> None:
    story.program("rm").unlink("tool/parse.h")
    story.program("vim").make("thesis/.intro.tex.swp")
    found = {path for files in members(story) for path in files}
    assert found == {*THESIS, *TOOL} - {"tool/parse.h"}


def test_a_sweep_over_everything_joins_nothing(story: Story) -> None:
    grep = story.program("grep")
    for number in range(40):
        grep.open(f"other/{number}.txt")
    grep.open(*THESIS, *TOOL)
    assert members(story)[:2] == [set(THESIS), set(TOOL)]


def test_a_cluster_keeps_its_number_and_name_while_most_of_it_stays(story: Story) -> None:
    before = clusters(story)
    for day in range(3):
        interleave(
            story, ("thesis/intro.tex", f"notes/{day}.txt"), ("tool/parse.c", "apps/ui.c", "apps/ui.h")
        )
        story.pause()
    after = clusters(story)
    assert {(c.id, c.label) for c in before} <= {(c.id, c.label) for c in after}
    assert {path for c in after for path in c.members} >= {"notes/2.txt", "apps/ui.h"}


def test_rebuild_finds_the_same_and_keeps_the_names(story: Story) -> None:
    before = clusters(story)
    story.program("vim").open("tool/parse.c").rename("tool/parse.h", "tool/lexer.h")
    story.answers().close()
    rebuild(story.database)
    after = clusters(story)
    assert [(c.id, c.label) for c in after] == [(c.id, c.label) for c in before]
    assert "tool/lexer.h" in {path for c in after for path in c.members}


def test_replaying_the_log_gives_the_same_clusters(story: Story, tmp_path: Path) -> None:
    copy = Story(tmp_path / "copy", events=list(story.events))
    copy.directory.mkdir()
    assert clusters(copy) == clusters(story)


def test_nobody_sees_the_clusters_of_another(story: Story) -> None:
    eve = story.program("vim", uid=2000)
    eve.make("eve/a.txt", "eve/b.txt", "eve/c.txt")
    assert [set(c.members) for c in clusters(story, 2000)] == [{"eve/a.txt", "eve/b.txt", "eve/c.txt"}]
    assert [c.label for c in clusters(story, 1000)] == ["thesis", "tool"]
    with story.answers(2000) as answers:
        assert answers.members("thesis") is None
        assert answers.cluster("tool/parse.c") is None
        assert answers.cluster("eve/a.txt") == "eve"


def test_everybodys_clusters_have_a_file_once_with_the_user_who_used_it_most(story: Story) -> None:
    cron = story.program("cron", uid=0)
    cron.open("thesis/intro.tex", "tool/parse.c", "log/cron.log").close("log/cron.log")
    assert set(THESIS) in members(story)
    found = [path for files in members(story) for path in files]
    assert len(found) == len(set(found))
    assert {path for cluster in clusters(story, 0) for path in cluster.members} > {"thesis/intro.tex"}


def test_everybodys_clusters_leave_out_those_whose_files_others_use_more(story: Story) -> None:
    for _ in range(2):
        story.program("backup", uid=0).open("thesis/intro.tex", "thesis/method.tex")
        story.pause()
    assert len(clusters(story, 0)) == 1
    assert all(len(files) > 1 for files in members(story))


def test_what_is_found_travels_whole_from_one_process_to_another(story: Story) -> None:
    story.answers().close()
    with Past.open(story.database) as past:
        found = find_structure(past)
    assert found.clusters
    assert from_json(to_json(found)) == found


def test_no_graph_is_kept_while_the_next_is_made(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    story.program("python3").open(*THESIS).close("log")
    story.answers().close()

    def kept() -> int:
        return sum(isinstance(thing, nx.Graph) for thing in gc.get_objects())

    def communities_beside(strands: Iterable[Strand]) -> list[Community]:
        seen.append(kept())
        return communities(Purposes(strands))

    seen: list[int] = []
    monkeypatch.setattr(structure, "communities", communities_beside)
    gc.collect()
    gc.disable()  # as far as anybody is to wait for it
    try:
        before = kept()
        with Past.open(story.database) as past:
            assert find_structure(past).clusters
        assert seen == [before]
        assert kept() == before
    finally:
        gc.enable()


def test_a_file_that_goes_while_the_whole_is_looked_at_is_left_out(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    story.answers().close()

    def communities_late(strands: Iterable[Strand]) -> list[Community]:
        found = communities(Purposes(strands))
        with sqlite3.connect(story.database) as engine:
            engine.execute("UPDATE file SET gone = 1 WHERE name = 'method.tex'")
        engine.close()
        return found

    monkeypatch.setattr(structure, "communities", communities_late)
    with Past.open(story.database) as past:
        gone = next(number for number, path in past.paths().items() if path == "thesis/method.tex")
        found = find_structure(past)
    assert found.clusters
    assert not any(gone in cluster.ranks for cluster in found.clusters)


@given(st.lists(st.lists(st.integers(1, 60), min_size=2, max_size=40, unique=True), max_size=20))
def test_every_file_is_in_one_community_and_always_in_the_same(work: list[list[int]]) -> None:
    strands = [Strand(1.0, dict.fromkeys(files, 1.0)) for files in work]
    groups = communities(Purposes(strands))
    found = [file for group in groups for file in group.files]
    assert len(found) == len(set(found)) == len({file for files in work for file in files})
    assert groups == communities(Purposes(strands))
    assert all(math.isfinite(weight) and weight > 0.0 for group in groups for weight in group.files.values())


def test_large_and_many_strands_are_held_in_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    def strands() -> list[Strand]:
        """Two projects of 300 files each, of which 40 to 200 are used at a time."""
        found = []
        for turn in range(60):
            start = 300 * (turn % 2)
            files = range(start, start + 300, 1 + turn % 7)
            found.append(Strand(1.0, dict.fromkeys(files, 1.0)))
        return found

    def projects() -> list[set[int]]:
        done = Purposes(strands())
        return sorted((set(group.files) for group in join(communities(done), done)), key=min)

    assert projects() == [set(range(300)), set(range(300, 600))]
    monkeypatch.setattr("mycelial.graph.communities.ALONE", (100, 100))
    assert projects() == [set(range(300)), set(range(300, 600))]
    monkeypatch.setattr("mycelial.graph.communities.RELATIONS", 30)
    assert projects() == [set(range(300)), set(range(300, 600))]


def test_no_two_labels_are_the_same() -> None:
    paths = {number: f"src/file{number}.c" for number in range(20)}
    names = Names(paths, ["src"])
    given_names = [names.name(dict.fromkeys(range(start, start + 4), 1.0)) for start in range(0, 20, 4)]
    assert len({"src", *given_names}) == 6


@pytest.mark.parametrize(
    ("files", "name"),
    [
        (("Projects/bot/bot/client.py", "Projects/bot/tests/test_client.py"), "bot"),
        (("Notes/choir.md", "Notes/choir people.md", "Notes/choir dates.md"), "Notes choir"),
        (("src/plugin.c", "src/plugins.h", "plugins/README.md", "Makefile"), "plugins src"),
        (("a/x.csv", "a/README.md", "a/y.csv", "b/z.csv", "c/v.csv", "c/u.csv"), "a"),
        (("README.md", "index.md"), "README.md"),
        (("birds/data/clean.csv", "birds/data/raw/a.csv", "birds/data/raw/b.csv"), "birds data"),
        (("docs/grammar.md", "docs/parser grammar.md"), "docs grammar"),
    ],
)
def test_a_label_says_what_its_owner_recognises(files: tuple[str, ...], name: str) -> None:
    others = [f"{top}/other{number}.txt" for top in ("Notes", "src", "a", "b", "c") for number in range(8)]
    paths = dict(enumerate((*files, *others)))
    assert Names(paths, []).name(dict.fromkeys(range(len(files)), 1.0)) == name


def test_what_lies_open_beside_everything_does_not_name_what_it_lies_beside() -> None:
    trip = dict(
        enumerate(f"Documents/Trips/Alma/{name}.odt" for name in ("plan", "budget", "hotels", "maps"))
    )
    other = {number: f"Documents/Loan/{number}.odt" for number in range(9, 20)}
    weights = dict.fromkeys(trip, 1.0) | {8: 20.0}
    assert Names(trip | other | {8: "Documents/todo.txt"}, []).name(weights) == "Alma"


def test_a_cluster_that_has_outgrown_its_name_gets_another() -> None:
    old = Named(7, 1000, "notes", 2, {1: 0, 2: 0})
    assert keep_names([dict.fromkeys(range(1, 6), 1.0)], [old]) == {0: (7, "notes", 2)}
    assert keep_names([dict.fromkeys(range(1, 60), 1.0)], [old]) == {0: (7, None, 2)}


def test_of_two_clusters_that_become_one_the_larger_goes_on() -> None:
    small, large = Named(1, 1000, "small", 2, {1: 0, 2: 0}), Named(2, 1000, "large", 3, {3: 0, 4: 0, 5: 0})
    assert keep_names([dict.fromkeys(range(1, 6), 1.0)], [small, large]) == {0: (2, "large", 3)}


def test_from_day_to_day_work_keeps_its_names_while_it_grows_and_turns_elsewhere(tmp_path: Path) -> None:
    story, draw = Story(tmp_path), random.Random(3)
    projects = {
        name: [f"{name}/{part}{number}.txt" for part in ("plan", "draft") for number in range(4)]
        for name in ("garden", "choir", "thesis")
    }
    called: dict[str, str] = {}
    kept = lost = 0
    for day in range(40):
        chosen = draw.sample(sorted(projects), 2)
        interleave(story, *([*draw.sample(projects[name], 3), "todo.txt"] for name in chosen))
        projects[chosen[0]].append(f"{chosen[0]}/day{day}.txt")
        story.pause()
        if day < 12:
            continue
        now = {path: cluster.label for cluster in clusters(story) for path in cluster.members}
        stayed = [now.get(path) == label for path, label in called.items()]
        kept, lost = kept + sum(stayed), lost + len(stayed) - sum(stayed)
        called = now
    assert all(name in called[path] for name in projects for path in projects[name][:8])
    assert lost <= 0.06 * kept


def test_one_piece_of_work_that_is_large_does_not_draw_in_all_others() -> None:
    draw = random.Random(5)
    tasks = [[10 * task + number for number in range(6)] for task in range(12)]
    strands = []
    for _ in range(600):
        chosen = draw.sample(tasks, 2 if draw.random() < 0.2 else 1)
        if draw.random() < 0.3:
            chosen[-1] = tasks[0]
        files = {file: draw.choice((1.0, 0.1)) for task in chosen for file in draw.sample(task, 3)}
        strands.append(Strand(1.0, files))
    assert [set(community.files) for community in communities(Purposes(strands))] == [
        set(task) for task in tasks
    ]


def test_tasks_of_a_home_stay_apart_though_two_are_often_worked_on_in_one_sitting() -> None:
    draw = random.Random(3)
    tasks = [[10 * task + number for number in range(1, 7)] for task in range(12)]
    strands = []
    for day in range(400):
        if day % 20 == 0:
            current = draw.sample(tasks, 4)
        chosen = draw.sample(current, 2 if draw.random() < 0.3 else 1)
        files = [file for task in chosen for file in draw.sample(task, 3)]
        files += [0] if draw.random() < 0.3 else []  # a list of what is to be done
        draw.shuffle(files)
        used = {file: draw.choice((1.0, 0.1)) for file in files}
        spells = tuple({file: used[file] for file in files[at : at + 2]} for at in range(0, len(files), 2))
        strands.append(Strand(1.0, used, (), spells))
    done = Purposes(strands)
    paths = {file: str(file) for file in (0, *itertools.chain(*tasks))}
    assert not done.is_told
    assert len(join(settle(communities(done), done, paths), done)) == len(tasks)


def test_tasks_stay_apart_though_something_else_is_looked_at_in_every_other_sitting() -> None:
    draw = random.Random(7)
    tasks = [[100 * task + number for number in range(7)] for task in range(1, 11)]
    lists = [1, 2]  # what is to be done, a calendar: they lie open beside everything
    strands = []
    for _ in range(300):
        files = draw.sample(draw.choice(tasks), 4)
        files += [draw.choice(draw.choice(tasks))] if draw.random() < 0.5 else []
        files += [draw.choice(lists)] if draw.random() < 0.3 else []
        draw.shuffle(files)
        used = {file: draw.choice((1.0, 0.1)) for file in files}
        strands.append(Strand(1.0, used, (), tuple({file: part} for file, part in used.items())))
    done = Purposes(strands)
    paths = {file: str(file) for file in (*lists, *itertools.chain(*tasks))}
    found = gather(join(settle(communities(done), done, paths), done), done, paths, is_told=False)
    assert len(found) == len(tasks)
    for task in tasks:
        assert any(set(task) <= set(group.files) for group in found)


@given(st.lists(st.lists(st.integers(1, 40), min_size=2, max_size=12, unique=True), max_size=40))
def test_joining_keeps_each_file_and_depends_on_no_order(work: list[list[int]]) -> None:
    done = Purposes([Strand(1.0, dict.fromkeys(files, 1.0)) for files in work])
    groups = communities(done)
    joined = join(groups, done)
    assert sorted(file for group in joined for file in group.files) == sorted(
        file for group in groups for file in group.files
    )
    again = Purposes([Strand(1.0, dict.fromkeys(reversed(files), 1.0)) for files in work])
    assert [set(group.files) for group in join(groups, again)] == [set(group.files) for group in joined]


def test_what_was_hardly_ever_used_goes_with_its_directory(story: Story) -> None:
    for number in range(6):
        interleave(story, (*THESIS, f"thesis/part{number}.tex"), (*TOOL, f"tool/part{number}.c"))
        story.pause()
    story.program("vim").close("thesis/abstract.tex", "thesis/preface.tex")
    story.pause()
    story.program("vim").close("tool/once.c")
    story.pause()
    story.program("vim").close("shared/alone.c")
    of = {path: cluster.label for cluster in clusters(story) for path in cluster.members}
    assert of["thesis/abstract.tex"] == of["thesis/preface.tex"] == of["thesis/intro.tex"]
    assert of["tool/once.c"] == of["tool/parse.c"]
    assert "shared/alone.c" not in of
