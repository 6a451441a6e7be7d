"""Recipes of what was really made on a mount: run in a copy of the tree, they make it again, to the byte."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.mount.mounted import Mounted, wait_until
from tests.mount.recorded import mycelial, shell, told, wait_for_events

SOURCES = {
    "common.h": "int f0(int);\nint f1(int);\nint f2(int);\n",
    "main.c": '#include "common.h"\n#include "gen.h"\n#include <stdio.h>\n'
    'int main(void) { printf("%d %s\\n", f0(1) + f1(2) + f2(3), GEN); return 0; }\n',
    "words": "hello world\n",
    **{
        f"src/f{number}.c": f'#include "../common.h"\nint f{number}(int x) {{ return x + {number}; }}\n'
        for number in range(3)
    },
    "Makefile": """\
program: main.o libf.a
\tgcc -o $@ main.o -L. -lf
main.o: main.c gen.h common.h
\tgcc -c -O1 main.c
gen.h: words
\tprintf '#define GEN "%s"\\n' "$$(tr a-z A-Z < words)" > $@
libf.a: obj/f0.o obj/f1.o obj/f2.o
\tar rcsD $@ $^
obj/%.o: src/%.c common.h
\tmkdir -p obj
\tcd src && gcc -c -o ../$@ $*.c
symbols: program
\tnm program | sort -k3 | sed 's/^/x /' > $@
""",
}


def put(directory: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_text(text)


def written(mount: Mounted, paths: Iterable[str]) -> None:
    """Wait until the log has it that these were written."""
    wait_for_events(mount, lambda log: all("write" in told(log, path) for path in paths))


def made_again(mount: Mounted, form: str, path: str, origins: dict[str, str], place: Path) -> bytes:
    """Run a recipe in a directory that has only what nobody made; what it makes."""
    text = mycelial("how", form, "--", path, cwd=mount.mountpoint)
    assert text.returncode == 0, text.stderr
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    put(place, origins)
    recipe = place.with_suffix(".text")
    recipe.write_text(text.stdout, errors="surrogateescape")
    command = ["sh", str(recipe)] if form == "--script" else ["make", "-f", str(recipe)]
    done = subprocess.run(command, cwd=place, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, f"{text.stdout}\n{done.stderr}"
    return (place / path).read_bytes()


@pytest.mark.parametrize("form", ["--script", "--makefile"])
def test_a_build_is_made_again(form: str, mount: Mounted, workspace: Path) -> None:
    put(mount.source, SOURCES)
    shell("make -j2 program symbols", mount, timeout=120)
    written(mount, ("program", "symbols", "libf.a"))
    for path in ("symbols", "obj/f1.o", "libf.a"):
        again = made_again(mount, form, path, SOURCES, workspace / "copy")
        assert again == (mount.source / path).read_bytes()


def test_an_object_was_made_by_the_compiler_that_was_called(mount: Mounted) -> None:
    put(mount.source, SOURCES)
    shell("make obj/f1.o", mount, timeout=60)
    written(mount, ["obj/f1.o"])
    how = mycelial("how", "obj/f1.o", cwd=mount.mountpoint)
    assert "command:  gcc -c -o ../obj/f1.o f1.c" in how.stdout
    assert "in:       src" in how.stdout
    assert "program:  gcc" in how.stdout


RUNS = """
gcc -o a a.c
sort in > sorted
cat in | tr a-z A-Z > loud
python3 tool.py in copied
true
"""
RUN = {
    "a.c": "int main(void) { return 0; }\n",
    "in": "b\na\n",
    "tool.py": "import sys\nopen(sys.argv[2], 'w').write(open(sys.argv[1]).read())\n",
}
DRIVER = """
import subprocess, sys
for line in sys.argv[1].splitlines():
    subprocess.run(line, shell=True, check=True)
"""


@pytest.mark.parametrize("given", ["pipe", "file", "nothing"])
@pytest.mark.parametrize("runner", ["python3", "bash", "commands"])
def test_what_a_runner_is_given_by_others_does_not_matter(
    runner: str, given: str, mount: Mounted, workspace: Path
) -> None:
    """As under a supervisor, a test runner, or a service."""
    put(mount.source, RUN)
    program = workspace / "program"
    program.write_text(DRIVER if runner == "python3" else RUNS)
    command = {
        "python3": ["python3", str(program), RUNS.strip()],
        "bash": ["bash", str(program)],
        "commands": ["bash", "-c", RUNS],
    }[runner]
    with open(program) as file:
        stdin = {"pipe": subprocess.PIPE, "file": file, "nothing": subprocess.DEVNULL}[given]
        with subprocess.Popen(command, stdin=stdin, cwd=mount.mountpoint) as process:
            assert process.wait(60) == 0
    made = ("a", "sorted", "loud", "copied")
    written(mount, made)
    for path in made:
        again = made_again(mount, "--script", path, RUN, workspace / "copy")
        assert again == (mount.source / path).read_bytes()


OWN_TOOL = {
    "gen.c": '#include <stdio.h>\nint main(void) { puts("#define N 4"); return 0; }\n',
    "part.c": '#include "n.h"\nint n(void) { return N; }\n',
    "Makefile": """\
libn.a: part.o
\tar rcD $@ $^
\t-@ (ranlib -D $@ || true) >/dev/null 2>&1
part.o: part.c n.h
\tgcc -c part.c
n.h: gen
\t./gen > $@
gen: gen.c
\tgcc -o $@ gen.c
""",
}


@pytest.mark.parametrize("form", ["--script", "--makefile"])
def test_a_tool_that_was_built_for_it_is_built_before(form: str, mount: Mounted, workspace: Path) -> None:
    put(mount.source, OWN_TOOL)
    shell("make -j2", mount, timeout=60)
    written(mount, ["libn.a"])
    for path in ("n.h", "part.o", "libn.a"):
        again = made_again(mount, form, path, OWN_TOOL, workspace / "copy")
        assert again == (mount.source / path).read_bytes(), path


def test_directories_that_a_command_makes_are_left_to_it(mount: Mounted, workspace: Path) -> None:
    origins = {"from/a": "a\n", "from/b/c": "c\n"}
    put(mount.source, origins)
    shell("cp -r from to", mount)
    shell("cp -r from to", mount)
    written(mount, ["to/b/c", "to/from/b/c"])
    for path in ("to/b/c", "to/a", "to/from/a"):
        again = made_again(mount, "--script", path, origins, workspace / "copy")
        assert again == (mount.source / path).read_bytes(), path


def test_what_a_program_gave_its_child_to_write_is_made_by_the_program(
    mount: Mounted, workspace: Path
) -> None:
    script = "import subprocess\nsubprocess.run('sort in | uniq', shell=True, stdout=open('out', 'w'))\n"
    origins = {**DATA, "give.py": script}
    put(mount.source, origins)
    shell("python3 give.py", mount)
    written(mount, ["out"])
    again = made_again(mount, "--script", "out", origins, workspace / "copy")
    assert again == (mount.source / "out").read_bytes()


def test_a_shell_that_touched_nothing_itself_is_called_again(mount: Mounted, workspace: Path) -> None:
    put(mount.source, DATA)
    shell("join <(sort in) <(sort other) | tee both | wc -l", mount)
    written(mount, ["both"])
    again = made_again(mount, "--script", "both", DATA, workspace / "copy")
    assert again == (mount.source / "both").read_bytes()
    (mount.source / "sub").mkdir()
    shell("cd sub; join <(sort ../in) <(sort ../other) | tee both | wc -l", mount)
    written(mount, ["sub/both"])
    refused = mycelial("how", "--script", "sub/both", cwd=mount.mountpoint)
    assert refused.returncode == 1
    assert "not all is known of what was run" in refused.stderr


@pytest.mark.parametrize(
    "command",
    ["cat > out <<END\ntext\nEND", "mkfifo p; (sort in > p &); cat p > out", "ls in | xargs -I% cp % out"],
)
def test_what_came_in_unseen_is_made_again_by_the_shell_or_not_at_all(
    command: str, mount: Mounted, workspace: Path
) -> None:
    put(mount.source, {**DATA, "run.sh": command + "\n"})
    shell("bash run.sh", mount)
    written(mount, ["out"])
    if mycelial("how", "--script", "out", cwd=mount.mountpoint).returncode == 0:
        again = made_again(mount, "--script", "out", {**DATA, "run.sh": command + "\n"}, workspace / "copy")
        assert again == (mount.source / "out").read_bytes()


DATA = {"in": "b 2\na 1\nc 3\n", "other": "a x\nb y\n"}
PIPELINES = r"""
mkdir -p sub
sort < in > sorted
cut -d' ' -f1 in | tr a-z A-Z | sort -r > letters
cat in | tee copy | sort -r > reverse
cat other >> letters
join sorted other > joined
cat letters joined > tmp; sort tmp > sub/final; rm tmp
for i in a b; do grep $i in > tmp; rev < tmp > r_$i; rm tmp; done
while read a b; do echo "$b $a"; done < in > swapped
sort <(cut -c1 in) <(cut -c1 other) > both
ls in other | xargs cat > all
(cat in; echo between; cat other) > grouped
paste - other < sub/final > pasted; mv pasted renamed
"""
MADE = "sorted letters copy reverse joined sub/final swapped both all grouped renamed r_a r_b".split()  # noqa: SIM905


@pytest.fixture
def piped(mount: Mounted) -> Mounted:
    """A mount on which the pipelines ran, as a script that lies in the tree."""
    put(mount.source, {**DATA, "run.sh": PIPELINES})
    shell("bash run.sh", mount, timeout=60)
    written(mount, (set(MADE) - {"renamed"}) | {"pasted"})
    return mount


def test_pipelines_are_run_again(piped: Mounted, workspace: Path) -> None:
    for path in MADE:
        again = made_again(piped, "--script", path, {**DATA, "run.sh": PIPELINES}, workspace / "copy")
        assert again == (piped.source / path).read_bytes(), path


def test_pipelines_are_rules_for_make(piped: Mounted, workspace: Path) -> None:
    for path in ("sub/final", "r_b", "swapped", "renamed"):
        again = made_again(piped, "--makefile", path, {**DATA, "run.sh": PIPELINES}, workspace / "copy")
        assert again == (piped.source / path).read_bytes(), path


FEEDING = {
    "zip.py": "import subprocess\n"
    "with open('packed', 'wb') as out:\n"
    "    subprocess.run(['gzip', '-n'], input=open('in', 'rb').read(), stdout=out)\n"
    "for name in ('in', 'other'):\n"
    "    subprocess.run(['sort', '-o', f'{name}.sorted'], input=open(name, 'rb').read())\n",
}
FED = {
    "packed": {"in", "zip.py"},
    "in.sorted": {"in", "zip.py"},
    "other.sorted": {"other", "zip.py"},
    "both.tgz": {"in", "other"},
    "popen": {"in"},
}


def test_what_a_program_writes_into_its_child_is_part_of_its_own_command(
    mount: Mounted, workspace: Path
) -> None:
    origins = {**DATA, **FEEDING}
    put(mount.source, origins)
    shell("python3 zip.py; tar czf both.tgz in other; awk '{print | \"sort > popen\"}' in; true", mount)
    written(mount, FED)
    for path, sources in FED.items():
        answer = json.loads(mycelial("sources", "--json", "--db", mount.database, path).stdout)
        assert {source["path"] for source in answer} == sources, path
    for path in FED.keys() - {"both.tgz"}:  # which holds the times of its files
        again = made_again(mount, "--script", path, origins, workspace / "copy")
        assert again == (mount.source / path).read_bytes(), path


def test_what_a_shell_is_run_again_for_is_not_done_twice(mount: Mounted, workspace: Path) -> None:
    script = "while read a; do echo $a; done < in > loop\ncat loop > log\nread b < other; echo $b >> loop\n"
    put(mount.source, {**DATA, "run.sh": script})
    shell("bash run.sh; true", mount)
    written(mount, ["loop", "log"])
    for form in ("--script", "--makefile"):
        again = made_again(mount, form, "log", {**DATA, "run.sh": script}, workspace / "copy")
        assert again == (mount.source / "log").read_bytes()


HOSTILE = (
    b"-rf",
    b"a b",
    b"$(touch pwned)",
    b"`touch pwned`",
    b"q'uote\"d",
    b"new\nline",
    b"semi;touch pwned",
    b"caf\xe9",
    b"back\\slash",
    b"glob*",
    b"=x",
    b"&1",
)


@pytest.mark.parametrize("form", ["--script", "--makefile"])
def test_no_name_is_ever_taken_for_syntax(form: str, mount: Mounted, workspace: Path) -> None:
    names = [os.fsdecode(name) for name in HOSTILE]
    put(mount.source, {name: f"{number}\n" for number, name in enumerate(names)})
    for name in names:
        # A shell without a command line of its own, as a person types into.
        typed = ["bash", "--norc", "-s", "--", name, f"out {name}"]
        subprocess.run(typed, input=b'sort < "$1" > "$2"\n', cwd=mount.mountpoint, check=True)
    written(mount, [f"out {name}" for name in names])
    done = 0
    for number, name in enumerate(names):
        place = workspace / "copy"
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        put(place, {name: f"{number}\n"})
        text = mycelial("how", form, "--", f"out {name}", cwd=mount.mountpoint)
        if form == "--makefile" and text.returncode:
            assert len(text.stderr.splitlines()) == 1
            continue
        recipe = workspace / "text"
        recipe.write_text(text.stdout, errors="surrogateescape")
        command = ["sh", str(recipe)] if form == "--script" else ["make", "-f", str(recipe)]
        subprocess.run(command, cwd=place, check=True, capture_output=True, timeout=60)
        assert set(os.listdir(place)) == {name, f"out {name}"}
        assert (place / f"out {name}").read_text() == f"{number}\n"
        done += 1
    assert done == len(names) if form == "--script" else done >= 1


def test_what_was_changed_in_place_cannot_be_made_again(mount: Mounted) -> None:
    put(mount.source, DATA)
    shell("sed -i s/a/b/ in", mount)
    wait_for_events(mount, lambda log: any(event["op"] == "rename" for event in log))
    refused = mycelial("how", "--script", "in", cwd=mount.mountpoint)
    assert refused.returncode == 1
    assert "changed in place" in refused.stderr


def test_a_secret_is_not_written_into_a_script(mount: Mounted) -> None:
    put(mount.source, {**DATA, "tool.py": "open('out', 'w').write(open('in').read())\n"})
    shell("python3 tool.py --password=Hush; true", mount, timeout=60)
    written(mount, ["out"])
    refused = mycelial("how", "--script", "out", cwd=mount.mountpoint)
    assert refused.returncode == 1
    assert "secret" in refused.stderr
    assert "--password=[redacted]" in mycelial("how", "out", cwd=mount.mountpoint).stdout


def test_what_became_stale_is_shown(mount: Mounted) -> None:
    put(mount.source, DATA)
    shell("sort in > sorted; sleep 0.1; echo d 4 >> in", mount)
    wait_for_events(mount, lambda log: "write" in told(log, "in"))
    view = mount.mountpoint / ".mycelial"
    wait_until(lambda: os.listdir(view / "stale") == ["01-sorted"])
    assert os.readlink(view / "stale" / "01-sorted") == "../../sorted"
    assert (
        (view / "how" / "sorted")
        .read_text()
        .startswith("stale:    older than in\ncommand:  sort in > sorted\n")
    )
    assert "sorted is older than in" in mycelial("stale", cwd=mount.mountpoint).stdout
