"""Where what is captured goes, by the text of a shell's commands."""

from __future__ import annotations

import sys
from pathlib import Path
from types import FrameType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mycelial.graph.calling import began_in, begun_in
from mycelial.graph.substitutions import Use, text_of
from tests.unit.worked import Story


@pytest.fixture
def story(tmp_path: Path) -> Story:
    return Story(tmp_path)


def said(uses: list[Use] | None) -> list[str] | None:
    """The commands that say it, each with `*` if all that it said counts."""
    if uses is None:
        return None
    return sorted(
        " ".join(str(word.text) for word in command.words) + "*" * use.all
        for use in uses
        for command in use.commands
    )


@pytest.mark.parametrize(
    ("text", "args", "captured"),
    [
        ("n=$(wc -l a); sort b; echo $n", "sort b", []),
        ("sort $(cat opts) b", "sort -r b", ["cat opts"]),
        ("sed s/x/`cat v`/ t", "sed s/x/1/ t", ["cat v"]),
        ("V=$(cat v); sort b; sed s/x/$V/ t", "/bin/sed s/x/1/ t", ["cat v"]),
        ("a=$(cat x); b=$a; tool ${b%.c}", "tool 1", ["cat x"]),
        ("tool o $(cat a); tool p hi", "tool p hi", []),
        ("echo $(cat a) | tr x y | uniq", "uniq", ["cat a"]),
        ("cat <<END\n$(cat a)\nEND\nsort b", "cat", ["cat a"]),
        ("cat <<'END'\n$(cat a)\nEND\nsort b", "cat", []),
        ("sort <<< $(cat a)", "sort", ["cat a"]),
        ("for f in $(cat l); do sort $f; done", "sort x", ["cat l"]),
        ("f() { sort $1; }; f $(cat l)", "sort x", ["cat l"]),
        ("f() { cat $1; }; v=$(f a); f() { tac $1; }; tool $v", "tool 1", ["cat None", "f a", "tac None"]),
        ("if [ $(cat k) = z ]; then sort b; fi", "sort b", []),
        ("case $(cat k) in a|b) sort b;; *) uniq b;; esac", "sort b", []),
        ("X=$(cat v) env tool a", "tool a", ["cat v"]),
        ("export X=$(cat v); sh -c 'tool $X'", "sh -c tool\t$X", ["cat v"]),
        ("a=($(cat l) x); a+=($(cat m)); tool ${a[@]}", "tool 1", ["cat l*", "cat m*"]),
        ("set -- $(cat l); tool $1", "tool 1", ["cat l"]),
        ("x=$(cat $(cat l)); tool $x", "tool 1", ["cat None", "cat l"]),
        ("tool $(( $(wc -l a) + 1 ))", "tool 3", ["wc -l a"]),
        ("x=$(cat a) # $(cat b)\ntool \"$x\" '$(cat c)'", "tool 1 $(cat\t", None),
        ("v=$(cat a); w=$(cat b); export v 'a(' '*'; sh -c 'tool ${v}1'", "sh -c tool\t${v}1", ["cat a"]),
        (r'v=$(sed "s/\..*//" a); tool $v', "tool 1", [r"sed s/\..*// a"]),
        ('v=$(grep "x$" "\\"\\$"); tool $v', "tool 1", ['grep x$ "$']),
        ("v=$(cut -d$'it\\'s' a); tool $v", "tool 1", ["cut None a"]),
        ("v=$(cat a\\\nb); tool $v", "tool 1", ["cat ab"]),
        ("v=$(cat ~/a [ab].c a{1,2} {} a~); tool $v", "tool 1", ["cat None None None {} a~"]),
        ("a[1]=$(cat a); [ $a ] && tool $a", "tool 1", ["cat a"]),
        ("((cat a); cat b) > o; tool $(cat c)", "tool 1", None),
        ("tool $(cat a)", "other", None),
        ('tool <<< "$(cat a)"', "tool 1", None),
        ('env tool <<< "$(cat a)"', "tool 1", ["cat a"]),
        ("tool $(cat a", "tool 1", None),
        ("sort a", "sort a", None),
    ],
)
def test_what_is_captured_is_in_the_words_that_name_it(
    text: str, args: str, captured: list[str] | None
) -> None:
    found = text_of(text)
    words = tuple(word.replace("\t", " ") for word in args.split(" "))
    assert said(None if found is None else found.used_by(words, "")) == captured


def test_of_commands_that_are_called_alike_the_one_is_meant_that_writes_there() -> None:
    found = text_of("n=$(cat a); head -$n x > one; n=$(cat b); head -$n x > two")
    assert found is not None
    assert said(found.used_by(("head", "-2", "x"), "one")) == ["cat a"]
    assert said(found.used_by(("head", "-2", "x"), "two")) == ["cat b"]


@pytest.mark.parametrize(
    ("text", "path", "captured"),
    [
        ("x=$(cat a); y=$(cat b); echo $x > o; echo $y > p", "sub/o", ["cat a"]),
        ("x=$(cat a); echo $x > o; echo $x > p", "p", ["cat a"]),
        ("x=$(cat a); echo $x > o; x=$(cat b); echo $x > p", "p", ["cat b"]),
        ("echo $(cat a) > o; echo plain > p", "p", []),
        ("t=0; for f in a b; do t=$((t + $(wc -l $f))); done; echo $t > o", "o", ["wc -l None*"]),
        ("for f in a b; do echo $(wc -l $f); done > o", "o", ["wc -l None*"]),
        ("for f in a b; do echo $(wc -l $f) > $f.n; done", "b.n", ["wc -l None"]),
        ("{ echo $(cat a); sort b; } > ./o", "o", ["cat a*"]),
        ("( x=$(cat a); echo $x ) >> o 2>&1", "o", ["cat a*"]),
        ("echo $(cat a) | while read l; do echo $l; done > o", "o", ["cat a*"]),
        ("x=$(cat a); read y <<< $x; echo $y > o", "o", ["cat a"]),
        ("g() { cat $1; }; x=$(g a); echo $x > o", "o", ["cat None", "g a"]),
        ("echo $(cat a) > $1", "o", ["cat a"]),
        ("echo $(cat a) > other", "o", None),
        ('echo $(cat a) > "$d/x-$n.c"', "sub/x-1.c", ["cat a"]),
        ('echo $(cat a) > "x$a$b.c"', "sub/x.c", ["cat a"]),
        ('echo $(cat a) > "x${a}y.c"', "sub/x.c", None),
        ('echo $(cat a) > "./x$a-$b-$c.c"', "x1-2.c-3.c", ["cat a"]),
        ('echo $(cat a) > "x$a"', "box", None),
        ("echo $(cat a) > ~/x", "x", ["cat a"]),
        ("v=$(cat a) || v=$(cat b); echo $v > o", "o", ["cat a", "cat b"]),
        ("v=$(cat a); x || {\nv=$(cat b)\n}\necho $v > o", "o", ["cat a", "cat b"]),
        ("v=$(cat a); x &&\nv=$(cat b); echo $v > o", "o", ["cat a", "cat b"]),
        ("v=$(cat a); x && (( 1 ))\nv=$(cat b); echo $v > o", "o", ["cat b"]),
        ("v=$(cat a) && echo $v > o && v=$(cat b) && echo $v > p", "p", ["cat b"]),
        ("if x; then v=$(cat a); else v=$(cat b); fi; echo $v > o", "o", ["cat a", "cat b"]),
        ("v=$(cat a); if x; then v=$(cat b); echo $v > o; fi; echo $v > p", "o", ["cat b"]),
        ("v=$(cat a); if x; then v=$(cat b); echo $v > o; fi; echo $v > p", "p", ["cat a", "cat b"]),
        ("case x in a) v=$(cat a);; (b) v=$(cat b);; esac; echo $v > o", "o", ["cat a", "cat b"]),
        ("v=$(cat a); while x; do v=$(cat b); echo $v > o; done", "o", ["cat b"]),
        ("v=$(cat a); { v=$(cat b); }; echo $v > o", "o", ["cat b"]),
        ("v=$(cat a); (v=$(cat b); echo $v > o); echo $v > p", "o", ["cat b"]),
        ("v=$(cat a); (v=$(cat b); echo $v > o); echo $v > p", "p", ["cat a"]),
        ("f() { echo $1; }; (f $(cat a)) > o", "o", ["cat a*"]),
    ],
)
def test_what_is_captured_is_in_what_the_shell_writes_of_it(
    text: str, path: str, captured: list[str] | None
) -> None:
    found = text_of(text)
    assert found is not None
    assert said(found.written_to(path)) == captured


@given(
    st.lists(
        st.sampled_from([*"$(){}`'\"\\;|&<> \n#=x1", "$(", "<<", "in", "do", "done", "case", "if"]),
        max_size=40,
    )
)
def test_any_text_is_read_or_given_up(pieces: list[str]) -> None:
    found = text_of("$(a)" + "".join(pieces))
    if found is not None:
        assert {"captured": said(found.used_by(("x", "1"), "")), "written": said(found.written_to("x"))}


def test_a_text_that_opens_what_it_never_closes_says_nothing() -> None:
    for text in (
        "x=$(cat a",
        'echo "$(cat a)',
        "if $(a); then b",
        "$(a) '",
        "$(" * 5000,
        "`" * 4999,
        "$(a);" + "( " * 101 + "b",
    ):
        found = text_of(text)
        assert found is None or found.used_by(("b",), "") is None


def test_no_text_takes_longer_the_more_ways_there_are_to_read_it() -> None:
    found = text_of("export '(x+)+y'; cp $(cat l) '$" + "x" * 4000 + "'")
    assert found is not None
    found = text_of('echo $(cat a) > "' + "$a" * 4000 + '.x"')
    assert found is not None
    assert found.written_to("sub/" * 1000 + "x") is None


def test_where_a_program_was_called_takes_no_longer_the_more_it_was_given() -> None:
    many = 50_000
    assert begun_in(("sh", "-c", "set -e" + "\n" * many * 20 + "cd a\nb"), "/mnt/a") == "/mnt"
    assert begun_in(("sh", "-c", "set -e" + "\n" * many * 20 + "b"), "/mnt/a") == "/mnt/a"
    words = ("tool", "sub/a", *["sub"] * many, *map(str, range(many)))
    assert began_in(words, "/mnt/sub", ["/mnt/sub/a", *(f"/mnt/sub/b/{n}" for n in range(many))]) == "/mnt"


def test_what_a_text_captures_of_one_program_is_not_sought_among_all_others(story: Story) -> None:
    commands = " ".join(f"$(program{n} x)" for n in range(50))
    line = ("sh", "-c", f"tool {commands} $(sort a)")
    shell = story.program("sh", args=line)
    for file in ("a", "b", *(f"c{n}" for n in range(100))):
        program = "sort" if file in ("a", "b") else "head"
        shell.run(program, args=(program, file), pipe_out=("7",), chain_args=(line,)).open(file)
    shell.run("tool", args=("tool", "1"), chain_args=(line,)).make("out")
    calls = 0

    def note(frame: FrameType, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event == "call" and frame.f_code.co_name == "_likeness"

    sys.setprofile(note)
    try:
        assert story.sources("out") == ["a"]
    finally:
        sys.setprofile(None)
    assert 0 < calls < 200


def test_a_last_command_that_the_text_does_not_show_is_taken_to_use_what_was_captured(story: Story) -> None:
    line = ("bash", "-c", 'x=$(cat a); "$@" $x', "x", "sort", "b")
    shell = story.program("bash", args=line).open("b")
    shell.run("cat", pipe_out=("7",), chain_args=(line,)).open("a")
    shell.becomes("sort", args=("sort", "b", "-r")).make("out")
    assert story.sources("out") == ["a", "b"]
