"""The command as a process: pipes that break, disks that are full, and what a call costs."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from mycelial.graph.rebuild import replay
from mycelial.record.jsonl import event_from_json
from tests.unit.recorded import database, work

RUN = (sys.executable, "-c", "from mycelial.cli.main import main; main()")


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(database(tmp_path_factory.mktemp("recorded")))


def test_a_reader_that_leaves_early_is_met_with_silence(db: str, repository: Path) -> None:
    script = 'for i in $(seq 50); do cat log; done | "$0" -c "$1" replay --db big.db - && ' + (
        '"$0" -c "$1" events --db big.db | head -n 1'
    )
    directory = Path(db).parent
    log = subprocess.run(
        [*RUN, "events", "--db", db, "--json"], capture_output=True, check=True, cwd=repository
    )
    (directory / "log").write_bytes(log.stdout)
    done = subprocess.run(
        ["bash", "-c", script, RUN[0], RUN[2]],
        cwd=directory,
        env={"PYTHONPATH": str(repository), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        check=False,
    )
    assert done.stdout.count(b"\n") == 1
    assert done.stderr == b""


def test_a_full_disk_behind_the_output_is_one_line(db: str, repository: Path) -> None:
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [*RUN, "recent", "--db", db], stdout=full, stderr=subprocess.PIPE, check=False, cwd=repository
        )
    assert (done.returncode, done.stderr) == (1, b"mycelial: No space left on device\n")


def test_streams_that_are_closed_stop_nothing(db: str, repository: Path) -> None:
    shell = '"$0" -c "$1" related --db "$2" src/main.c >&- 2>&- <&-'
    done = subprocess.run(["sh", "-c", shell, RUN[0], RUN[2], db], check=False, cwd=repository)
    assert done.returncode == 0
    done = subprocess.run(
        ["sh", "-c", '"$0" -c "$1" recent --db "$2" >&-', RUN[0], RUN[2], db],
        stderr=subprocess.PIPE,
        check=False,
        cwd=repository,
    )
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_terminal_without_utf8_gets_escapes(db: str, repository: Path) -> None:
    done = subprocess.run(
        [*RUN, "related", "--db", db, "unheard"],
        env={"PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=False,
        cwd=repository,
    )
    assert (done.returncode, done.stderr) == (0, b"unheard: nothing known for \\u201crelated\\u201d\n")


@pytest.mark.parametrize("args", [["related", "src/main.c"], ["why", "src/main.c", "src/main.h"], ["recent"]])
def test_a_question_imports_only_what_it_needs(db: str, repository: Path, args: list[str]) -> None:
    code = (
        "import json, sys; from mycelial.cli.main import run; code = run(sys.argv[1:]);"
        "print(json.dumps(sorted(sys.modules))); sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, args[0], "--db", db, *args[1:]],
        capture_output=True,
        check=True,
        cwd=repository,
    )
    modules = set(json.loads(done.stdout.splitlines()[-1]))
    assert not modules & {"networkx", "trio", "pyfuse3", "pathspec", "mycelial.graph", "mycelial.mount"}


def test_following_shows_the_last_events_and_then_what_comes(tmp_path: Path, repository: Path) -> None:
    log, followed = list(work()), tmp_path / "followed.db"
    replay(followed, log[:20])
    command = [*RUN, "events", "--json", "--follow", "--last", "2", "--db", str(followed)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=repository) as process:
        assert process.stdout is not None
        seen = [event_from_json(process.stdout.readline()) for _ in range(2)]
        replay(followed, log[20:])
        seen += [event_from_json(process.stdout.readline()) for _ in log[20:]]
        process.send_signal(signal.SIGINT)
        assert process.communicate()[0] == b""
    assert seen == log[18:]
    assert process.returncode == 130


def test_a_replay_shows_how_far_it_is_on_a_terminal_only(db: str, tmp_path: Path, repository: Path) -> None:
    log = tmp_path / "log.jsonl"
    log.write_bytes(subprocess.check_output([*RUN, "events", "--json", "--db", db], cwd=repository) * 40)
    replaying = [*RUN, "replay", "--db", str(tmp_path / "new.db"), str(log)]
    quiet = subprocess.run(replaying, capture_output=True, check=True, cwd=repository)
    assert (quiet.stdout, quiet.stderr) == (b"", b"")
    terminal, standard_error = pty.openpty()
    with os.fdopen(terminal, "rb", buffering=0) as shown:
        subprocess.run(replaying, stderr=standard_error, check=True, cwd=repository)
        os.close(standard_error)
        bar = shown.read(65536)
    assert b"replaying" in bar
    assert b"%" in bar
