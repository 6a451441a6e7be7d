"""Provenance of everything but builds: pipelines, scripts, converters, and programs that stay."""

from __future__ import annotations

from pathlib import Path

import pytest

from mycelial.graph import flows
from mycelial.graph.actors import Read
from mycelial.graph.making import Making
from mycelial.graph.processes import Processes
from mycelial.graph.telling import captures_for_words
from mycelial.record.events import Neighbour, Op
from tests.unit.worked import Story


@pytest.fixture
def story(tmp_path: Path) -> Story:
    return Story(tmp_path)


def test_a_redirection_belongs_to_the_command_that_the_shell_becomes(story: Story) -> None:
    story.program("bash").create("out").becomes("sort").open("in").close("out")
    assert story.sources("out") == ["in"]


def test_both_redirections_of_a_command_join(story: Story) -> None:
    story.program("bash").open("in").create("out").becomes("tr").close("out")
    assert story.sources("out") == ["in"]


def test_the_closing_may_be_reported_for_the_program_as_it_was_at_the_opening(story: Story) -> None:
    child = story.program("bash").create("out")
    shell = child.process
    child.becomes("sort").open("in")
    child.process = shell
    child.close("out")
    assert story.sources("out") == ["in"]


def test_a_pipeline_joins_its_ends_through_filters_that_touch_no_file(story: Story) -> None:
    story.program("cat", pipe_out=("1",)).open("a", "b")
    story.program("bash", pipe_in=("1", "2")).create("out").becomes("uniq").close("out")
    assert story.sources("out") == ["a", "b"]


def test_a_long_pipeline_is_followed_through_those_in_between(story: Story) -> None:
    story.program("cut", pipe_out=("1",)).open("a")
    story.program("join", pipe_in=("1",), pipe_out=("2",)).open("b")
    story.program("bash", pipe_in=("2",)).create("out").becomes("sort").close("out")
    assert story.sources("out") == ["a", "b"]


def test_a_filter_that_nobody_saw_does_not_break_a_pipeline(story: Story) -> None:
    shell = story.program("bash")
    shell.run("cat", pipe_out=("1",), start=500).open("earlier")
    story.wait(10)
    shell.run("cat", pipe_out=("5",), start=1500).open("a")
    tee = shell.run("tee", pipe_in=("6",), start=1501).make("out")
    assert story.sources("out") == ["a"]
    story.wait(10)
    tee.run("sort", pipe_in=("9",), start=2500).make("other")
    assert story.sources("other") == []


def test_parallel_jobs_with_one_output_and_an_input_that_nobody_writes_to_are_no_pipeline(
    story: Story,
) -> None:
    make = story.program("make", pipe_out=("1",))
    make.run("sed", pipe_out=("1",), start=500).open("a").make("a.out")
    make.run("sed", pipe_in=("7",), pipe_out=("1",), start=501).open("b").make("b.out")
    assert story.sources("b.out") == ["b"]


def test_tee_writes_what_came_through_the_pipe_to_all_its_files(story: Story) -> None:
    story.program("grep", pipe_out=("1",)).open("a")
    story.program("tee", pipe_in=("1",)).create("one", "two").close("one", "two")
    assert story.sources("one") == ["a"]
    assert story.sources("two") == ["a"]


def test_pipelines_that_run_at_the_same_time_stay_apart(story: Story) -> None:
    story.program("cat", pipe_out=("1",)).open("a")
    story.program("cat", pipe_out=("2",)).open("b")
    story.program("sort", pipe_in=("1",)).make("x")
    story.program("sort", pipe_in=("2",)).make("y")
    assert (story.sources("x"), story.sources("y")) == (["a"], ["b"])


def test_where_a_pipeline_within_a_program_led_is_the_file_that_its_end_wrote(story: Story) -> None:
    driver = story.program("bash").create("x.ps").becomes("groff")
    last = driver.run("grops")
    beside = (Neighbour(last.process.pid, ("pipe:[1]", "/mnt/x.ps"), ("grops",)),)
    driver.run("troff", pipe_out=("pipe:[1]",), neighbours=beside).open("x.tr")
    last.close("x.ps")
    story.program("gs", args=("gs", "-o", "x.pdf", "x.ps"), cwd="/mnt").open("x.ps").make("x.pdf")
    assert story.sources("x.pdf") == ["x.ps"]


def test_a_group_of_commands_writes_through_its_shell(story: Story) -> None:
    shell = story.program("bash").create("out")
    shell.run("head").open("a")
    shell.run("tail").open("b")
    shell.close("out")
    assert story.sources("out") == ["a", "b"]


def test_what_a_script_runs_beside_a_group_is_not_in_what_the_group_writes(story: Story) -> None:
    script = story.program("bash", fds=((0, ""), (1, "pipe:[7]")), pipe_out=("pipe:[7]",)).create("out")
    script.run("git", fds=((0, ""), (1, "pipe:[7]")), pipe_out=("pipe:[7]",)).open("everything")
    script.run("git", fds=((0, ""), (2, "pipe:[7]"))).open("all else")
    script.run("head", fds=((0, ""), (1, "/home/alice/out"))).open("a")
    script.run("cut", fds=((0, ""), (1, "pipe:[8]")), pipe_out=("pipe:[8]",)).open("b")
    script.close("out")
    assert story.sources("out") == ["a", "b"]


def test_what_a_shell_runs_between_two_writings_is_in_neither(story: Story) -> None:
    shell = story.program("bash", fds=((0, ""),)).make("notes")
    story.wait(60)
    shell.run("cat", fds=((0, ""), (1, "pipe:[8]")), pipe_out=("pipe:[8]",)).open("something else")
    story.wait(60)
    shell.close("notes")
    assert story.sources("notes") == []


def test_a_part_of_a_pipeline_that_closes_its_groups_output_when_it_begins_has_made_nothing_yet(
    story: Story,
) -> None:
    group = story.program("bash", fds=((0, ""),)).create("out")
    part = group.run("bash", fds=((0, ""), (1, "pipe:[8]")), pipe_out=("pipe:[8]",)).close("out")
    part.becomes("head").open("in")
    group.run("tr").close("out")  # at its end, with nothing open any more
    assert story.sources("out") == ["in"]


def test_what_a_filter_took_that_was_seen_at_its_end_only_was_not_captured(story: Story) -> None:
    shell = story.program("bash", fds=((0, ""),)).create("out")
    shell.run("tail", fds=((0, ""), (1, "pipe:[8]")), pipe_out=("pipe:[8]",)).open("list")
    shell.run("bash").close("out")
    shell.make("next")
    assert story.sources("out") == ["list"]
    assert story.sources("next") == []


def test_what_was_taken_up_for_another_file_is_not_in_what_is_added_to_the_first(story: Story) -> None:
    shell = story.program("bash", fds=((0, ""),)).create("out")
    shell.run("cat", fds=((0, ""), (1, "/home/alice/out"))).open("a").close("out")
    shell.open("word").make("other")
    shell.run("sort", fds=((0, ""), (1, "pipe:[8]")), pipe_out=("pipe:[8]",)).open("b")
    uniq = shell.run("uniq", fds=((0, "pipe:[8]"), (1, "/home/alice/third")), pipe_in=("pipe:[8]",))
    uniq.make("third")
    shell.close("out")
    assert story.sources("other") == ["word"]
    assert story.sources("out") == ["a"]


def test_what_is_substituted_for_a_command_whose_output_is_captured_is_captured_with_it(story: Story) -> None:
    script = story.program("bash", args=("bash", "play"))
    writer = script.run("bash", args=("bash", "play")).create("out")
    comm = Neighbour(500, ("", "pipe:[9]", ""), ("comm", "/dev/fd/63", "/dev/fd/62"))
    for name, pipe in (("a", "pipe:[7]"), ("b", "pipe:[8]")):
        chain = ((500, "comm"), (writer.process.pid, "bash"), *writer.process.chain)
        outputs = {"pipe_out": (pipe, "pipe:[9]"), "fds": ((0, ""), (1, pipe))}
        writer.run("sort", ppid=500, chain=chain, neighbours=(comm,), **outputs).open(name)
    writer.becomes("cat", args=("cat",)).close("out")
    assert story.sources("out") == ["a", "b"]


def test_a_loops_input_is_in_nothing_that_is_added_to_after_it(story: Story) -> None:
    shell = story.program("bash", fds=((0, "/home/alice/list"),)).open("list").make("looped")
    shell.becomes("bash", fds=((0, ""),)).close("log")
    assert (story.sources("looped"), story.sources("log")) == (["list"], [])


def test_what_is_captured_for_a_here_document_is_in_nothing_else(story: Story) -> None:
    script = story.program("bash", args=("bash", "play"))
    part = script.run("bash", args=("bash", "play")).create("page")
    part.run("paste", pipe_out=("9",)).open("a", "b")
    part.becomes("cat", args=("cat",)).close("page")
    script.make("log")
    assert (story.sources("page"), story.sources("log")) == (["a", "b"], [])


def test_all_that_is_substituted_for_a_captured_command_by_its_text_is_captured(story: Story) -> None:
    text = 'x=$(comm <(sort a) <(sort b)); echo "$x" > out'
    shell = story.program("bash", args=("bash", "-c", text))
    for name in ("a", "b"):
        chain = ((500, "comm"), (shell.process.pid, "bash"), *shell.process.chain)
        shell.run("sort", ppid=500, chain=chain, args=("sort", name), pipe_out=(name, "9")).open(name)
    shell.make("out")
    assert story.sources("out") == ["a", "b"]


def test_what_is_captured_may_be_used_after_other_commands(story: Story) -> None:
    script = story.program("bash", args=("bash", "play"))
    script.run("cat", args=("cat", "a"), pipe_out=("9",)).open("a")
    script.run("grep", args=("grep", "1", "b"), chain_args=(("bash", "play"),)).open("b").make("found")
    script.make("out")
    assert story.sources("out") == ["a"]


def test_a_group_that_adds_to_a_file_takes_in_what_it_read_before_its_commands_made_others(
    story: Story,
) -> None:
    shell = story.program("bash", fds=((0, ""),)).make("out")
    shell.open("a")
    shell.run("sort", fds=((0, ""), (1, "/home/alice/other"))).open("b").make("other")
    shell.open("c").close("out")
    assert story.sources("out") == ["a", "c"]


@pytest.mark.parametrize("is_added_to", [False, True])
def test_what_a_loop_captures_is_in_its_output_though_its_commands_have_their_own(
    story: Story, is_added_to: bool
) -> None:
    streams = ((0, ""), (2, "/home/alice/log"))
    script = story.program("bash", args=("bash", "play"), fds=streams).create("out")
    if is_added_to:
        script.close("out")
    for name in ("a", "b"):
        pipe = {"fds": (*streams, (1, f"pipe:[{name}]")), "pipe_out": (f"pipe:[{name}]",)}
        script.run("cat", **pipe).open(name)
        copy = script.run("bash", args=("bash", "play"), fds=(*streams, (1, "/home/alice/out")))
        copy.create(f"{name}.date").close("out")  # what the script said, as the copy lets go of it
        copy.becomes("date", args=("date",)).close(f"{name}.date")
    assert story.sources("out") == ["a", "b"]


def test_what_was_captured_for_one_file_is_in_nothing_that_is_added_to_another(story: Story) -> None:
    script = story.program("bash", args=("bash", "play")).make("log")
    script.run("sort", pipe_out=("9",)).open("in")
    script.make("sorted").close("log")
    assert (story.sources("sorted"), story.sources("log")) == (["in"], [])


def test_a_loop_that_reads_lines_is_made_from_its_list_and_what_it_looked_into(story: Story) -> None:
    shell = story.program("bash", args=("bash", "-c", "…")).open("list").create("out")
    for _ in range(3):
        shell.run("grep").open("dictionary")
    shell.close("out")
    assert story.sources("out") == ["dictionary", "list"]


def test_commands_in_a_loop_that_write_their_own_files_do_not_count_for_its_log(story: Story) -> None:
    shell = story.program("bash").create("log")
    shell.run("bash").create("x.sorted").becomes("sort").open("x").close("x.sorted")
    shell.run("cat").open("y")
    shell.close("log")
    assert story.sources("log") == ["y"]
    assert story.sources("x.sorted") == ["x"]


def test_xargs_passes_its_output_on_to_what_it_runs(story: Story) -> None:
    xargs = story.program("bash").create("out").becomes("xargs")
    xargs.run("cat").open("a")
    xargs.run("cat").open("b")
    xargs.close("out")
    assert story.sources("out") == ["a", "b"]


def test_jobs_that_xargs_runs_side_by_side_stay_apart(story: Story) -> None:
    xargs = story.program("xargs")
    one, other = xargs.run("convert").open("a.svg"), xargs.run("convert").open("b.svg")
    other.make("b.png")
    one.make("a.png")
    assert (story.sources("a.png"), story.sources("b.png")) == (["a.svg"], ["b.svg"])


def test_a_script_is_not_what_its_commands_are_made_from(story: Story) -> None:
    shell = story.program("sh", args=("sh", "tools/run.sh")).open("tools/run.sh").create("out")
    shell.run("cut").open("in").close("out")
    shell.create("stamp").close("stamp")
    assert story.sources("out") == ["in"]
    assert story.sources("stamp") == []


def test_a_shell_that_stays_makes_nothing_from_what_it_read_before(story: Story) -> None:
    shell = story.program("bash").open("profile", "history")
    story.wait(100)
    shell.make("note")
    assert story.sources("note") == []


def test_messages_of_a_build_are_not_made_from_what_it_compiles(story: Story) -> None:
    make = story.program("make", pipe_out=("1",))
    make.run("gcc", pipe_out=("1",)).run("cc1", pipe_out=("1",)).open("a.c")
    story.program("tee", pipe_in=("1",)).make("build.log")
    assert "a.c" not in story.sources("build.log")


def test_what_goes_on_within_a_build_when_its_parent_is_gone_is_no_reader_of_messages(story: Story) -> None:
    recipe = story.program("make", pipe_out=("1",)).run("bash", pipe_out=("1",))
    recipe.run("cat", pipe_out=("2",)).open("a")
    recipe.run("tee", pipe_in=("2",), pipe_out=("3",)).make("copied")
    story.program("bash", ppid=1, chain=(), pipe_in=("3",)).create("out").becomes("sort").close("out")
    assert story.sources("out") == ["a"]


def test_messages_of_a_build_are_none_for_a_reader_without_ancestors_either(story: Story) -> None:
    make = story.program("make", pipe_out=("1",)).open("Makefile")
    make.run("cc1", pipe_out=("1",)).open("a.c")
    story.program("tee", ppid=1, chain=(), pipe_in=("1",)).make("build.log")
    assert "a.c" not in story.sources("build.log")


def test_editing_in_place_through_a_temporary_keeps_the_sources(story: Story) -> None:
    story.program("cp").open("in").make("out")
    story.program("sed").open("out").make("sedX").rename("sedX", "out")
    assert story.sources("out") == ["in"]


def test_writing_anew_forgets_the_old_sources(story: Story) -> None:
    story.program("cp").open("old").make("out")
    story.program("cp").open("new").make("out")
    assert story.sources("out") == ["new"]


def test_appending_adds_sources(story: Story) -> None:
    story.program("cp").open("a").make("out")
    story.program("cat").open("b").close("out")
    assert story.sources("out") == ["a", "b"]


def test_renaming_carries_sources_along(story: Story) -> None:
    story.program("cut").open("in").make("out.part")
    story.program("mv").rename("out.part", "out")
    assert story.sources("out") == ["in"]
    assert story.products("in") == ["out"]


def test_a_temporary_between_is_left_out(story: Story) -> None:
    story.program("sort").open("a").make("tmp")
    story.program("join").open("tmp", "b").make("out")
    story.program("rm").unlink("tmp")
    assert story.sources("out") == ["a", "b"]
    assert story.products("a") == ["out"]


def test_a_temporary_that_is_used_again_does_not_mix_its_contents(story: Story) -> None:
    for source, out in (("a", "one"), ("b", "two")):
        story.program("sort").open(source).make("tmp")
        story.program("uniq").open("tmp").make(out)
        story.program("rm").unlink("tmp")
    assert (story.sources("one"), story.sources("two")) == (["a"], ["b"])
    assert (story.products("a"), story.products("b")) == (["one"], ["two"])


def test_commands_given_to_a_shell_with_their_input_as_a_word(story: Story) -> None:
    shell = story.program("sh", args=("sh", "-c", "tr a-z A-Z < $0 > $0.up", "in"))
    shell.open("in").create("in.up").becomes("tr", args=("tr", "a-z", "A-Z")).close("in.up")
    assert story.sources("in.up") == ["in"]


def test_what_a_script_captures_of_its_children_is_in_what_it_writes(story: Story) -> None:
    python = story.program("python3").open("run.py")
    python.run("sort", pipe_out=("7",)).open("in")
    python.run("gcc").open("a.c").make("a.o")
    python.make("out")
    assert story.sources("out") == ["in", "run.py"]


def test_what_is_read_after_the_writing_is_no_source(story: Story) -> None:
    program = story.program("program").open("in").make("out")
    program.open("later")
    assert story.sources("out") == ["in"]


def test_a_file_is_not_its_own_source(story: Story) -> None:
    story.program("as").create("a.o").open("a.o").close("a.o")
    assert story.sources("a.o") == []


def test_a_script_that_makes_two_things_of_one_input_makes_both_from_it(story: Story) -> None:
    story.program("python3").open("plot.py", "data.csv").make("data.parquet", "plot.png")
    assert story.sources("data.parquet") == ["data.csv", "plot.py"]
    assert story.sources("plot.png") == ["data.csv", "plot.py"]


def test_a_converter_pairs_files_by_name(story: Story) -> None:
    python = story.program("python3").open("convert.py")
    for name in ("x", "y", "z"):
        python.open(f"{name}.csv").make(f"{name}.json")
    assert story.sources("z.json") == ["convert.py", "z.csv"]


def test_a_compiler_that_makes_several_classes_of_each_file_pairs_them_by_name(story: Story) -> None:
    story.program("javac").open("X.java", "Y.java").make("X$In.class", "X.class", "Y$1.class", "Y.class")
    assert [story.sources(name) for name in ("X$In.class", "Y$1.class")] == [["X.java"], ["Y.java"]]


def test_copying_many_files_pairs_them_one_by_one(story: Story) -> None:
    cp = story.program("cp")
    for name in ("x", "y", "z"):
        cp.open(f"from/{name}").make(f"to/{name}")
    assert [story.sources(f"to/{name}") for name in "xyz"] == [["from/x"], ["from/y"], ["from/z"]]


def test_a_file_manager_that_stays_open_copies_each_from_its_own(story: Story) -> None:
    manager = story.program("nautilus")
    manager.open("a").make("copies/a")
    story.wait(3000)
    manager.open("b").make("copies/b")
    assert story.sources("copies/b") == ["b"]


def test_a_notebook_that_stays_open_does_not_mix_yesterday_in(story: Story) -> None:
    kernel = story.program("python3")
    for name in ("one", "two", "three"):
        kernel.open(f"{name}.csv")
        story.wait(100)
        kernel.make(f"{name}-summary.txt", f"{name}-plot.png")
        story.wait(4000)
    assert story.sources("three-plot.png") == ["three.csv"]
    assert story.sources("three-summary.txt") == ["three.csv"]


def test_a_long_run_that_reads_its_own_notes_again_is_one_piece_of_work(story: Story) -> None:
    latex = (
        story.program("pdflatex").open("main.tex", "main.aux", "figure.png").create("main.pdf", "main.aux")
    )
    story.wait(300)
    latex.close("main.aux").open("main.aux").make("main.log").close("main.pdf")
    assert story.sources("main.pdf") == ["figure.png", "main.aux", "main.tex"]


def test_a_long_computation_may_use_at_the_end_what_it_read_at_the_beginning(story: Story) -> None:
    python = story.program("python3").open("train.py", "data.csv")
    story.wait(2000)
    python.make("model.bin").open("test.csv")
    story.wait(2000)
    python.make("scores.txt")
    assert story.sources("scores.txt") == ["data.csv", "test.csv", "train.py"]


def test_a_notebook_that_is_taken_up_again_makes_something_else(story: Story) -> None:
    kernel = story.program("python3").open("one.csv").make("one.png")
    story.wait(600)
    kernel.open("two.txt").make("plot.svg", "table.tex")
    assert story.sources("plot.svg") == ["two.txt"]
    assert story.sources("table.tex") == ["two.txt"]


def test_saving_one_of_many_open_files_says_nothing_about_the_others(story: Story) -> None:
    story.program("cp").open("z").make("a.c")
    story.pause()
    code = story.program("code").open("a.c", "b.c", "c.c")
    code.make(".a.c.tmp").rename(".a.c.tmp", "a.c").close("b.c").create("c.c").close("c.c")
    assert story.sources("a.c") == ["z"]
    assert story.sources("b.c") == []
    assert story.sources("c.c") == []


def test_saving_in_place_after_saving_by_rename_says_nothing_either(story: Story) -> None:
    story.program("cp").open("z").make("a.c")
    code = story.program("code").open("a.c", "a.h").make(".a.c.tmp").rename(".a.c.tmp", "a.c").close("a.c")
    code.close("a.h")
    assert story.sources("a.c") == ["z"]


def test_an_editor_exports_a_document_from_the_one_of_its_name(story: Story) -> None:
    office = story.program("soffice.bin").open("report.odt", "letter.odt")
    office.make("report.pdf")
    assert story.sources("report.pdf") == ["report.odt"]


def test_an_editor_that_nobody_sits_in_front_of_makes_it_of_what_it_was_told_to_open(story: Story) -> None:
    words = ("vim", "-es", "-c", "w! out", "in")
    for _ in range(2):
        story.program("vim", args=words).open("vimrc", "in").make("out")
        assert story.sources("out") == ["in"]
    story.program("ed", args=("ed", "-s", "one")).open("one", "two").make("one")
    assert story.sources("one") == []
    story.program("vim", args=("vim", "in")).open("in").make("other")
    assert story.sources("other") == []


@pytest.mark.parametrize(
    "words",
    [
        ("inkscape", "in.svg", "-o", "out.png"),
        ("inkscape", "--export-filename=out.png", "in.svg"),
        ("vim", "-es", "-c", "w out.png", "-c", "q!", "in.svg"),
        ("gimp", "-i", "-b", '(convert "in.svg" "out.png")'),
    ],
)
def test_what_an_editor_by_itself_is_told_to_make_is_made_of_what_it_was_told_to_open(
    story: Story, words: tuple[str, ...]
) -> None:
    for _ in range(2):
        story.program(words[0], args=words).open("settings", "in.svg").make("out.png")
        assert story.sources("out.png") == ["in.svg"]


def test_of_what_an_editor_by_itself_edits_none_is_made_from_another(story: Story) -> None:
    story.program("vim", args=("vim", "-es", "-c", "wqa", "a", "b")).open("a", "b").make("a", "b")
    assert (story.sources("a"), story.sources("b")) == ([], [])


def test_of_several_that_an_editor_works_off_each_product_is_made_from_its_own(story: Story) -> None:
    letters = ("a", "b", "c")
    words = ("soffice.bin", "--headless", "--convert-to", "pdf", *(f"{letter}.odt" for letter in letters))
    for _ in range(2):
        office = story.program("soffice.bin", args=words)
        for letter in letters:
            office.open(f"{letter}.odt").make(f"{letter}.pdf")
            story.wait(1)
        assert [story.sources(f"{letter}.pdf") for letter in letters] == [["a.odt"], ["b.odt"], ["c.odt"]]


def test_an_id_that_is_used_again_is_another_process(story: Story) -> None:
    first = story.program("cut").open("a")
    second = story.program("cut").open("b")
    second.process = type(second.process)(
        first.process.pid, second.process.ppid, "cut", second.process.uid, start=99999
    )
    second.open("c").make("out")
    assert story.sources("out") == ["c"]


def test_processes_of_which_nothing_is_known_make_nothing(story: Story) -> None:
    story.program("gcc", args=("gcc", "-o", "tool")).make("tool")
    unknown = story.program("?", pid=0, ppid=0, chain=(), start=None)
    unknown.open("a").execute("tool").make("b")
    assert story.sources("b") == []
    with story.answers() as answers:
        assert "tool" not in [product.made_as for product in answers.chain("b").products]


def test_what_xargs_is_given_says_what_those_that_it_runs_make(story: Story) -> None:
    story.program("cat", pipe_out=("1",)).open("list")
    xargs = story.program("bash", pipe_in=("1",)).create("out").becomes("xargs")
    xargs.run("cat").open("a").close("out")
    assert story.sources("out") == ["a", "list"]


def test_what_a_shell_captured_is_in_what_it_writes_next(story: Story) -> None:
    shell = story.program("bash", args=("bash", "x.sh"))
    shell.run("head", pipe_out=("7",)).open("a")
    shell.make("one")
    shell.run("cat", pipe_out=("8",)).open("b")
    shell.make("two")
    shell.make("three")
    assert story.sources("one") == ["a"]
    assert story.sources("two") == ["b"]
    assert story.sources("three") == []


def test_a_script_that_a_shell_reads_into_itself_is_in_nothing_that_it_writes(story: Story) -> None:
    shell = story.program("bash").open("functions.sh", "list")
    story.wait(5)
    shell.make("note")
    assert story.sources("note") == ["list"]


def test_what_is_captured_for_a_filter_does_not_take_what_the_filter_reads(story: Story) -> None:
    shell = story.program("bash")
    shell.run("cat", pipe_out=("1", "2")).open("a")
    sed = shell.run("bash", pipe_in=("1",))
    sed.run("cat", pipe_in=("1",), pipe_out=("2",)).open("word")
    sed.create("filtered").becomes("sed").close("filtered")
    shell.make("note")
    assert "a" not in story.sources("note")


def test_what_another_program_reads_from_a_pipe_is_not_captured(story: Story) -> None:
    shell = story.program("bash", args=("bash", "x.sh"))
    beside = (Neighbour(99, ("7", "", ""), ("wc", "-l")),)
    shell.run("cat", pipe_out=("7",), neighbours=beside).open("a")
    shell.make("one")
    assert story.sources("one") == []


def test_a_file_that_was_opened_long_before_is_still_a_programs_input(story: Story) -> None:
    story.program("bash").open("in")
    story.wait(100)
    fds = ((0, "/mnt/x/dir/in"), (1, "/mnt/x/dir/out"))
    story.program("vim").make("dir/in")
    story.program("cat", fds=fds).make("dir/out")
    assert story.sources("dir/out") == ["dir/in"]


def test_a_script_that_copies_one_file_after_another_copies_each(story: Story) -> None:
    python = story.program("python3").open("manager.py")
    for name, copy in (("a", "one"), ("b", "two"), ("c", "three"), ("d", "four")):
        python.open(name).make(copy)
    assert story.sources("one") == ["a", "manager.py"]
    assert story.sources("two") == ["b", "manager.py"]
    assert story.sources("four") == ["d", "manager.py"]


def test_what_was_begun_before_is_made_from_all_that_is_read_until_it_is_finished(story: Story) -> None:
    latex = (
        story.program("pdflatex").open("p.tex", "p.aux", "p.out", "p.toc").create("p.aux", "p.out", "p.toc")
    )
    latex.open("p.bbl").close("p.aux").open("p.aux").close("p.out").open("p.out").close("p.toc")
    assert story.sources("p.toc") == ["p.aux", "p.bbl", "p.out", "p.tex"]


def test_what_is_written_after_the_last_round_is_made_from_everything(story: Story) -> None:
    python = story.program("python3")
    for name in ("a", "b", "c"):
        python.open(name).make(f"{name}.stat")
    python.make("summary")
    assert story.sources("summary") == ["a", "b", "c"]


def test_two_tables_that_are_joined_are_both_sources(story: Story) -> None:
    python = story.program("python3").open("left").make("left.clean")
    python.open("right").make("right.clean").make("joined")
    assert story.sources("joined") == ["left", "right"]


def test_sources_are_bounded_where_a_program_reads_and_writes_very_much(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mycelial.graph.provenance.SOURCES_OF_ALL", 40)
    monkeypatch.setattr("mycelial.graph.provenance.FEWEST", 5)
    program = story.program("shuffle").open(*(f"in{number}" for number in range(50)))
    program.make(*(f"out{number}" for number in range(20)))
    assert len(story.sources("out0")) == 40
    assert story.sources("out19") == [f"in{number}" for number in range(45, 50)]


def test_what_a_shell_opened_for_a_child_is_not_for_what_it_writes_next(story: Story) -> None:
    shell = story.program("bash").open("list")
    shell.run("sort").open("a").make("sorted")
    shell.make("greeting")
    assert story.sources("greeting") == []


def test_an_archive_that_was_tried_out_before_it_got_its_content_is_what_is_unpacked(story: Story) -> None:
    packer = story.program("zip").make("all.zip").unlink("all.zip")
    packer.create("ziAb3").open("a", "b").close("ziAb3").rename("ziAb3", "all.zip")
    story.program("unzip").open("all.zip").make("out/a")
    assert story.sources("out/a") == ["all.zip"]
    assert story.sources("all.zip") == ["a", "b"]


def test_a_copy_has_what_is_called_so_however_many_files_its_program_reads_ahead(story: Story) -> None:
    sender = story.program("rsync").open("from/x/a", "from/a", "from/b")
    receiver = sender.run("rsync")
    for name in ("a", "b", "x/a"):
        directory, _, last = f"to/{name}".rpartition("/")
        receiver.make(f"{directory}/.{last}.Qw3rT").rename(
            f"{directory}/.{last}.Qw3rT", f"{directory}/{last}"
        )
    assert [story.sources(f"to/{name}") for name in ("a", "b", "x/a")] == [
        ["from/a"],
        ["from/b"],
        ["from/x/a"],
    ]


def test_threads_that_convert_many_files_at_once_make_each_from_its_own(story: Story) -> None:
    program = story.program("python3", args=("python3", "convert.py")).open("convert.py")
    program.open("page-1.txt", "page-2.txt", "page-3.txt").create("scan-1", "scan-2").open("page-4.txt")
    program.close("scan-2", "scan-1").make("scan-3", "scan-4")
    for number in range(1, 5):
        assert story.sources(f"scan-{number}") == ["convert.py", f"page-{number}.txt"]


def test_what_is_written_on_keeps_count_of_what_belongs_to_it_by_name(story: Story) -> None:
    for _ in range(2):
        writer = story.program("convert").open("x.csv", "x.txt").make("x.json")
    writer.open("x.csv").close("x.json")
    with story.answers() as answers:
        assert {found.path: found.episodes for found in answers.sources("x.json")} == {"x.csv": 2, "x.txt": 2}


def test_one_product_of_numbered_files_is_made_from_all_of_them(story: Story) -> None:
    story.program("python3").open("sales-2023.csv", "sales-2024.csv").make("report-2024.pdf")
    assert story.sources("report-2024.pdf") == ["sales-2023.csv", "sales-2024.csv"]


def test_a_shell_that_reads_its_commands_from_a_pipe_does_not_pipe_them_into_its_children(
    story: Story,
) -> None:
    shell = story.program("bash", pipe_in=("1",)).create("start")
    shell.run("cat", pipe_out=("2",)).open("captured")
    shell.run("date", pipe_in=("1",)).make("out")
    assert story.sources("out") == []


def test_workers_that_are_forked_have_what_was_read_before(story: Story) -> None:
    parent = story.program("python3", args=("python3", "pool.py")).open("pool.py", "table")
    parent.run("python3", args=("python3", "pool.py")).open("page-1").make("scan-1")
    assert story.sources("scan-1") == ["page-1", "pool.py", "table"]


@pytest.mark.parametrize("output", [(), ((1, "/mnt/picture"),)])
def test_a_file_elsewhere_that_is_called_as_one_of_the_tree_is_another(
    story: Story, output: tuple[tuple[int, str], ...]
) -> None:
    story.program("vim").close("data.csv")
    story.program("sort", fds=((1, "/tmp/data.csv"),)).open("table")
    story.program("plot", args=("plot", "/tmp/data.csv"), fds=output).make("picture")
    assert story.sources("picture") == ["table"]


@pytest.mark.parametrize("output", [(), ((1, "/mnt/picture"),)])
def test_what_was_written_into_the_tree_is_no_place_elsewhere(
    story: Story, output: tuple[tuple[int, str], ...]
) -> None:
    story.program("sort", fds=((1, "/mnt/data.csv"),)).open("table").make("data.csv")
    plot = story.program("plot", args=("plot", "/mnt/data.csv"), fds=output)
    plot.open("data.csv").make("picture")
    assert story.sources("picture") == ["data.csv"]


def test_a_worker_that_writes_on_asks_only_for_what_its_parent_has_read_since(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def counted(making: Making, processes: Processes) -> list[tuple[int, Read]]:
        asked.append(list(inherited(making, processes)))
        return asked[-1]

    inherited = flows._inherited
    monkeypatch.setattr(flows, "_inherited", counted)
    parent = story.program("python3", args=("python3", "pool.py")).open("pool.py", "table")
    worker = parent.run("python3", args=("python3", "pool.py")).open("page-1").make("scan-1")
    worker.close("scan-1")
    parent.open("table")
    worker.close("scan-1")
    assert story.sources("scan-1") == ["page-1", "pool.py", "table"]
    assert [len(reads) for reads in asked] == [2, 0, 1]


def test_threads_of_which_two_finish_together_do_not_look_like_rounds(story: Story) -> None:
    program = story.program("python3", args=("python3", "convert.py")).open("convert.py")
    program.open("page-1.txt", "page-2.txt").create("scan-1", "scan-2").close("scan-1").open("page-3.txt")
    program.close("scan-2").make("scan-3").open("page-4.txt").make("scan-4")
    for number in range(1, 5):
        assert story.sources(f"scan-{number}") == ["convert.py", f"page-{number}.txt"]


def test_a_thread_that_finishes_last_has_not_what_the_others_took_up_meanwhile(story: Story) -> None:
    program = story.program("python3", args=("python3", "convert.py")).open("convert.py")
    program.open("page-1.txt", "page-2.txt", "page-3.txt").create("scan-1", "scan-2", "scan-3")
    program.close("scan-3").open("page-4.txt").make("scan-4").close("scan-2", "scan-1")
    for number in range(1, 5):
        assert story.sources(f"scan-{number}") == ["convert.py", f"page-{number}.txt"]


def test_a_thread_that_is_overtaken_by_two_rounds_of_another_keeps_its_own(story: Story) -> None:
    program = story.program("python3", args=("python3", "convert.py")).open("convert.py")
    program.open("page-1.txt", "page-2.txt").make("scan-1").open("page-3.txt").make("scan-3")
    program.open("page-4.txt").make("scan-2", "scan-4")
    for number in range(1, 5):
        assert story.sources(f"scan-{number}") == ["convert.py", f"page-{number}.txt"]


def test_commands_that_come_through_a_pipe_are_no_part_of_a_pipeline_that_they_start(story: Story) -> None:
    shell = story.program("bash", args=("bash", "all.sh")).create("start")
    shell.run("cat", pipe_out=("1",)).open("typed")
    told = shell.run("bash", args=("bash",), pipe_in=("1",))
    lines = {"chain_args": (("bash",), ("bash", "all.sh"))}
    told.run("sort", pipe_in=("1",), pipe_out=("2",), **lines).open("a")
    told.run("uniq", pipe_in=("2", "1"), **lines).make("out")
    assert story.sources("out") == ["a"]


def test_what_a_shell_opened_for_its_child_is_the_input_of_what_the_child_makes(story: Story) -> None:
    shell = story.program("dash").open("in")
    shell.run("tee", fds=((0, "/mnt/in"),)).make("one", "two")
    assert [story.sources(name) for name in ("one", "two")] == [["in"], ["in"]]


def test_what_a_wrapper_reads_says_what_it_runs_where_its_shell_opened_the_output(story: Story) -> None:
    shell = story.program("dash").create("out")
    xargs = shell.run("xargs", args=("xargs", "-a", "list", "cat")).open("list")
    xargs.run("cat").open("a").close("out")
    assert story.sources("out") == ["a", "list"]


@pytest.mark.parametrize("line", [("cmake", "-E", "cat", "in"), ("meson", "--internal", "exe")])
def test_a_builder_that_is_called_as_a_tool_makes_what_it_captures(
    story: Story, line: tuple[str, ...]
) -> None:
    tool = story.program("ninja").run(line[0], args=line)
    tool.run("sort", pipe_out=("1",)).open("in")
    tool.make("out")
    assert story.sources("out") == ["in"]


def test_what_a_shell_read_into_variables_is_in_what_it_writes_later(story: Story) -> None:
    shell = story.program("bash").open("in")
    shell.run("date", fds=((0, ""),)).make("stamp")
    story.wait(20)
    shell.make("out")
    assert (story.sources("stamp"), story.sources("out")) == ([], ["in"])


@pytest.mark.parametrize("given", [((0, "/mnt/list"),), ()])
def test_what_a_shell_gave_to_its_children_is_not_in_what_it_writes_later(
    story: Story, given: tuple[tuple[int, str], ...]
) -> None:
    shell = story.program("bash").open(".profile", "list")
    shell.run("sort", fds=given).open("a").make("sorted")
    story.wait(20)
    shell.make("out")
    assert story.sources("out") == []


def test_a_list_for_xargs_is_a_source_though_what_it_runs_is_given_no_input(story: Story) -> None:
    xargs = story.program("bash").open("list").create("out")
    story.program("cat", chain=((xargs.process.pid, "xargs"), (50, "bash")), fds=((0, ""),)).open("a").close(
        "out"
    )
    assert story.sources("out") == ["a", "list"]


def test_what_a_shell_read_is_not_the_input_of_a_program_that_has_another(story: Story) -> None:
    shell = story.program("dash").open("in").create("out")
    shell.run("sort", fds=((0, ""), (1, "/mnt/out"))).open("a").close("out")
    assert story.sources("out") == ["a"]


def test_a_loop_of_a_shell_makes_each_file_from_what_it_goes_through(story: Story) -> None:
    shell = story.program("bash").open("list")
    shell.becomes("bash", fds=((0, "/mnt/list"),)).make("first").make("second")
    shell.story.events.append(story.events[0]._replace(t=story.now, op=Op.READ, process=shell.process))
    shell.becomes("bash", fds=((0, "/dev/null"),)).make("after")
    assert story.sources("first") == story.sources("second") == ["list"]
    assert story.sources("after") == []


def test_a_shell_that_went_through_a_pipe_itself_is_done_with_it(story: Story) -> None:
    story.program("cat", pipe_out=("pipe:[1]",)).open("a")
    shell = story.program("zsh", pipe_in=("pipe:[1]",), fds=((0, "pipe:[1]"),)).make("in-the-loop")
    shell.becomes("zsh", fds=((0, "/dev/null"),)).make("after")
    assert story.sources("in-the-loop") == ["a"]
    assert story.sources("after") == []


def test_what_version_control_reads_is_in_what_it_prints(story: Story) -> None:
    story.program("bash").create("hash").becomes("git").open("a").close("hash")
    story.program("git").open("a").make("b")
    assert story.sources("hash") == ["a"]
    assert story.sources("b") == []


def test_what_a_program_prints_is_its_own_though_its_child_closes_it_first(story: Story) -> None:
    reader = story.program("bash").create("printed").becomes("R", fds=((1, "/mnt/printed"),)).open("a")
    reader.run("sh").run("rm").close("printed")
    assert story.sources("printed") == ["a"]


@pytest.mark.parametrize("exe", [None, "/bin/busybox"])
def test_a_tool_in_a_box_of_programs_is_a_tool(story: Story, exe: str | None) -> None:
    words = ("busybox", "sort", "a") if exe is None else ("sort", "a")
    story.program(words[0], args=words, exe=exe).open("a").make("sorted").open("b").make("both")
    assert story.sources("both") == ["a", "b"]


IN_WORDS = ("bash", "-c", 'sed "s/x/$(cat word)/" a > out; printf "%s" "$(head b)" > other')
INTO_VARIABLE = ("bash", "-c", "word=$(cat word); sort a > out; date > other")


@pytest.mark.parametrize(
    ("line", "made_from"),
    [(IN_WORDS, ["a", "word"]), (INTO_VARIABLE, ["a"]), (("bash", "x.sh"), ["a", "word"])],
)
def test_what_is_captured_within_a_commands_words_is_in_what_that_makes(
    story: Story, line: tuple[str, ...], made_from: list[str]
) -> None:
    shell = story.program("bash", args=line)
    shell.run("cat", pipe_out=("7",), chain_args=(line,)).open("word")
    shell.run("sed", chain_args=(line,)).open("a").make("out")
    shell.run("head", pipe_out=("8",), chain_args=(line,)).open("b")
    shell.make("other")
    assert story.sources("out") == made_from
    assert "word" not in story.sources("other") or line != IN_WORDS


def test_what_a_text_captures_into_a_variable_is_in_what_is_given_that(story: Story) -> None:
    line = ("bash", "-c", "flags=$(cat flags); gcc -c a.c $flags; gcc -c b.c")
    shell = story.program("bash", args=line)
    shell.run("cat", pipe_out=("7",), chain_args=(line,)).open("flags")
    for name in ("a", "b"):
        called = ("gcc", "-c", f"{name}.c", *(("-O1",) if name == "a" else ()))
        gcc = shell.run("gcc", args=called, chain_args=(line,))
        gcc.run("cc1", chain_args=(called, line)).open(f"{name}.c")
        gcc.run("as", chain_args=(called, line)).make(f"{name}.o")
    assert story.sources("a.o") == ["a.c", "flags"]
    assert story.sources("b.o") == ["b.c"]


def test_what_is_captured_for_the_words_of_one_part_is_in_what_the_pipeline_makes(story: Story) -> None:
    line = ("bash", "x.sh")
    shell = story.program("bash", args=line)
    last = shell.run("uniq", pipe_in=("8",), chain_args=(line,)).create("out")
    part = shell.run("bash", pipe_out=("8",), chain_args=(line,))
    part.run("cat", pipe_out=("7",), chain_args=(line, line)).open("list")
    last.close("out")
    assert story.sources("out") == ["list"]


def test_what_a_script_reads_by_itself_is_for_what_it_starts_next(story: Story) -> None:
    line = ("bash", "x.sh")
    shell = story.program("bash", args=line).open("x.sh").open("word")
    shell.run("sort", chain_args=(line,)).open("a").make("out")
    shell.run("date", chain_args=(line,)).make("other")
    assert story.sources("out") == ["a", "word"]
    assert story.sources("other") == []


def test_what_a_copy_of_a_shell_captured_with_its_input_is_in_what_that_writes_later(story: Story) -> None:
    shell = story.program("bash", args=("bash", "-c", "n=$(wc -l < a); sort b > out; echo $n > lines"))
    shell.run("bash", pipe_out=("7",)).run("wc", pipe_out=("7",)).open("a")
    shell.run("sort").open("b").make("out")
    shell.make("lines")
    assert story.sources("lines") == ["a"]


def test_what_a_shell_wrote_into_a_pipeline_is_used_up(story: Story) -> None:
    shell = story.program("bash", args=("bash", "x.sh"))
    shell.run("cat", pipe_out=("7",)).open("a")
    shell.run("tr", pipe_in=("8",)).make("piped")
    shell.make("after")
    assert story.sources("piped") == ["a"]
    assert story.sources("after") == []


def test_a_pipeline_that_begins_with_what_reads_no_file_has_no_other_beginning(story: Story) -> None:
    shell = story.program("bash", args=("bash", "x.sh"))
    shell.run("cat", pipe_out=("7",)).open("a")
    listing = Neighbour(story.pid + 1, ("", "8", ""), ("ls",))
    shell.run("sort", pipe_in=("8",), neighbours=(listing,)).make("sorted")
    shell.make("after")
    assert story.sources("sorted") == []
    assert story.sources("after") == ["a"]


@pytest.mark.parametrize(
    ("text", "at_once"),
    [
        ("cp $(cat list) to", True),
        ("cd sub\n\n  files=$(cat list)\ncp $files to", False),
        ("if a; then local files=`cat list`; fi; cp $files to", False),
        ("cp $(cat list) to" + "\n" * 100_000 + "true", True),  # that is looked through once only
    ],
    ids=["words", "variable", "local variable", "long"],
)
def test_what_a_shell_captures_is_used_at_once_unless_a_variable_keeps_it(text: str, at_once: bool) -> None:
    assert captures_for_words(("sh", "-c", text)) is at_once


def test_what_is_captured_for_a_here_document_is_in_what_its_pipeline_makes(story: Story) -> None:
    copy = story.program("bash")
    copy.run("cat", pipe_out=("7",)).open("a")
    document = Neighbour(copy.process.pid, ("", "8", ""), ("sort",))
    story.program("uniq", pipe_in=("8",), neighbours=(document,)).make("out")
    assert story.sources("out") == ["a"]


def test_what_is_captured_while_a_pipeline_waits_is_for_its_here_document(story: Story) -> None:
    before = story.program("bash").run("cat", pipe_out=("5",)).open("before")
    copy = story.program("bash")
    uniq = story.program("uniq", pipe_in=("8",)).create("out")
    copy.run("cat", pipe_out=("7",)).open("a")
    uniq.close("out")
    assert before.process.ppid != copy.process.pid
    assert story.sources("out") == ["a"]


def test_what_closed_its_input_before_it_touched_a_file_had_it_from_its_pipeline(story: Story) -> None:
    outer = {"pipe_out": ("pipe:[9]",), "fds": ((1, "pipe:[9]"),)}
    story.program("tool", start=1, **outer).open("before")
    story.program("cat", pipe_out=("pipe:[9]", "pipe:[7]"), fds=((1, "pipe:[7]"),), start=1000).open("a")
    story.program("pandoc", start=1001, **outer).make("out")
    assert story.sources("out") == ["a"]
