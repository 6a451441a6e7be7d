"""What a script's commands read is in what they wrote it to, and nowhere else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mycelial.graph.substitutions import text_of
from mycelial.record.events import Neighbour
from tests.unit.worked import Program, Story

SCRIPT = ("bash", "x.sh")
OUT, ERR = "pipe:[8]", "pipe:[9]"


@pytest.fixture
def story(tmp_path: Path) -> Story:
    return Story(tmp_path)


def at(*targets: str) -> dict[str, Any]:
    """Where the standard streams of a program lead, from its input upwards; empty if not known."""
    fds = tuple((number, target) for number, target in enumerate(targets) if target)
    pipes = {number: target for number, target in fds if target.startswith("pipe:")}
    inputs = (pipes[0],) if 0 in pipes else ()
    return {"fds": fds, "pipe_in": inputs, "pipe_out": tuple(sorted({*pipes.values()} - {*inputs}))}


def piped_script(story: Story) -> tuple[Program, Program]:
    """Return what writes the log, and the shell whose script's output that is given."""
    log = story.program("tee", **at(OUT)).create("log")
    return log, story.program("bash", args=SCRIPT, **at("", OUT, OUT)).open("x.sh")


def test_what_a_command_of_a_script_wrote_to_a_file_is_not_in_the_scripts_output(story: Story) -> None:
    log, shell = piped_script(story)
    shell.run("bash", **at("", OUT, OUT)).create("sorted").becomes("sort", **at("", "/m/sorted", OUT)).open(
        "a"
    ).close("sorted")
    shell.run("cp", **at("", OUT, OUT)).open("b").make("copy")
    shell.run("cat", **at("", OUT, OUT)).open("c")
    log.close("log")
    assert story.sources("log") == ["c"]
    assert story.sources("sorted") == ["a"]


def test_what_a_script_wrote_to_files_itself_is_not_in_its_output(story: Story) -> None:
    log, shell = piped_script(story)
    shell.open("a").make("lines").open("b")
    log.close("log")
    assert story.sources("log") == ["b"]


def test_a_pipeline_of_a_script_that_ends_in_a_file_does_not_end_in_its_output(story: Story) -> None:
    log, shell = piped_script(story)
    shell.run("cat", **at("", "pipe:[5]", OUT)).open("a")
    shell.run("sort", **at("pipe:[5]", "/m/sorted", OUT)).make("sorted")
    log.process = log.process._replace(pipe_in=(OUT, "pipe:[5]"))  # for a moment it was to go there
    log.close("log")
    assert story.sources("log") == []
    assert story.sources("sorted") == ["a"]


@pytest.mark.parametrize(
    ("end", "sources"), [("/m/sorted", []), ("/m/log", ["a"])], ids=["in a file", "in the log"]
)
def test_of_pipelines_of_a_script_those_are_in_its_log_that_end_there(
    story: Story, end: str, sources: list[str]
) -> None:
    outer = story.program("sh").create("log")
    shell = outer.run("bash", args=SCRIPT, **at("", "/m/log"))
    sort = Neighbour(story.pid + 2, ("pipe:[5]", end, ""), ("sort",))
    shell.run("cat", **at("", "pipe:[5]"), neighbours=(sort,)).open("a")
    outer.close("log")
    assert story.sources("log") == sources


@pytest.mark.parametrize("is_used", [True, False])
def test_what_a_script_captured_is_in_its_log_unless_it_wrote_it_elsewhere(
    story: Story, is_used: bool
) -> None:
    outer = story.program("sh").create("log")
    shell = outer.run("bash", args=SCRIPT, **at("", "/m/log"))
    shell.run("cat", **at("", "pipe:[5]", "/m/log")).open("a")
    if is_used:
        shell.make("said")
    outer.close("log")
    assert story.sources("log") == ([] if is_used else ["a"])


@pytest.mark.parametrize(("line", "sources"), [(("bash",), []), (SCRIPT, ["data"])], ids=["a script", "data"])
def test_the_input_that_tells_a_shell_what_to_do_is_in_nothing(
    story: Story, line: tuple[str, ...], sources: list[str]
) -> None:
    given: Any = {"fds": ((0, "/m/data"),), "chain_args": (line,), "same_input": 1}
    shell = story.program("bash", args=("sh", "-c", "bash < data")).open("data")
    shell.becomes("bash", args=line, fds=((0, "/m/data"),)).make("said")
    shell.run("tool", **given).make("made")
    assert story.sources("said") == sources
    assert story.sources("made") == sources


@pytest.mark.parametrize(
    ("args", "sources"),
    [
        (("sort", "b"), ["b"]),
        (("sort", "-r", "b"), ["b"]),
        (("sort", "-k", "2,3", "b"), ["a", "b"]),
        (("sort", "b", "c"), ["b", "c"]),
        (("sort", "b", "c", "d"), ["a", "b", "c", "d"]),
        (("sort", "-", "b"), ["a", "b"]),
    ],
    ids=" ".join,
)
def test_what_was_captured_is_in_a_command_that_has_room_for_it(
    story: Story, args: tuple[str, ...], sources: list[str]
) -> None:
    shell = story.program("bash", args=SCRIPT)
    shell.run("cat", pipe_out=("7",)).open("a")
    sort = shell.run("sort", args=args, chain_args=(SCRIPT,)).open("b")
    sort.open(*(word for word in args if word in ("c", "d"))).make("out")
    assert story.sources("out") == sources


@pytest.mark.parametrize(("script", "reads"), [("./libtool", False), ("./run", True)])
def test_what_a_script_reads_that_decides_what_to_run_is_in_no_word(
    story: Story, script: str, reads: bool
) -> None:
    line = ("/bin/bash", script)
    shell = story.program("bash", args=line).open("x.la")
    args = ("ld", "-O2", "-o", "x", "x.o")
    shell.run("ld", args=args, chain_args=(line,)).open("x.o").make("x")
    assert story.sources("x") == (["x.la", "x.o"] if reads else ["x.o"])


def test_of_a_shell_that_is_told_on_its_input_what_to_do_that_is_given_to_none(story: Story) -> None:
    story.program("sh").open("script", "data")
    line = ("bash",)
    about: Any = {"chain_args": (line,), "args": ("uniq", "/tmp/t"), "fds": ((0, "/m/script"),)}
    story.program("uniq", **about).make("out")
    copy = story.program("bash", args=line, chain_args=(line,)).open("data")
    copy.becomes("tr", args=("tr", "a", "b"), fds=((0, "/m/data"),)).make("changed")
    assert story.sources("out") == []
    assert story.sources("changed") == ["data"]


def test_an_input_that_a_shell_opened_is_no_word_of_its_command(story: Story) -> None:
    shell = story.program("bash", args=SCRIPT)
    shell.run("cat", pipe_out=("7",)).open("a")
    copy = shell.run("bash", args=SCRIPT).open("b")
    copy.becomes("cat", args=("cat", "c", "-"), fds=((0, "/m/b"),), chain_args=(SCRIPT,)).open("c").make(
        "out"
    )
    assert story.sources("out") == ["b", "c"]


def test_what_somebody_has_to_say_is_not_in_its_messages(story: Story) -> None:
    sort = story.program("sort", **at("", "/m/out", "/m/errors")).open("a")
    sort.make("out").make("errors")
    assert story.sources("out") == ["a"]
    assert story.sources("errors") == []
    story.program("gcc", **at("", "/dev/pts/1", "/m/warnings")).open("b").make("warnings")
    assert story.sources("warnings") == ["b"]


@pytest.mark.parametrize(("shared", "sources"), [(1, ["a", "b"]), (2, ["b"])])
def test_an_input_that_a_script_was_started_with_is_no_pipe_of_its_own(
    story: Story, shared: int, sources: list[str]
) -> None:
    shell = story.program("bash", args=SCRIPT)
    shell.run("cat", **at("", "pipe:[5]"), start=1000).open("a")
    given: Any = {**at("pipe:[4]"), "same_input": shared, "chain_args": (SCRIPT, ("ssh",))}
    shell.run("tool", args=("tool", "b"), start=1001, **given).open("b").make("out")
    assert story.sources("out") == sources


@pytest.mark.parametrize("words", [("head", "-n", "6", "b"), ("head", "b")], ids=" ".join)
def test_what_was_counted_for_a_command_is_not_in_what_its_shell_writes_next(
    story: Story, words: tuple[str, ...]
) -> None:
    shell = story.program("bash", args=SCRIPT)
    shell.run("wc", args=("wc", "a"), pipe_out=("7",)).open("a")
    shell.run("head", args=words, chain_args=(SCRIPT,)).open("b").make("part")
    shell.make("said")
    assert story.sources("said") == ([] if "6" in words else ["a"])


def test_what_was_captured_last_is_written_rather_than_what_was_before_another_command(story: Story) -> None:
    shell = story.program("bash", args=SCRIPT)
    shell.run("cat", pipe_out=("7",)).open("a")
    shell.run("sort").open("b").make("sorted")
    shell.run("cat", pipe_out=("8",)).open("c")
    shell.run("cat", pipe_out=("9",)).open("d")
    shell.make("said")
    assert story.sources("said") == ["c", "d"]


def test_what_is_written_to_a_loops_output_is_rather_of_its_input_than_captured_before(story: Story) -> None:
    shell = story.program("bash", args=SCRIPT)
    shell.run("cat", pipe_out=("7",)).open("a")
    shell.run("sort").open("b").make("sorted")
    shell.open("lines").becomes("bash", fds=((0, "/m/lines"),)).make("said")
    assert story.sources("said") == ["lines"]


def test_the_input_of_a_shells_former_loop_is_not_that_of_its_next_command(story: Story) -> None:
    shell = story.program("bash", args=SCRIPT)
    shell.run("sort", **at("", "pipe:[5]")).open("a")
    shell.becomes("bash", **at("pipe:[5]")).make("looped")
    shell.becomes("bash", **at("/dev/null")).create("group")
    shell.run("head", **at("/dev/null", "/m/group")).open("b").close("group")
    assert story.sources("group") == ["b"]


def test_of_commands_that_are_called_alike_the_likeliest_has_nothing_before_it() -> None:
    text = text_of("n=$(cat a); cat b | sort; sort c > d")
    assert text is not None
    assert not text.is_before(("cat", "a"), ("sort", "c"))
    assert text.is_before(("cat", "b"), ("sort",))


def test_what_a_shell_had_written_elsewhere_is_not_in_what_it_adds_to_a_file(story: Story) -> None:
    shell = story.program("bash", args=SCRIPT)
    shell.run("sort").open("b").make("out")
    shell.run("cat", pipe_out=("7",)).open("a")
    shell.make("said").close("out")
    assert story.sources("said") == ["a"]
    assert story.sources("out") == ["b"]


def test_what_a_here_document_was_put_together_from_is_in_the_scripts_output_no_more(story: Story) -> None:
    story.program("sh", args=("sh", "-c", "bash x.sh > log")).create("log")
    shell = story.program("bash", args=SCRIPT, **at("", "/m/log"))
    copy = shell.run("bash", args=SCRIPT, **at("", "/m/log")).create("out")
    copy.run("head", **at("", "pipe:[5]")).open("a")
    copy.becomes("cat", args=("cat",), **at("/tmp/x (deleted)", "/m/out")).close("out")
    shell.close("log")
    assert story.sources("out") == ["a"]
    assert story.sources("log") == []


def test_a_program_that_its_shell_opened_a_file_for_is_in_no_pipeline(story: Story) -> None:
    shell = story.program("dash", args=("dash", "x.sh"), start=1000, cwd="/m", **at("pipe:[1]", OUT))
    shell.open("b").run("sort", start=1000, **at("", "pipe:[5]")).open("a")
    shell.becomes("dash", **at("/m/b", OUT)).create("out")
    shell.run("wc", args=("wc", "-l"), start=1000).close("out")
    assert story.sources("out") == ["b"]


def test_a_pipe_that_another_program_was_seen_reading_is_not_read_by_the_next_one(story: Story) -> None:
    shell = story.program("bash", args=SCRIPT, start=1000, **at("", OUT))
    head = Neighbour(900, ("pipe:[5]", OUT), ("head",))
    shell.run("sort", start=1000, neighbours=(head,), **at("", "pipe:[5]")).open("a")
    shell.create("out").run("uniq", args=("uniq",), start=1000, fds=((2, OUT),)).close("out")
    assert story.sources("out") == []


@pytest.mark.parametrize(
    ("captured", "words"),
    [
        (("grep", "-h", "some", "a"), ("grep", "-h", "some", "b")),
        (("cat", "a"), ("sort", "{}", "+", "b")),
        (("grep", "-c", "some", "a"), ("grep", "other", "b")),
        (("cat", "a"), ("head", "-n", "3", "b")),
        (("cat", "a"), ("awk", "NR > 1 { print $1 }", "b")),
        (("cat", "a"), ("tool", "a-zA-Z", "b")),
        (("cat", "a"), ("dd", "if=b", "of=out")),
        (("cat", "a"), ("timeout", "9s", "env", "A=x", "/bin/sort", "b")),
    ],
    ids=[
        "called alike",
        "no words",
        "a number",
        "a typed number",
        "quoted",
        "ranges",
        "settings",
        "programs",
    ],
)
def test_words_that_nobody_can_have_captured_have_no_room_for_it(
    story: Story, captured: tuple[str, ...], words: tuple[str, ...]
) -> None:
    shell = story.program("bash", args=SCRIPT)
    shell.run(captured[0], args=captured, pipe_out=("7",)).open("a")
    program = "sort" if "timeout" in words else words[0]
    shell.run(program, args=words, chain_args=(SCRIPT,)).open("b").make("out")
    assert story.sources("out") == ["b"]


def test_a_word_with_a_sign_that_stands_for_itself_has_room_for_what_was_captured(story: Story) -> None:
    shell = story.program("bash", args=SCRIPT)
    shell.run("cat", args=("cat", "a"), pipe_out=("7",)).open("a")
    shell.run("sed", args=("sed", "s/$/ word/", "b"), chain_args=(SCRIPT,)).open("b").make("out")
    assert story.sources("out") == ["a", "b"]


def test_what_was_captured_by_another_that_had_the_process_id_before_is_its_own(story: Story) -> None:
    before = story.program("bash", args=SCRIPT)
    before.run("cat", args=("cat", "a"), pipe_out=("7",)).open("a")
    again = story.program("bash", args=SCRIPT, pid=before.process.pid)
    again.make("out")
    assert story.sources("out") == []


def test_who_has_a_file_as_its_input_has_no_part_of_its_pipeline_before_it(story: Story) -> None:
    shell = story.program("bash", args=SCRIPT, **at("pipe:[1]", OUT))
    copy = shell.run("bash", args=SCRIPT, **at("pipe:[1]", "pipe:[5]"))
    copy.run("sort", args=("sort", "a"), **at("pipe:[1]", "pipe:[5]")).open("a")
    given: Any = {"fds": ((0, "/m/b"),), "pipe_in": ("pipe:[1]",), "chain_args": (SCRIPT,)}
    shell.run("wc", args=("wc", "-l"), **given).open("b").make("out")
    assert story.sources("out") == ["b"]


@pytest.mark.parametrize("is_known", [True, False])
def test_where_all_parts_of_a_pipeline_are_known_none_is_a_shell_still(story: Story, is_known: bool) -> None:
    shell = story.program("bash", args=SCRIPT, **at("pipe:[1]", OUT))
    copy = shell.run("bash", args=SCRIPT, **at("pipe:[1]", "pipe:[5]"))
    copy.run("sort", args=("sort", "a"), **at("pipe:[1]", "pipe:[5]")).open("a")
    cat = Neighbour(900, ("pipe:[1]", "pipe:[6]", OUT), ("cat", "b"))
    tr = shell.run("tr", args=("tr", "a-z", "A-Z"), chain_args=(SCRIPT,), **at("pipe:[6]", "/m/out"))
    tr.process = tr.process._replace(neighbours=(cat,) if is_known else ())
    tr.make("out")
    assert story.sources("out") == ([] if is_known else ["a"])


def test_a_further_output_is_no_captured_word(story: Story) -> None:
    shell = story.program("bash", args=SCRIPT)
    shell.run("cat", args=("cat", "a"), pipe_out=("7",)).open("a")
    shell.run("sort", **at("", "pipe:[5]")).open("b")
    tee = shell.run("tee", args=("tee", "one", "two"), chain_args=(SCRIPT,), **at("pipe:[5]", OUT))
    tee.create("d/one", "d/two").close("d/one", "d/two")
    assert story.sources("d/one") == ["b"]


@pytest.mark.parametrize("place", ["/m/part", "/tmp/part"], ids=["since removed", "elsewhere"])
def test_what_a_script_makes_by_way_of_a_file_is_not_in_its_output(story: Story, place: str) -> None:
    log, shell = piped_script(story)
    sort = shell.run("sort", **at("", place, OUT)).open("a")
    if place == "/m/part":
        sort.make("part")
    uniq = shell.run("uniq", **at("", "/m/made", OUT), args=("uniq", place)).make("made")
    if place == "/m/part":
        shell.run("rm").unlink("part")
        uniq.process = uniq.process._replace(pid=900)
    seen = Neighbour(uniq.process.pid, ("", OUT, ""), ("uniq", place))  # before it was given its output
    log.process = log.process._replace(neighbours=(seen,))
    log.close("log")
    assert story.sources("log") == []


@pytest.mark.parametrize("is_first", [True, False])
def test_what_a_shell_opened_beside_an_output_is_not_in_what_its_script_says(
    story: Story, *, is_first: bool
) -> None:
    log, shell = piped_script(story)
    copy = shell.run("zsh", args=SCRIPT, **at("", OUT, OUT))  # which becomes xargs, and touches nothing
    if is_first:
        copy.open("list").create("made")
    else:
        copy.create("made").open("list")
    shell.run("zsh", args=SCRIPT, **at("", OUT, OUT)).open("b")
    log.close("log")
    assert story.sources("log") == ["b"]


def test_what_is_piped_on_by_a_script_is_in_its_output_only_behind_that(story: Story) -> None:
    log, shell = piped_script(story)
    copy = shell.run("zsh", args=SCRIPT, **at("", "pipe:[5]", OUT))  # which becomes grep
    copy.open("a")
    log.close("log")
    assert story.sources("log") == []


@pytest.mark.parametrize(("writer", "sources"), [("its child", []), ("itself", ["a"])])
def test_what_a_shell_opened_for_messages_and_nobody_wrote_to_is_of_nothing(
    story: Story, writer: str, sources: list[str]
) -> None:
    shell = story.program("dash", args=SCRIPT)
    shell.run("cat", pipe_out=("7",)).open("a")
    shell.create("out")
    if writer == "itself":
        shell.close("out")
    shell.create("errors")
    if writer == "its child":
        shell.run("sort").open("b").close("out")
    shell.close("errors")
    assert story.sources("out" if sources else "errors") == sources


def test_what_another_part_of_a_unit_read_is_no_captured_word(story: Story) -> None:
    shell = story.program("bash", args=SCRIPT)
    shell.run("cat", args=("cat", "a"), pipe_out=("7",)).open("a")
    line = ("gcc", "-c", "m.c", "-o", "m.o")
    gcc = shell.run("gcc", args=line)
    gcc.run("cc1", args=("cc1", "m.c"), chain_args=(line, SCRIPT)).open("m.c")
    gcc.run("as", args=("as", "-o", "m.o", "/tmp/x.s"), chain_args=(line, SCRIPT)).make("m.o")
    assert story.sources("m.o") == ["m.c"]


def test_the_input_of_a_shell_behind_c_is_that_of_its_commands(story: Story) -> None:
    shell = story.program("dash", args=SCRIPT).open("a")
    line = ("sh", "-c", "sort > sorted")
    inner = shell.run("sh", args=line, **at("/m/a", OUT)).create("sorted")
    inner.run("sort", args=("sort",), chain_args=(line, SCRIPT), fds=((2, ERR),)).close("sorted")
    assert story.sources("sorted") == ["a"]


@pytest.mark.parametrize("is_seen", [True, False])
def test_the_input_of_a_shell_behind_c_is_that_of_its_pipeline(story: Story, is_seen: bool) -> None:
    line = ("bash", "-c", "cat | tr a b > out")
    copy = story.program("bash", args=SCRIPT).run("bash", args=SCRIPT).open("a")
    cat = Neighbour(900, ("/m/a", "pipe:[5]"), ("cat",))
    tr = copy.run("tr", args=("tr", "a", "b"), chain_args=(line, SCRIPT), **at("pipe:[5]", "/m/out"))
    tr.process = tr.process._replace(neighbours=(cat,) if is_seen else ())
    tr.make("out")
    assert story.sources("out") == ["a"]


def test_what_is_led_to_a_file_behind_a_script_that_has_ended_is_not_in_its_output(story: Story) -> None:
    log, shell = piped_script(story)
    shell.run("sort", **at("", "pipe:[5]")).open("a")
    tr = story.program("zsh", ppid=1, args=SCRIPT, **at("pipe:[5]", OUT, OUT)).create("out")
    tr.becomes("tr", args=("tr", "a", "b"), **at("pipe:[5]", "/m/out", OUT)).close("out")
    log.close("log")
    assert story.sources("out") == ["a"]
    assert story.sources("log") == []


def test_who_opened_a_programs_output_for_it_rather_wrote_its_input_than_who_stands_above(
    story: Story,
) -> None:
    above = story.program("python3", args=("python3", "run.py")).open("other")
    shell = above.run("bash", args=SCRIPT, **at("pipe:[1]", OUT))
    script = shell.run("python3", args=("python3", "x.py"), same_input=1, **at("pipe:[1]", OUT))
    script.create("out").open("a")
    script.run("sort", args=("sort",), fds=((2, OUT),)).close("out")
    assert story.sources("out") == ["a"]


def test_a_program_feeds_the_copy_of_itself_that_runs_a_compressor(story: Story) -> None:
    shell = story.program("bash", args=SCRIPT, **at("pipe:[1]", OUT))
    tar = shell.run("tar", args=("tar", "czf", "a.tgz", "a"), **at("pipe:[1]", OUT))
    copy = tar.run("tar", args=("tar", "czf", "a.tgz", "a"), **at("pipe:[5]", OUT)).create("a.tgz")
    tar.open("a")
    copy.run("gzip", args=("gzip",), fds=((2, OUT),)).close("a.tgz")
    assert story.sources("a.tgz") == ["a"]
