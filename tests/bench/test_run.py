"""The benchmark as it is started: every workload runs, and nothing is left behind however it ends."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bench.workloads import USUAL

REPOSITORY = Path(__file__).parents[2]

PATIENCE = 900.0
"""Seconds; a run takes a minute at most on a machine that has nothing else to do."""


def start(directory: Path, *words: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "bench", "--dir", str(directory), *words]
    return subprocess.Popen(
        command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def mounts_below(directory: Path) -> list[str]:
    table = Path("/proc/self/mounts").read_text().splitlines()
    return [line.split(" ")[1] for line in table if line.split(" ")[1].startswith(f"{directory}/")]


@pytest.mark.slow  # continuous integration runs the short form besides
def test_the_short_form_runs_every_workload_on_every_subject(tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    process = start(work, "--short", "--json", str(tmp_path / "result.json"))
    output, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, errors
    result = json.loads((tmp_path / "result.json").read_text())
    left_out = set(result["left_out"])
    assert left_out <= {"bindfs"}, result["left_out"]
    assert list(result["samples"]) == [workload.name for workload in USUAL]
    for subjects in result["samples"].values():
        assert set(subjects) == {"native", "bindfs", "mycelial", "mycelial-no-record"} - left_out
    assert result["figures"].keys() >= {"inode-memory", "related-warm", "start", "ingest-rate", "idle-cpu"}
    assert result["curves"].keys() >= {"files-stat", "processes", "related", "soak"}
    assert all(workload.title in output for workload in USUAL)
    assert list(work.iterdir()) == []
    assert mounts_below(work) == []


def test_an_interrupted_run_leaves_no_mount_and_no_file(tmp_path: Path) -> None:
    process = start(tmp_path, "--workloads", "stat-cached", "--rounds", "100000", "--subjects", "mycelial")
    await_mount(tmp_path)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert errors == "bench: interrupted; mounts and files are cleaned up\n"
    assert list(tmp_path.iterdir()) == []
    assert mounts_below(tmp_path) == []


def test_a_killed_run_takes_its_mounts_along(tmp_path: Path) -> None:
    process = start(tmp_path, "--workloads", "stat-cached", "--rounds", "100000", "--subjects", "mycelial")
    await_mount(tmp_path)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=PATIENCE)
    end = time.monotonic() + PATIENCE
    while mounts_below(tmp_path) and time.monotonic() < end:
        time.sleep(0.05)
    assert mounts_below(tmp_path) == []


def await_mount(directory: Path) -> None:
    end = time.monotonic() + PATIENCE
    while not mounts_below(directory):
        assert time.monotonic() < end, "nothing was mounted"
        time.sleep(0.02)


def test_wrong_words_are_answered_with_usage(tmp_path: Path) -> None:
    process = start(tmp_path, "--subjects", "nonsense")
    _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 2
    assert "nonsense is none of: native, bindfs, mycelial, mycelial-no-record" in errors


def test_a_directory_that_is_not_there_is_told_in_one_line(tmp_path: Path) -> None:
    process = start(tmp_path / "nowhere")
    _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1
    assert errors.startswith("bench: ")
    assert str(tmp_path / "nowhere") in errors
    assert errors.count("\n") == 1


def test_a_result_can_be_shown_compared_and_drawn_again(tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    saved = tmp_path / "a.json"
    only = ["--workloads", "stat-cached", "--subjects", "native,mycelial", "--measures", "none"]
    process = start(work, "--short", "--rounds", "3", *only, "--json", str(saved))
    printed, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, errors
    assert ask("show", str(saved)) == printed
    more = start(work, "--short", "--rounds", "2", *only, "--json", str(saved), "--add")
    _, errors = more.communicate(timeout=PATIENCE)
    assert more.returncode == 0, errors
    assert len(json.loads(saved.read_text())["samples"]["stat-cached"]["mycelial"]) == 5
    assert "| stat, cached |" in ask("show", "--brief", str(saved))
    assert "noise" in ask("compare", str(saved), str(saved))
    assert ask("plot", str(saved), str(tmp_path), "--prefix", "x-") == f"{tmp_path}/x-workloads.svg\n"


def ask(*words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "bench", *words], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_engine_is_profiled_with_one_command(tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    picture = tmp_path / "engine.svg"
    process = start(work, "profile", "engine", str(picture), "--seconds", "0.5")
    _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, errors
    assert "graph.pipeline.derive" in picture.read_text()
    assert list(work.iterdir()) == []
