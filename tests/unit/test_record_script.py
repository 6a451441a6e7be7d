"""Recipes as text: what was recorded is data, whatever it holds."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mycelial.record.events import text_of
from mycelial.record.script import Rule, Unwritable, in_make, in_shell, pipeline_text, step_line
from mycelial.record.steps import Command, Step, steps_from_json, steps_to_json

words = st.binary(max_size=8).filter(lambda raw: b"\0" not in raw).map(text_of)


@settings(max_examples=40, deadline=None)
@given(st.lists(words, min_size=1, max_size=4))
def test_a_script_gives_each_argument_back(given_words: list[str]) -> None:
    step = Step("out", (Command(("printf", "%s\\0", *given_words)),), sure=True)
    script = in_shell("out", [step_line(step, "")], {}).replace("test -e out\n", "")
    done = subprocess.run(
        ["sh", "-s"], input=script.encode("utf-8", "surrogateescape"), capture_output=True, check=True
    )
    assert [text_of(word) for word in done.stdout.split(b"\0")[:-1]] == given_words


@given(st.lists(words, min_size=1, max_size=4), words, words)
def test_a_recipe_is_shown_on_one_printable_line(given_words: list[str], stdin: str, stdout: str) -> None:
    step = Step("out", (Command(tuple(given_words), stdin, stdout),), sure=True)
    assert pipeline_text(step).isprintable()


def test_that_nobody_saw_what_a_command_said_is_no_part_of_it_as_it_is_shown() -> None:
    step = Step("out", (Command(("gzip", "-k", "out"), stdout="/dev/null"),), sure=True)
    assert pipeline_text(step) == "gzip -k out"
    assert step_line(step, "").endswith("gzip -k out > /dev/null )")


def made(step: Step, tree: Path) -> None:
    script = in_shell("out", [step_line(step, "")], {})
    subprocess.run(["sh", "-s", str(tree)], input=script, text=True, check=True, capture_output=True)


def test_redirections_are_those_of_the_shell(tmp_path: Path) -> None:
    (tmp_path / "-in").write_text("b\na\n")
    made(Step("out", (Command(("cat",), "-in"), Command(("sort",), "", "out")), sure=True), tmp_path)
    made(Step("out", (Command(("echo", "c"), "", "out", appends=True),), sure=True), tmp_path)
    assert (tmp_path / "out").read_text() == "a\nb\nc\n"
    made(Step("out", (Command(("sh", "-c", "echo 1; echo 2 >&2"), "", "out", "&1"),), sure=True), tmp_path)
    assert (tmp_path / "out").read_text() == "1\n2\n"


def test_the_place_of_the_mount_becomes_that_of_the_copy(tmp_path: Path) -> None:
    tree = tmp_path / "a 'copy'"
    tree.mkdir()
    (tree / "sub").mkdir()
    (tree / "sub" / "in").write_text("x")
    command = Command(("cp", "/mnt/live/sub/in", "/mnt/live/out"))
    made(Step("out", (command,), cwd="/mnt/live/sub", root="/mnt/live", sure=True), tree)
    assert (tree / "out").read_text() == "x"


@pytest.mark.parametrize(
    "command", [Command(("cp", "words", "/mnt/live/out")), Command(("cat", "words"), stdout="out")]
)
def test_what_ran_elsewhere_and_named_the_tree_writes_into_its_copy(command: Command, tmp_path: Path) -> None:
    tree, elsewhere = tmp_path / "tree", tmp_path / "elsewhere"
    tree.mkdir()
    elsewhere.mkdir()
    (elsewhere / "words").write_text("x")
    made(Step("out", (command,), cwd=str(elsewhere), root="/mnt/live", sure=True), tree)
    assert (tree / "out").read_text() == "x"


@pytest.mark.parametrize("form", ["script", "makefile"])
def test_no_search_path_for_directories_leads_out_of_the_copy(form: str, tmp_path: Path) -> None:
    for place in ("other", "copy"):
        (tmp_path / place / "sub").mkdir(parents=True)
        (tmp_path / place / "sub" / "in").write_text(place)
    (tmp_path / "other" / "copy" / "sub").mkdir(parents=True)
    step = Step("sub/out", (Command(("cp", "in", "out")),), cwd="/mnt/sub", root="/mnt", sure=True)
    line = step_line(step, "")
    if form == "script":
        text, call = in_shell("sub/out", [line], {}), ["sh", "-s", "copy"]
    else:
        text, call = (
            in_make("sub/out", [Rule("sub/out", (), (line,))], {}),
            ["make", "-s", "-C", "copy", "-f-"],
        )
    about = {**os.environ, "CDPATH": str(tmp_path / "other")}
    subprocess.run(call, input=text, text=True, cwd=tmp_path, env=about, check=True)
    assert (tmp_path / "copy" / "sub" / "out").read_text() == "copy"
    assert not (tmp_path / "other" / "sub" / "out").exists()


@pytest.mark.parametrize(
    "word", ["-I{}/inc", "-Wl,-rpath,{}/lib", "-ffile-prefix-map={}=/src", "-env:Profile=file://{}/x", "-L{}"]
)
def test_the_place_of_the_mount_is_found_behind_options(word: str) -> None:
    step = Step("out", (Command(("cc", word.format("/mnt/live"))),), root="/mnt/live", sure=True)
    assert "/mnt" not in step_line(step, "")


def test_what_only_looks_like_the_place_of_the_mount_stays() -> None:
    step = Step("out", (Command(("cp", "/mnt/live2/in", "x/mnt/live/y")),), root="/mnt/live", sure=True)
    assert "cp /mnt/live2/in x/mnt/live/y" in step_line(step, "")


def test_a_shell_stands_in_where_its_commands_cannot_be_told() -> None:
    step = Step("out", (Command(("cat", "in")),), shell=("sh", "-c", "for i in 1; do cat in; done > out"))
    assert pipeline_text(step) == "sh -c 'for i in 1; do cat in; done > out'"


@pytest.mark.parametrize(
    ("step", "reason"),
    [
        (Step("out"), "nothing is known of what was run"),
        (Step("out", (Command(("sort",)),)), "not all is known of what was run"),
        (Step("out", (Command(("tool", "--token=[redacted]")),), sure=True), "a secret was left out"),
        (
            Step("out", (Command(("ar", "rc", "out", "a.o", "[cut]")),), sure=True),
            "longer than can be recorded",
        ),
        (Step("out", shell=("sh", "-c", "a; b; rm -rf /tmp/", "[cut]")), "longer than can be recorded"),
        (Step("out", (Command(("tool", "a\0b")),), sure=True), "no command can have"),
        (
            Step("out", (Command(("tool",)),), "/srv", "/mnt/live", sure=True),
            "was not told where the tree is",
        ),
        (
            Step("out", shell=("sh", "run.sh"), shell_cwd="/srv", root="/mnt"),
            "was not told where the tree is",
        ),
    ],
)
def test_what_cannot_be_run_again_is_refused(step: Step, reason: str) -> None:
    with pytest.raises(Unwritable, match=reason):
        step_line(step, "")


@pytest.mark.parametrize(
    "name", ["a:b", "a\nb", "a%b", "-a", "a\tb", "a*b", "a(b)", "a;b", "a|b", "a\\b", "a=b"]
)
def test_a_name_that_make_cannot_hold_is_refused_in_one_line(name: str) -> None:
    with pytest.raises(Unwritable, match="a makefile cannot hold"):
        in_make("out", [Rule("out", (name,), ("true",))], {})


@pytest.mark.parametrize("name", ["a b", "a$b", "a#b", "#a", "$(x", "ümlaut", "a'b"])
def test_a_name_that_make_can_hold_is_made(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("x")
    step = Step("o $u#t", (Command(("cat", name), "", "o $u#t"),), sure=True)
    try:
        text = in_make(step.product, [Rule(step.product, (name,), (step_line(step, ""),))], {})
    except Unwritable:
        assert name in ("$(x", "a'b")
        return
    subprocess.run(["make", "-s", "-f", "-"], input=text, text=True, cwd=tmp_path, check=True)
    assert (tmp_path / step.product).read_text() == "x"


paths = words.filter(bool)
steps = st.builds(
    Step,
    product=paths,
    commands=st.lists(
        st.builds(Command, args=st.lists(words, max_size=3).map(tuple), stdin=words, appends=st.booleans()),
        max_size=2,
    ).map(tuple),
    cwd=words,
    sure=st.booleans(),
    shell=st.lists(words, max_size=2).map(tuple),
    reads=st.lists(st.tuples(st.integers(0, 99), paths), max_size=2).map(tuple),
    by=st.tuples(st.integers(0, 99), st.integers(0, 99)),
)


@given(st.lists(steps, max_size=3).map(tuple))
def test_steps_come_back_from_the_database(recorded: tuple[Step, ...]) -> None:
    assert steps_from_json(steps_to_json(recorded)) == recorded
