"""Provenance of compiled programs: an object is made from its sources, a library from its objects."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from mycelial.graph.rebuild import replay
from mycelial.record.jsonl import event_from_json
from mycelial.store.answers import Answers
from tests.unit.worked import Program, Story

DATA = Path(__file__).resolve().parent.parent / "data"


@pytest.fixture
def story(tmp_path: Path) -> Story:
    return Story(tmp_path)


def compile_one(gcc: Program, source: str, *headers: str) -> None:
    """What gcc -c does, its assembler text being outside of the mount."""
    gcc.run("cc1").open(source, *headers)
    gcc.run("as").make(source.replace(".c", ".o"))


@pytest.mark.parametrize("name", ["bzip2", "pubpipes"])
def test_recorded_work_is_understood_without_an_error(tmp_path: Path, name: str) -> None:
    with gzip.open(DATA / f"{name}.events.jsonl.gz", "rt") as log:
        replay(tmp_path / "db", (event_from_json(line) for line in log))
    truth = json.loads((DATA / f"{name}.sources.json").read_text())
    with Answers.open(tmp_path / "db", None) as answers:
        for product, inputs in truth.items():
            found = {source.path for source in answers.sources(product, limit=100)}
            assert set(inputs["need"]) <= found <= {*inputs["need"], *inputs["ok"]}


def test_an_object_comes_from_what_the_compiler_read_for_it(story: Story) -> None:
    make = story.program("make").open("Makefile")
    first, second = make.run("gcc"), make.run("gcc")
    one, other = first.run("cc1").open("a.c", "common.h"), second.run("cc1").open("b.c", "common.h")
    one.open("a.h")
    second.run("as").make("b.o")
    first.run("as").make("a.o")
    other.open("too-late.h")
    assert story.sources("a.o") == ["a.c", "a.h", "common.h"]
    assert story.sources("b.o") == ["b.c", "common.h"]


def test_one_compiler_run_for_two_files_keeps_them_apart(story: Story) -> None:
    gcc = story.program("gcc")
    compile_one(gcc, "a.c", "common.h")
    compile_one(gcc, "b.c", "common.h")
    assert story.sources("a.o") == ["a.c", "common.h"]
    assert story.sources("b.o") == ["b.c", "common.h"]


def test_a_dependency_file_by_the_way_takes_nothing_from_the_object(story: Story) -> None:
    gcc = story.program("gcc")
    gcc.run("cc1").open("a.c", "a.h").make("a.d")
    gcc.run("as").make("a.o")
    assert story.sources("a.d") == ["a.c", "a.h"]
    assert story.sources("a.o") == ["a.c", "a.h"]


def test_intermediate_files_that_are_kept_are_the_direct_sources(story: Story) -> None:
    gcc = story.program("gcc")
    gcc.run("cc1").open("a.c", "a.h").make("a.i")
    gcc.run("cc1").open("a.i").make("a.s")
    gcc.run("as").open("a.s").make("a.o")
    assert story.sources("a.i") == ["a.c", "a.h"]
    assert story.sources("a.s") == ["a.i"]
    assert story.sources("a.o") == ["a.s"]


def test_compiling_and_linking_in_one_go_is_made_from_everything(story: Story) -> None:
    gcc = story.program("gcc")
    gcc.run("cc1").open("a.c", "a.h")
    gcc.run("as")
    gcc.run("collect2").run("ld").open("lib.a").make("program")
    assert story.sources("program") == ["a.c", "a.h", "lib.a"]


def test_what_comes_off_by_the_way_uses_nothing_up(story: Story) -> None:
    gcc = story.program("gcc")
    gcc.run("cc1").open("a.c", "a.h").make("a.gcno")
    gcc.run("objcopy").make("a.dwo")
    gcc.run("cc1").open("b.c").make("b.gcno")
    gcc.run("objcopy").make("b.dwo")
    gcc.run("collect2").run("ld").open("lib.a").make("program")
    assert story.sources("b.gcno") == ["b.c"]
    assert story.sources("program") == ["a.c", "a.h", "b.c", "lib.a"]


def test_what_is_read_for_a_later_file_is_still_in_what_all_become(story: Story) -> None:
    gfortran = story.program("gfortran")
    gfortran.run("f951").open("a.f90").make("a.mod")
    gfortran.run("f951").open("b.f90", "a.mod")
    gfortran.run("collect2").run("ld").make("program")
    assert story.sources("program") == ["a.f90", "a.mod", "b.f90"]


def test_what_its_maker_removed_and_made_again_of_others_is_a_product(story: Story) -> None:
    installing = story.program("cmake").open("app").make("bin/app").unlink("bin/app")
    assert story.products("app") == []
    installing.make("bin/app")
    assert story.products("app") == ["bin/app"]
    installing.unlink("bin/app")
    assert story.products("app") == []


def test_a_compiler_that_thinks_long_is_still_one_unit_of_work(story: Story) -> None:
    gcc = story.program("gcc")
    gcc.run("cc1").open("a.c")
    story.wait(1800)
    gcc.run("as").make("a.o")
    assert story.sources("a.o") == ["a.c"]


def test_building_again_replaces_the_sources_and_counts(story: Story) -> None:
    compile_one(story.program("gcc"), "a.c", "old.h")
    story.pause()
    compile_one(story.program("gcc"), "a.c", "new.h")
    with story.answers() as answers:
        assert {found.path: found.episodes for found in answers.sources("a.o")} == {"a.c": 2, "new.h": 1}


def test_an_archive_written_through_a_temporary_is_made_from_its_members(story: Story) -> None:
    ar = story.program("ar").create("lib.a").open("a.o", "b.o")
    ar.make("stXYZ").open("lib.a", "stXYZ").close("lib.a").unlink("stXYZ")
    story.program("ranlib").open("lib.a").make("stABC").open("stABC").close("lib.a").unlink("stABC")
    assert story.sources("lib.a") == ["a.o", "b.o"]


def test_adding_to_an_archive_keeps_what_is_in_it(story: Story) -> None:
    story.program("ar").open("a.o").make("lib.a")
    story.program("ar").open("lib.a", "b.o").make("stXYZ").rename("stXYZ", "lib.a")
    assert story.sources("lib.a") == ["a.o", "b.o"]


def test_an_object_that_is_made_again_is_still_what_the_program_was_linked_from(story: Story) -> None:
    compile_one(story.program("gcc"), "a.c")
    story.program("gcc").run("ld").open("a.o").make("program")
    gcc = story.program("gcc")
    gcc.run("cc1").open("a.c")
    gcc.run("as").unlink("a.o").make("a.o")
    assert story.sources("program") == ["a.o"]


def test_where_objects_were_cleaned_away_their_sources_stand(story: Story) -> None:
    compile_one(story.program("gcc"), "a.c", "a.h")
    story.program("gcc").run("ld").open("a.o").make("program")
    story.pause()
    story.program("rm").unlink("a.o")
    assert story.sources("program") == ["a.c", "a.h"]
    assert story.products("a.h") == ["program"]


def test_parents_that_only_decide_what_to_run_are_no_part_of_it(story: Story) -> None:
    python = story.program("python3").open("setup.py", "setup.cfg")
    compile_one(python.run("gcc"), "a.c")
    assert story.sources("a.o") == ["a.c"]


def test_versions_of_a_tree_are_not_made_from_one_another(story: Story) -> None:
    story.program("git").open("a.c", "b.c").make("a.c", "c.c")
    assert story.sources("c.c") == []


def test_a_recipe_is_the_command_line_of_whoever_was_asked(story: Story) -> None:
    story.program("cc", args=("cc", "-o", "a b", "x.c"), cwd="/home/alice/src").open("x.c").make("a b")
    with story.answers() as answers:
        recipe = answers.how("a b")
    assert recipe is not None
    assert recipe.command == "cc -o 'a b' x.c"
    assert (recipe.cwd, recipe.program, recipe.sources) == ("/home/alice/src", "cc", ("x.c",))


def test_a_filter_that_opens_nothing_is_named_by_its_closing(story: Story) -> None:
    child = story.program("bash", args=("bash",), pipe_in=("1",)).create("out")
    child.becomes("awk", args=("awk", "{print}")).close("out")
    with story.answers() as answers:
        recipe = answers.how("out")
    assert recipe is not None
    assert recipe.args == ("awk", "{print}")


def test_nobody_made_what_was_only_edited(story: Story) -> None:
    story.program("vim", args=("vim", "x.c")).open("x.c").close("x.c")
    with story.answers() as answers:
        assert answers.how("x.c") is None
        assert answers.how("never seen") is None


def test_what_a_builder_includes_of_what_it_made_is_in_nothing_else(story: Story) -> None:
    cmake = story.program("cmake").make("rules.cmake").open("rules.cmake")
    cmake.create("config.h.tmp").open("config.h.in").close("config.h.tmp")
    cmake.open("config.h.tmp").make("config.h").unlink("config.h.tmp")
    assert story.sources("config.h") == ["config.h.in"]
