"""Chains of recipes: in order, each run once, and each run that was."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from mycelial.record.events import Neighbour
from mycelial.record.script import Unwritable
from mycelial.record.steps import Step
from mycelial.store.remaking import as_makefile, as_script
from tests.unit.worked import Program, Story


@pytest.fixture
def story(tmp_path: Path) -> Story:
    return Story(tmp_path)


def called(story: Story, *args: str) -> Program:
    return story.program(args[0], args=args, cwd="/mnt")


def lines(story: Story, path: str) -> list[str]:
    """The commands of the script that makes a file again."""
    with story.answers() as answers:
        return [line for line in as_script(answers.chain(path), "/mnt").splitlines() if line[0] == "("]


def story_steps(story: Story, path: str) -> list[Step]:
    with story.answers() as answers:
        return [link.step for product in answers.chain(path).products for link in product.links]


def test_sources_are_made_before_what_is_made_of_them(story: Story) -> None:
    called(story, "sort", "-o", "b", "a").open("a").make("b")
    called(story, "uniq", "b", "c").open("b").make("c")
    assert lines(story, "c") == ["( sort -o b a )", "( uniq b c )"]


def test_all_parts_of_an_archive_are_made_before_it(story: Story) -> None:
    parts = [f"{number}.o" for number in range(300)]
    for part in parts:
        called(story, "as", "-o", part).make(part)
    archiver = called(story, "ar", "rc", "all.a", *parts).open(*parts).make("all.a")
    archiver.close("all.a")
    assert len(lines(story, "all.a")) == len(parts) + 1


def test_a_run_that_made_two_files_is_run_once(story: Story) -> None:
    called(story, "csplit", "a", "2").open("a").make("x1", "x2")
    called(story, "paste", "x1", "x2").open("x1", "x2").make("out")
    assert lines(story, "out") == ["( csplit a 2 )", "( paste x1 x2 )"]


def test_a_temporary_that_was_used_again_is_made_as_it_was_then(story: Story) -> None:
    for name in "ab":
        called(story, "sort", "-o", "tmp", name).open(name).make("tmp")
        called(story, "uniq", "tmp", f"{name}.out").open("tmp").make(f"{name}.out")
        called(story, "rm", "tmp").unlink("tmp")
    assert lines(story, "a.out") == ["( sort -o tmp a )", "( uniq tmp a.out )"]
    assert lines(story, "b.out") == ["( sort -o tmp b )", "( uniq tmp b.out )"]


def test_what_a_run_made_by_the_way_is_no_goal_of_a_makefile(story: Story) -> None:
    run = called(story, "rustc", "m.rs").open("m.rs").make("rmetaX1/full.rmeta")
    run.open("rmetaX1/full.rmeta").make("m").unlink("rmetaX1/full.rmeta")
    with story.answers() as answers:
        text = as_makefile(answers.chain("m"), "/mnt")
    assert "rmetaX1" not in text
    assert "m: m.rs" in text.splitlines()


@pytest.mark.parametrize(
    "args",
    [
        ("cat",),
        ("sort", "-u"),
        ("tr", "a", "b"),
        ("sed", "s/a/b/"),
        ("xargs", "cat"),
        ("cat", "a", "-"),
        ("head", "-n", "5"),
    ],
)
def test_what_was_given_to_a_filter_unseen_is_not_made_again(story: Story, args: tuple[str, ...]) -> None:
    called(story, *args).make("out")
    with pytest.raises(Unwritable, match="not all is known"):
        lines(story, "out")


@pytest.mark.parametrize(
    "args",
    [
        ("date",),
        ("seq", "5"),
        ("sort", "a"),
        ("sed", "s/a/b/", "a"),
        ("awk", "BEGIN { print 1 }"),
        ("cat", "1", "2"),
        ("sort", "2020"),
        ("head", "-n", "5", "2020"),
        ("grep", "-r", "x"),
        ("grep", "-nR", "x"),
        ("xargs", "-a", "list", "cat"),
        ("patch", "-i", "fix.patch", "a"),
        ("patch", "--input=fix.patch", "a"),
    ],
)
def test_what_reads_no_input_is_made_again(story: Story, args: tuple[str, ...]) -> None:
    called(story, *args).make("out")
    assert len(lines(story, "out")) == 1


GIVEN = ((0, "pipe:[7]"),)


@pytest.mark.parametrize(
    ("line", "fds", "args", "again"),
    [
        (("sh", "-c", "cat > out; true"), GIVEN, ("cat",), False),
        (("sh", "-c", "cat > out; true"), ((0, "/etc/hostname"),), ("cat",), False),
        (("sh", "-c", "cat > out; true"), (), ("cat",), False),
        (("sh", "-c", "tr a b | sort > out; true"), GIVEN, ("sort",), False),
        (("sh", "-c", "cat > out <<E\nE"), GIVEN, ("cat",), True),
        (("sh", "-c", "echo a | cat > out; true"), GIVEN, ("cat",), True),
        (("sh", "-c", "while read a; do echo $a; done > out"), GIVEN, ("sh",), False),
        (("sh", "-c", "for a in 1 2; do echo $a; done > out"), GIVEN, ("sh",), True),
        (("sh", "run.sh"), GIVEN, ("cat",), False),
        (("sh", "run.sh"), (), ("cat",), True),
        (("bash", "/dev/fd/63"), (), ("cat",), False),
        (("bash", "/dev/stdin"), (), ("cat",), False),
        (("bash", "-e", "/proc/self/fd/11"), (), ("cat",), False),
    ],
)
def test_a_shell_is_not_called_again_for_what_it_was_given_from_outside(
    story: Story, line: tuple[str, ...], fds: tuple[tuple[int, str], ...], args: tuple[str, ...], again: bool
) -> None:
    shell = story.program(line[0], args=line, cwd="/mnt", fds=fds).create("out")
    if args == ("sh",):
        shell.close("out")
    else:
        shell.run(args[0], args=args, cwd="/mnt", chain_args=(line,)).close("out")
    with story.answers() as answers:
        (product,) = answers.chain("out").products
    step = product.links[-1].step
    assert not step.sure
    assert step.shell == (line if again else ())


def test_what_a_shell_goes_through_in_a_loop_is_not_given_to_it_from_outside(story: Story) -> None:
    line = ("bash", "run.sh")
    outer = story.program("bash", args=("bash",), fds=((0, "/dev/null"),)).open("run.sh")
    shell = outer.run("bash", args=line, cwd="/mnt", fds=((0, "/dev/null"),)).open("list")
    shell.becomes("bash", fds=((0, "/mnt/list"),)).make("of-the-loop")
    shell.run("bash", args=line, cwd="/mnt", chain_args=(line,)).make("later")
    assert lines(story, "later") == ["( bash run.sh )"]


def test_what_a_filter_reads_from_a_pipe_of_its_shell_is_not_made_again(story: Story) -> None:
    line = ("sh", "-c", "cat > out")
    shell = story.program("sh", args=line, cwd="/mnt", fds=GIVEN).create("out")
    shell.run("cat", args=("cat",), cwd="/mnt", chain_args=(line,), fds=GIVEN).close("out")
    with pytest.raises(Unwritable, match="not all is known"):
        lines(story, "out")


def test_latex_is_run_as_often_as_it_was(story: Story) -> None:
    called(story, "pdflatex", "p").open("p.tex").make("p.aux", "p.pdf")
    for _ in range(2):
        called(story, "pdflatex", "p").open("p.tex", "p.aux").make("p.aux", "p.pdf")
    assert lines(story, "p.pdf") == ["( pdflatex p )"] * 3


def test_latex_is_not_run_without_end(story: Story) -> None:
    called(story, "pdflatex", "p").open("p.tex").make("p.aux", "p.pdf")
    for _ in range(20):
        called(story, "pdflatex", "p").open("p.tex", "p.aux").make("p.aux", "p.pdf")
    assert 3 <= len(lines(story, "p.pdf")) <= 5


def with_bibtex(story: Story) -> None:
    called(story, "pdflatex", "p").open("p.tex").create("p.aux", "p.pdf").close("p.aux", "p.pdf")
    called(story, "bibtex", "p").open("p.aux", "p.bib").make("p.bbl")
    for _ in range(2):
        run = called(story, "pdflatex", "p").open("p.tex", "p.aux")
        run.create("p.aux", "p.pdf").open("p.bbl").close("p.aux", "p.pdf")


def test_latex_and_bibtex_are_run_in_the_order_in_which_they_were(story: Story) -> None:
    with_bibtex(story)
    order = ["( pdflatex p )", "( bibtex p )", "( pdflatex p )", "( pdflatex p )"]
    for path in ("p.pdf", "p.aux", "p.bbl"):
        assert lines(story, path) == order


def test_what_was_made_in_rounds_has_one_rule(story: Story) -> None:
    with_bibtex(story)
    with story.answers() as answers:
        text = as_makefile(answers.chain("p.pdf"), "/mnt")
    assert text.count("pdflatex") == 3
    assert text.count("bibtex") == 1
    assert "p.pdf: p.aux ;" in text or "p.pdf: p.bbl ;" in text
    assert "p.aux: p.bbl p" not in text


def test_what_a_builder_that_is_called_again_ran_is_left_to_it(story: Story) -> None:
    latexmk = called(story, "latexmk", "p").open("p.tex").make("p.aux")
    latexmk.run("pdflatex", args=("pdflatex", "p"), cwd="/mnt").open("p.tex", "p.aux").make("p.aux", "p.pdf")
    latexmk.run("bibtex", args=("bibtex", "p"), cwd="/mnt/out").open("p.aux", "p.bib").make("p.bbl")
    latexmk.run("pdflatex", args=("pdflatex", "p"), cwd="/mnt").open("p.bbl").make("p.pdf")
    assert lines(story, "p.pdf") == ["( latexmk p )"]


def test_what_a_builder_ran_that_wrote_nothing_itself_is_run_by_itself(story: Story) -> None:
    make = called(story, "make", "-j2")
    make.run("gcc", args=("gcc", "-c", "a.c"), cwd="/mnt").open("a.c").make("a.o")
    assert lines(story, "a.o") == ["( gcc -c a.c )"]


def test_each_part_of_a_pipeline_is_run_where_it_was(story: Story) -> None:
    story.program("tar", args=("tar", "cf", "-", "."), cwd="/mnt/from", pipe_out=("pipe:[1]",)).open("from/a")
    fds = ((0, "pipe:[1]"),)
    unpack = story.program("tar", args=("tar", "xf", "-"), cwd="/mnt/to", pipe_in=("pipe:[1]",), fds=fds)
    story.events[0] = story.events[0]._replace(
        process=story.events[0].process._replace(fds=((1, "pipe:[1]"),))
    )
    unpack.make("to/a")
    assert lines(story, "to/a") == ["( cd to && ( cd ../from && tar cf - . ) | tar xf - )"]


def test_a_directory_is_there_before_something_is_run_in_it(story: Story) -> None:
    called_there = story.program("sort", args=("sort", "-o", "../out", "../a"), cwd="/mnt/sub")
    called_there.open("a").make("out")
    with story.answers() as answers:
        text = as_script(answers.chain("out"), "/mnt")
    assert text.index("mkdir -p sub\n") < text.index("cd sub")


@pytest.mark.parametrize(
    ("args", "cwd", "called_in"),
    [
        (("rsync", "-a", "from/", "to"), "/mnt/here/to", "here"),
        (("rsync", "from/a", "b"), "/mnt/here/from", "here"),
        (("cpio", "-i", "--directory=sub/dir"), "/mnt/here/sub/dir", "here"),
        (("bsdtar", "-Csub", "-xf", "x"), "/mnt/here/sub", "here"),
        (("rsync", "-a", "../from/", "."), "/mnt/here", "here"),
        (("make", "-C", "sub", "all"), "/mnt/here/sub", "here"),
        (("make", "--directory=sub", "all"), "/mnt/here/sub", "here"),
        (("make", "here"), "/mnt/here", "here"),
        (("make", "PREFIX=here", "all"), "/mnt/here", "here"),
        (("sort", "here"), "/mnt/here", "here"),
    ],
)
def test_a_program_that_goes_elsewhere_is_called_where_it_was(
    story: Story, args: tuple[str, ...], cwd: str, called_in: str
) -> None:
    story.program(args[0], args=args, cwd=cwd).make("made")
    (step,) = story_steps(story, "made")
    assert step.cwd == f"/mnt/{called_in}"


def test_a_program_that_needs_its_script_is_called_by_that(story: Story) -> None:
    called(story, "/usr/lib/R/bin/exec/R", "--no-echo", "--file=s.R").open("s.R").make("plot")
    assert lines(story, "plot") == ["( R --no-echo --file=s.R )"]


def test_what_an_editor_did_by_itself_is_done_again(story: Story) -> None:
    called(story, "soffice.bin", "--headless", "--convert-to", "pdf", "a.odt").open("a.odt").make("a.pdf")
    assert lines(story, "a.pdf") == ["( soffice.bin --headless --convert-to pdf a.odt )"]


def test_what_version_control_prints_into_a_file_is_printed_again(story: Story) -> None:
    line = ("git", "hash-object", "-w", "a")
    story.program("bash").create("hash").becomes("git", args=line, cwd="/mnt").open("a").close("hash")
    assert lines(story, "hash") == ["( git hash-object -w a > hash )"]


def test_a_shell_in_a_box_of_programs_is_called_again(story: Story) -> None:
    line = ("busybox", "sh", "-c", "for a in 1 2; do echo $a; done > out")
    story.program("busybox", args=line, cwd="/mnt").make("out")
    assert lines(story, "out") == ["( busybox sh -c 'for a in 1 2; do echo $a; done > out' )"]


def test_what_was_moved_afterwards_is_moved_again(story: Story) -> None:
    called(story, "sort", "-o", "b", "a").open("a").make("b")
    called(story, "mv", "b", "c").rename("b", "c")
    with story.answers() as answers:
        text = as_script(answers.chain("c"), "/mnt")
    assert text.endswith("( sort -o b a )\ncp -p b c\ntest -e c\n")


def test_what_was_made_under_one_name_and_moved_each_time_is_not_mixed_up(story: Story) -> None:
    for name in "ab":
        called(story, "sort", "-o", "t", name).open(name).make("t")
        called(story, "mv", "t", f"{name}.s").rename("t", f"{name}.s")
    called(story, "cat", "a.s", "b.s").open("a.s", "b.s").make("t")
    called(story, "mv", "t", "z").rename("t", "z")
    with story.answers() as answers:
        script = as_script(answers.chain("z"), "/mnt")
    assert "( sort -o t a )\ncp -p t a.s\n" in script
    assert "( sort -o t b )\ncp -p t b.s\n" in script
    assert script.endswith("\n( cat a.s b.s )\ncp -p t z\ntest -e z\n")


def test_what_two_runs_made_under_the_same_names_is_not_mixed_up(story: Story, tmp_path: Path) -> None:
    for name in "ab":
        called(story, "split", "-n2", name).open(name).make("xaa", "xab")
        called(story, "mv", "xaa", f"{name}1").rename("xaa", f"{name}1")
        called(story, "mv", "xab", f"{name}2").rename("xab", f"{name}2")
        (tmp_path / name).write_text(f"{name}{name.upper()}")
    mixed = ("a1", "b1", "a2", "b2")
    story.program("cat", args=("cat", *mixed), cwd="/mnt", fds=((1, "/mnt/z"),)).open(*mixed).make("z")
    with story.answers() as answers:
        script = as_script(answers.chain("z"), "/mnt")
    subprocess.run(["sh", "-s", str(tmp_path)], input=script, text=True, check=True)
    assert (tmp_path / "z").read_text() == "abAB"


def test_what_would_be_made_of_another_file_of_that_name_is_refused(story: Story) -> None:
    called(story, "sort", "-o", "t", "a").open("a").make("t")
    called(story, "uniq", "t", "a.1").open("t").make("a.1")
    called(story, "mv", "t", "kept").rename("t", "kept")
    called(story, "sort", "-o", "t", "b").open("b").make("t")
    called(story, "uniq", "t", "b.1").open("t").make("b.1")
    called(story, "mv", "kept", "back").rename("t", "b.t").rename("kept", "t")
    called(story, "uniq", "t", "a.2").open("t").make("a.2")
    for number, sources in enumerate([("a.1", "b.1", "a.2"), ("a.2", "b.1", "a.1")]):
        called(story, "paste", *sources, f"z{number}").open(*sources).make(f"z{number}")
        with story.answers() as answers, pytest.raises(Unwritable, match="t: several files had this name"):
            as_script(answers.chain(f"z{number}"), "/mnt")
    assert lines(story, "a.2") == ["( sort -o t a )", "( uniq t a.2 )"]


def test_a_copy_never_covers_what_is_needed_under_its_name(story: Story) -> None:
    called(story, "sort", "-o", "old", "data").open("data").make("old")
    called(story, "mv", "data", "data.2024").rename("data", "data.2024")
    story.program("vim").make("data")
    called(story, "sort", "-o", "new", "data").open("data").make("new")
    for first, second in (("old", "new"), ("new", "old")):
        called(story, "paste", first, second).open(first, second).make(f"{first}-first")
    assert lines(story, "old-first") == ["( sort -o new data )", "( sort -o old data )", "( paste old new )"]
    with story.answers() as answers, pytest.raises(Unwritable, match="data: several files had this name"):
        as_script(answers.chain("new-first"), "/mnt")


def test_what_its_shell_moved_afterwards_is_made_under_its_last_name(story: Story) -> None:
    line = ("sh", "-c", "sort a > t; mv t b")
    make = called(story, "make")
    shell = make.run("sh", args=line, cwd="/mnt").create("t")
    shell.run("sort", args=("sort", "a"), cwd="/mnt", chain_args=(line,)).open("a").close("t")
    shell.run("mv", args=("mv", "t", "b"), cwd="/mnt", chain_args=(line,)).rename("t", "b")
    with story.answers() as answers:
        text = as_makefile(answers.chain("b"), "/mnt")
    assert "\nb: a\n\t-( sh -c 'sort a > t; mv t b' )\n\t@test -e b\n" in text
    assert "cp -p" not in text


def test_what_a_program_moved_by_itself_is_made_under_its_last_name(story: Story) -> None:
    line = ("gfortran", "-c", "a.f90")
    driver = story.program("gfortran", args=line, cwd="/mnt")
    compiler = driver.run("f951", args=("f951", "a.f90"), cwd="/mnt", chain_args=(line,))
    compiler.open("a.f90").make("a.mod0").rename("a.mod0", "a.mod")
    with story.answers() as answers:
        assert "\na.mod: a.f90\n" in as_makefile(answers.chain("a.mod"), "/mnt")


def configured(story: Story) -> None:
    """A script that tries things out, and makes another script, which it calls."""
    script = called(story, "sh", "./configure").open("configure")
    about: dict[str, Any] = {"cwd": "/mnt", "chain_args": (("sh", "./configure"),)}
    script.run("cc", args=("cc", "-o", "conftest"), **about).make("conftest")
    script.run("cat", args=("cat",), fds=((0, "/tmp/sh (deleted)"),), **about).open("conftest").make("status")
    script.run("rm", args=("rm", "conftest"), **about).unlink("conftest")
    inner = script.run("sh", args=("sh", "./status"), cwd="/mnt").open("status").create("tmp/out")
    about["chain_args"] = (("sh", "./status"), ("sh", "./configure"))
    inner.run("cat", args=("cat",), fds=((0, "/tmp/sh (deleted)"), (1, "/mnt/tmp/out")), **about).close(
        "tmp/out"
    )
    inner.run("mv", args=("mv", "tmp/out", "config.h"), **about).rename("tmp/out", "config.h")


def test_scripts_that_call_one_another_are_each_called_for_what_they_made(story: Story) -> None:
    configured(story)
    assert lines(story, "config.h") == ["( sh ./configure )", "( sh ./status )"]


def test_what_a_script_tried_out_by_the_way_is_no_goal_of_a_makefile(story: Story) -> None:
    configured(story)
    with story.answers() as answers:
        text = as_makefile(answers.chain("config.h"), "/mnt")
    assert "conftest" not in text
    assert "tmp" not in text


def test_what_a_program_gave_its_own_child_to_write_is_no_redirection(story: Story) -> None:
    line = ("ccache", "gcc", "-c", "a.c")
    cache = called(story, *line).create("tmp/err")
    led = ((1, "/tmp/out"), (2, "/mnt/tmp/err"))
    cache.run("cc1", args=("cc1", "a.c"), cwd="/mnt", chain_args=(line,), fds=led).open("a.c").make("a.o")
    assert lines(story, "a.o") == ["( ccache gcc -c a.c )"]


def test_a_directory_is_made_for_what_a_run_writes_by_the_way(story: Story) -> None:
    called(story, "gcc", "-MF", "deps/a.d", "-c", "a.c").open("a.c").make("deps/a.d", "a.o")
    with story.answers() as answers:
        assert "mkdir -p deps" in as_script(answers.chain("a.o"), "/mnt").splitlines()
        assert "\t-mkdir -p deps" in as_makefile(answers.chain("a.o"), "/mnt").splitlines()


def test_a_directory_that_a_script_may_have_removed_is_made_again(story: Story) -> None:
    configured(story)
    called(story, "cc", "-o", "out/a.o", "a.c").open("a.c", "config.h").make("out/a.o")
    with story.answers() as answers:
        text = as_script(answers.chain("out/a.o"), "/mnt").splitlines()
    assert text.index("( sh ./status )") < text.index("mkdir -p out", text.index("( sh ./status )"))


def test_a_script_that_a_builder_gave_an_input_of_nobody_is_called_again(story: Story) -> None:
    line, nobody = ("sh", "./libtool", "a.lo"), {"pipe_in": ("pipe:[7]",), "fds": ((0, "pipe:[7]"),)}
    script = called(story, "make").run("sh", args=line, cwd="/mnt", **nobody).open("libtool")
    cat = script.run("sh", args=line, cwd="/mnt", chain_args=(line,), same_input=1, **nobody).create("a.lo")
    cat.becomes("cat", args=("cat",), fds=((0, "pipe:[7]"), (1, "/mnt/a.lo")), same_input=0).close("a.lo")
    assert lines(story, "a.lo") == ["( sh ./libtool a.lo )"]


def test_a_makefile_holds_commands_of_several_lines(story: Story, tmp_path: Path) -> None:
    text = "x=a\nprintf '%s\\n' $x \\\n 'b$' | sort > out"
    shell = called(story, "make").run("sh", args=("sh", "-ec", text), cwd="/mnt").create("out")
    shell.run("sort", args=("sort",), cwd="/mnt", chain_args=(("sh", "-ec", text),)).close("out")
    with story.answers() as answers:
        makefile = as_makefile(answers.chain("out"), "/mnt")
    subprocess.run(["make", "-s", "-f", "-"], cwd=tmp_path, input=makefile, text=True, check=True)
    assert (tmp_path / "out").read_text() == "a\nb$\n"


def test_a_makefile_has_a_rule_for_each_product(story: Story) -> None:
    called(story, "sort", "-o", "b", "a").open("a").make("b")
    called(story, "uniq", "b", "c").open("b").make("c")
    with story.answers() as answers:
        text = as_makefile(answers.chain("c"), "/mnt")
    assert "\nb: a\n\t-( sort -o b a )\n" in text
    assert "\nc: b\n\t-( uniq b c )\n" in text


def test_a_further_name_of_what_was_made_is_made_again(story: Story) -> None:
    called(story, "sort", "-o", "b", "a").open("a").make("b")
    called(story, "ln", "b", "c").link("b", "c")
    assert lines(story, "c") == ["( sort -o b a )"]
    with story.answers() as answers:
        assert "cp -p b c" in as_script(answers.chain("c"), "/mnt").splitlines()


def test_a_script_that_was_made_is_made_before_it_is_called(story: Story) -> None:
    called(story, "python3", "generate.py").open("generate.py").make("generated.sh")
    shell = called(story, "sh", "./generated.sh").open("generated.sh").create("out")
    shell.run("sort", args=("sort", "a"), cwd="/mnt").open("a").close("out")
    assert lines(story, "out") == ["( python3 generate.py )", "( sh ./generated.sh )"]
    assert story.sources("out") == ["a"]


def test_what_a_pipeline_gives_to_the_filter_of_its_last_part_is_made_by_the_script(story: Story) -> None:
    script = called(story, "bash", "run.sh").open("run.sh")
    split = Neighbour(story.pid + 2, ("pipe:[8]", "", ""), ("split", "--filter=gzip > $FILE"))
    cat = script.run("cat", args=("cat", "a"), pipe_out=("pipe:[8]",), neighbours=(split,)).open("a")
    begun = script.run("split")
    filtering = ("sh", "-c", "gzip > $FILE")
    shell = begun.run("sh", args=filtering, pipe_in=("pipe:[9]",), fds=((0, "pipe:[9]"),)).create("xaa")
    shell.becomes("gzip", args=("gzip",), chain_args=(filtering,)).close("xaa")
    assert cat.process.pid + 1 == begun.process.pid
    assert story.sources("xaa") == ["a"]
    assert lines(story, "xaa") == ["( bash run.sh )"]


def test_what_a_shell_made_and_removed_is_made_of_what_was_renamed_since(story: Story) -> None:
    line = ("sh", "-c", "sort data > tmp; uniq tmp > out; rm tmp")
    about: dict[str, Any] = {"cwd": "/mnt", "chain_args": (line,)}
    shell = called(story, *line).create("tmp")
    shell.run("sort", args=("sort", "data"), fds=((1, "/mnt/tmp"),), **about).open("data").close("tmp")
    shell.create("out")
    shell.run("uniq", args=("uniq", "tmp"), fds=((1, "/mnt/out"),), **about).open("tmp").close("out")
    shell.run("rm", args=("rm", "tmp"), **about).unlink("tmp")
    called(story, "mv", "data", "data.2024").rename("data", "data.2024")
    story.program("vim").make("data")
    with story.answers() as answers:
        script, makefile = (write(answers.chain("out"), "/mnt") for write in (as_script, as_makefile))
    assert script.index("cp -p data.2024 data\n") < script.index("( sh -c")
    assert "\nout: data.2024\n\t-cp -p data.2024 data\n" in makefile


def test_what_nobody_made_has_no_script(story: Story) -> None:
    story.program("vim").open("a").close("a")
    with story.answers() as answers, pytest.raises(Unwritable, match="nobody was seen making it"):
        as_script(answers.chain("a"), "/mnt")


def test_what_was_edited_by_hand_since_is_not_made_again(story: Story) -> None:
    called(story, "sort", "-o", "b", "a").open("a").make("b")
    called(story, "vim", "b").open("b").make("b")
    called(story, "uniq", "b", "c").open("b").make("c")
    with story.answers() as answers, pytest.raises(Unwritable, match="changed in place"):
        as_script(answers.chain("b"), "/mnt")
    assert lines(story, "c") == ["( uniq b c )"]


def test_what_a_program_kept_of_what_it_changed_is_no_part_of_the_script(story: Story) -> None:
    shell = story.program("bash")
    shell.run("convert", args=("convert", "in", "a"), cwd="/mnt").open("in").make("a")
    changed = shell.run("mogrify", args=("mogrify", "a"), cwd="/mnt").open("a").rename("a", "a~")
    changed.make("a").unlink("a~")
    shell.run("convert", args=("convert", "a", "b"), cwd="/mnt").open("a").make("b")
    assert lines(story, "b") == ["( convert in a )", "( mogrify a )", "( convert a b )"]


def test_a_source_that_nobody_knows_how_to_make_is_taken_as_it_is(story: Story) -> None:
    called(story, "sort", "-o", "words", "raw").open("raw").make("words")
    called(story, "cat").open("words").make("typed")
    called(story, "uniq", "typed", "out").open("typed").make("out")
    reason = "typed is needed as it is: not all is known of what was run to make it"
    assert lines(story, "out") == ["( uniq typed out )"]
    with story.answers() as answers:
        script, makefile = (write(answers.chain("out"), "/mnt") for write in (as_script, as_makefile))
    assert f"test -e typed || {{ echo '{reason}' >&2; exit 1; }}\n" in script
    assert f"# {reason}\n" in makefile
    assert "out: typed\n" in makefile
    assert "raw" not in makefile


def test_who_wrote_the_sources_from_elsewhere_is_not_run_again(story: Story) -> None:
    driver = story.program("python3", args=("python3", "/srv/test.py"), cwd="/srv").make("a.c")
    driver.run("gcc", args=("gcc", "-o", "a", "a.c"), cwd="/mnt").open("a.c").make("a")
    assert lines(story, "a") == ["( gcc -o a a.c )"]


@pytest.mark.parametrize(
    ("args", "again"),
    [
        (("python3", "/srv/test.py"), False),
        (("python3", "/srv/test.py", "a.c"), True),
        (("python3", "/srv/test.py", "/mnt/sub"), True),
        (("python3", "test.py"), True),
    ],
)
def test_a_script_elsewhere_that_wrote_a_source_of_nothing_is_not_run_again(
    args: tuple[str, ...], again: bool, story: Story
) -> None:
    story.program("python3", args=args, cwd="/mnt").make("a.c")
    called(story, "gcc", "-o", "a", "a.c").open("a.c").make("a")
    *before, last = lines(story, "a")
    assert last == "( gcc -o a a.c )"
    assert len(before) == again


@pytest.mark.parametrize(
    ("runner", "args", "again"),
    [
        ("python3", ("tool", "in", "out"), "( tool in out )"),
        ("bash", ("tool", "in", "out"), "( tool in out )"),
        ("bash", ("sort", "-o", "out", "in"), "( sort -o out in )"),
        ("python3", ("sort", "-u"), ""),
        ("bash", ("cat",), ""),
    ],
)
def test_what_a_runner_was_given_is_not_what_it_runs_reads(
    runner: str, args: tuple[str, ...], again: str, story: Story
) -> None:
    about = {"fds": ((0, "pipe:[7]"),), "same_input": 2}
    program = story.program(runner, fds=((0, "pipe:[7]"),)).run(args[0], args=args, cwd="/mnt", **about)
    program.open("in").make("out")
    if again:
        assert lines(story, "out") == [again]
    else:
        with pytest.raises(Unwritable, match="not all is known"):
            lines(story, "out")


def test_what_a_pipe_of_its_own_gave_a_program_is_unknown_where_nobody_saw_it(story: Story) -> None:
    program = story.program("bash").run("tool", args=("tool", "in"), cwd="/mnt", fds=((0, "pipe:[7]"),))
    program.open("in").make("out")
    with pytest.raises(Unwritable, match="not all is known"):
        lines(story, "out")


@pytest.mark.parametrize("runner", ["bash", "python3"])
def test_a_file_that_a_shell_was_given_may_be_for_what_it_runs(runner: str, story: Story) -> None:
    given = {"fds": ((0, "/mnt/list"),), "same_input": 1}
    program = story.program(runner).run("tool", args=("tool", "in", "out"), cwd="/mnt", **given)
    program.open("in").make("out")
    assert lines(story, "out") == ["( tool in out < list )" if runner == "bash" else "( tool in out )"]


def test_a_source_that_was_moved_is_taken_from_where_it_is(story: Story) -> None:
    called(story, "cat").make("typed")
    called(story, "uniq", "typed", "out").open("typed").make("out")
    called(story, "mv").rename("typed", "kept")
    assert lines(story, "out") == ["( uniq typed out )"]
    with story.answers() as answers:
        script = as_script(answers.chain("out"), "/mnt")
    assert script.index("test -e kept") < script.index("cp -p kept typed") < script.index("( uniq")


def test_a_source_that_is_gone_cannot_be_taken_as_it_is(story: Story) -> None:
    called(story, "cat").make("typed")
    called(story, "uniq", "typed", "out").open("typed").make("out")
    called(story, "rm").unlink("typed")
    with story.answers() as answers, pytest.raises(Unwritable, match="typed: not all is known"):
        as_script(answers.chain("out"), "/mnt")


def test_what_an_editor_saved_by_rename_is_not_made_again(story: Story) -> None:
    called(story, "sort", "-o", "b", "a").open("a").make("b")
    called(story, "emacs", "b").open("b").make(".#b").rename(".#b", "b")
    with story.answers() as answers, pytest.raises(Unwritable, match="changed in place"):
        as_script(answers.chain("b"), "/mnt")


@pytest.mark.parametrize(
    ("args", "is_known"),
    [
        (("worker: page 7",), False),
        (("sqlite3", "out", ".mode", "csv", ".import", "./a.csv", "a"), False),
        (("sqlite3", "out", ".tables", ".dump"), True),
        (("sqlite3", "-csv", "out", "create table a (b)"), True),
        (("/opt/my tools/convert", "a", "out"), True),
    ],
)
def test_a_command_line_that_its_program_has_written_over_is_no_recipe(
    story: Story, args: tuple[str, ...], is_known: bool
) -> None:
    story.program("worker", args=args, cwd="/mnt").make("out")
    with story.answers() as answers:
        (product,) = answers.chain("out").products
    assert product.links[-1].step.sure is is_known


def test_a_command_is_run_where_it_was_called_wherever_its_program_went(story: Story) -> None:
    sender = called(story, "rsync", "-a", "from/", "to/").open("from/a")
    sender.run("rsync", args=("rsync", "-a", "from/", "to/"), cwd="/mnt/to").make("to/a")
    assert lines(story, "to/a") == ["( rsync -a from/ to/ )"]


def test_a_command_is_run_where_it_was_seen_first_with_a_directory(story: Story) -> None:
    sorter = story.program("sortit", args=("sortit", "in", "out")).open("sub/in")
    sorter.becomes("sortit", cwd="/mnt/sub").make("sub/out")
    assert lines(story, "sub/out") == ["( cd sub && sortit in out )"]


@pytest.mark.parametrize(
    ("given", "is_known"), [((0, "pipe:[7]"), False), ((0, "/mnt/list"), False), ((0, "pipe:[1]"), True)]
)
def test_a_script_is_not_called_again_without_what_it_was_given(
    story: Story, given: tuple[int, str], is_known: bool
) -> None:
    outer = story.program("bash", args=("bash",), cwd="/mnt", fds=((0, "pipe:[1]"),)).open("start")
    script = outer.run("bash", args=("bash", "each.sh"), cwd="/mnt", fds=(given,)).open("each.sh")
    script.make("out")
    with story.answers() as answers:
        (product,) = answers.chain("out").products
    assert bool(product.links[-1].step.shell) is is_known


def test_a_program_that_has_the_id_of_what_ran_another_before_did_not_run_it(story: Story) -> None:
    build = called(story, "python3", "build.py").open("build.py")
    build.run("gcc", args=("gcc", "-c", "a.c"), cwd="/mnt").open("a.c").make("a.o")
    linker = called(story, "ld", "-o", "a", "a.o")
    linker.process = linker.process._replace(pid=build.process.pid)
    linker.open("a.o").make("a")
    assert lines(story, "a") == ["( gcc -c a.c )", "( ld -o a a.o )"]


def test_where_the_tree_was_shows_in_what_a_shell_was_told_to_do(story: Story) -> None:
    args = ("sh", "-c", "wc -l < ./sub/a > ./sub/b")
    shell = story.program("sh", args=args, cwd="/mnt").open("sub/a").create("sub/b")
    shell.run("wc", args=("wc", "-l"), cwd="/mnt", chain_args=(args,)).close("sub/b")
    with story.answers() as answers:
        (product,) = answers.chain("sub/b").products
    assert product.links[-1].step.root == "/mnt"


def test_a_program_in_the_tree_is_built_before_it_runs(story: Story) -> None:
    called(story, "gcc", "-o", "tool", "tool.c").open("tool.c").make("tool")
    story.program("sh").execute("tool").becomes("tool", args=("./tool", "out"), cwd="/mnt").make("out")
    assert lines(story, "out") == ["( gcc -o tool tool.c )", "( ./tool out )"]
    assert story.sources("out") == []


@pytest.mark.parametrize(("letters", "called_again"), [(900, True), (1100, False)])
def test_a_shell_is_not_called_again_with_a_line_whose_end_may_be_missing(
    story: Story, letters: int, called_again: bool
) -> None:
    line = ("sh", "-c", "echo " + "ü" * letters + " > out")  # of two bytes each
    story.program("echo", cwd="/mnt", chain=((50, "sh"),), chain_args=(line,)).make("out")
    with story.answers() as answers:
        (product,) = answers.chain("out").products
    assert bool(product.links[-1].step.shell) is called_again


def test_a_script_that_a_filter_is_told_is_not_its_input(story: Story) -> None:
    shell = story.program("bash", cwd="/mnt").open("in").create("out")
    filtering = shell.becomes("sed", args=("sed", "-f", "s.sed"), fds=((0, "/mnt/in"), (1, "/mnt/out")))
    filtering.open("s.sed").close("out")
    assert lines(story, "out") == ["( sed -f s.sed < in > out )"]


INTO_PIPE: dict[str, Any] = {"pipe_out": ("pipe:[7]",), "fds": ((1, "pipe:[7]"),)}
FROM_PIPE: dict[str, Any] = {"pipe_in": ("pipe:[7]",), "fds": ((0, "pipe:[7]"),)}


def test_a_shell_that_others_write_to_is_a_part_of_their_pipeline(story: Story) -> None:
    inner = ("sh", "-c", "python3 tool.py out")
    story.program("cat", args=("cat", "in"), cwd="/mnt", **INTO_PIPE).open("in")
    tool = story.program("python3", args=("python3", "tool.py", "out"), cwd="/mnt", **FROM_PIPE, same_input=1)
    tool.process = tool.process._replace(chain=((90, "sh"), (50, "bash")), chain_args=(inner,))
    tool.open("tool.py").make("out")
    assert lines(story, "out") == ["( cat in | sh -c 'python3 tool.py out' )"]


SCRIPT = ("sh", "run.sh")


def test_a_script_is_given_the_output_that_its_shell_was_given(story: Story) -> None:
    shell = story.program("bash", args=("bash", "-s"), cwd="/mnt").create("out")
    shell.becomes("sh", args=SCRIPT, fds=((1, "/mnt/out"),)).open("run.sh")
    shell.run("uniq", args=("uniq",), cwd="/mnt", chain_args=(SCRIPT,)).close("out")
    assert lines(story, "out") == ["( sh run.sh > out )"]


def test_who_gave_a_script_its_output_is_called_again_if_it_may_have_given_it_to_others(story: Story) -> None:
    line = ("sh", "-c", "sh run.sh > out")
    outer = story.program("sh", args=line, cwd="/mnt").create("out")
    shell = outer.run("sh", args=SCRIPT, cwd="/mnt", fds=((1, "/mnt/out"),), chain_args=(line,))
    shell.open("run.sh", "a").run("tr", args=("tr", "a", "b"), chain_args=(SCRIPT, line)).close("out")
    assert lines(story, "out") == ["( sh -c 'sh run.sh > out' )"]


def test_a_script_in_a_pipeline_stands_for_what_it_runs(story: Story) -> None:
    shell = story.program("sh", args=SCRIPT, cwd="/mnt", **INTO_PIPE).open("run.sh")
    shell.run("sort", args=("sort", "a"), cwd="/mnt", chain_args=(SCRIPT,), **INTO_PIPE).open("a")
    beside = tuple(
        Neighbour(story.pid - 1 + number, ("", "pipe:[7]", ""), args)
        for number, args in enumerate((SCRIPT, ("sort", "a")))
    )
    story.program("tee", args=("tee", "out"), cwd="/mnt", neighbours=beside, **FROM_PIPE).make("out")
    assert lines(story, "out") == ["( sh run.sh | tee out )"]


@pytest.mark.parametrize(
    ("text", "cwd", "called_in"),
    [
        ("cd sub && sort a > b", "/mnt/sub", ""),
        ("cd sub; mkdir -p x; cd x; sort a > b", "/mnt/sub", ""),
        ("set -e\ncd ./sub/dir\nsort a > b", "/mnt/sub/dir", ""),
        ("cd other && sort a > b", "/mnt/sub", "cd sub && "),
        ("mkdir -p sub && cd sub", "/mnt/sub", "cd sub && "),
    ],
)
def test_a_shell_that_went_elsewhere_first_of_all_is_called_where_it_began(
    story: Story, text: str, cwd: str, called_in: str
) -> None:
    shell = story.program("sh", args=("sh", "-c", text), cwd=cwd).create("sub/b")
    shell.run("true", args=("true",), cwd="/mnt/sub").close("sub/b")
    (line,) = lines(story, "sub/b")
    assert line.startswith(f"( {called_in}sh -c ")


def test_what_a_builder_tells_by_its_environment_is_made_by_the_builder(story: Story) -> None:
    line = ("cargo", "build")
    cargo = called(story, *line).open("Cargo.toml")
    rustc = cargo.run("rustc", args=("rustc", "main.rs"), cwd="/mnt", chain_args=(line,))
    rustc.open("main.rs").make("main")
    assert lines(story, "main") == ["( cargo build )"]


def test_a_notebook_that_is_worked_off_makes_what_its_kernel_writes(story: Story) -> None:
    line = ("python3", "/bin/jupyter-nbconvert", "--execute", "n.ipynb", "--output", "report.html")
    program = story.program("jupyter-nbconve", exe="/bin/python3", args=line, cwd="/mnt").open("n.ipynb")
    kernel = program.run("python3", args=("python3", "-m", "ipykernel_launcher", "-f", "/tmp/k.json"))
    kernel.open("table").make("counts")
    program.make("report.html")
    assert story.sources("counts") == ["n.ipynb", "table"]
    assert story.sources("report.html") == ["n.ipynb", "table"]
    command = "( python3 /bin/jupyter-nbconvert --execute n.ipynb --output report.html )"
    assert lines(story, "counts") == lines(story, "report.html") == [command]


@pytest.mark.parametrize(
    ("args", "called_in"),
    [
        (("tool", "doc", "out"), "( tool doc out )"),
        (("tool", "-q", "doc"), "( tool -q doc )"),
        (("tool", "index", "doc"), "( cd doc && tool index doc )"),
        (("tool", "elsewhere"), "( cd doc && tool elsewhere )"),
    ],
)
def test_a_program_that_goes_to_what_it_was_told_is_called_where_its_words_name_files(
    story: Story, args: tuple[str, ...], called_in: str
) -> None:
    about = {"cwd": "/mnt/doc", "fds": ((5, "/mnt/out/page"),)}
    story.program("tool", args=args, **about).open("doc/index").make("out/page")
    assert lines(story, "out/page") == [called_in]
