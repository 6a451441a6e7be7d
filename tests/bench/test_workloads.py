"""The workloads measure what they say: told from how often the mount is asked, never from a time."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.fixtures import SHORT, make_c_project, make_fixtures
from bench.running import Running, running
from bench.subjects import SUBJECTS, Paths, SubjectError
from bench.workloads import WORKLOADS
from bench.workloads.job import Place
from bench.workspace import workspace
from tests.mount.mounted import wait_until


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with workspace(tmp_path_factory.mktemp("bench")) as path:
        (path / "source" / "scratch").mkdir(parents=True)
        make_fixtures(path / "source", SHORT, ["mycelial"])
        yield path


@pytest.fixture(scope="module")
def subject(directory: Path) -> Iterator[Running]:
    mycelial = next(subject for subject in SUBJECTS if subject.name == "mycelial")
    paths = Paths(directory / "source", directory / "mount", directory / "mycelial.db")
    with running(mycelial, paths, directory / "log") as present:
        yield present


def requests(subject: Running) -> int:
    return int(json.loads(os.getxattr(subject.root, "user.mycelial.status"))["core"]["requests"])


def asked_by(name: str, subject: Running, directory: Path) -> tuple[int, int]:
    """How many requests a workload's timed part makes, and for how many units of work."""
    [workload] = [workload for workload in WORKLOADS if workload.name == name]
    place = Place(subject.root, directory / "source", "mycelial", f"scratch/test-{name}", SHORT)
    job = workload.prepare(place)
    if name == "stat-cached":
        job.run()  # which has the kernel keep what it then asks for again
    before = requests(subject)
    job.run()
    return requests(subject) - before, job.count


def test_an_uncached_stat_asks_the_mount_each_time(subject: Running, directory: Path) -> None:
    asked, count = asked_by("stat-uncached", subject, directory)
    assert count <= asked < 2 * count


def test_a_cached_stat_does_not_ask_the_mount(subject: Running, directory: Path) -> None:
    asked, count = asked_by("stat-cached", subject, directory)
    assert asked < count / 2


def test_each_open_is_seen_by_the_mount(subject: Running, directory: Path) -> None:
    asked, count = asked_by("open-read-close", subject, directory)
    assert asked >= count


def test_a_daemon_that_does_not_mount_is_an_error_in_one_line(directory: Path) -> None:
    mycelial = next(subject for subject in SUBJECTS if subject.name == "mycelial")
    paths = Paths(directory / "nowhere", directory / "other-mount", directory / "other.db")
    log = directory / "other-log"
    with (
        pytest.raises(SubjectError, match=r"mycelial did not mount: .*nowhere") as refused,
        running(mycelial, paths, log),
    ):
        pass
    assert "\n" not in str(refused.value)


def test_the_generated_project_is_the_same_each_time(tmp_path: Path) -> None:
    for name in ("one", "two"):
        make_c_project(tmp_path / name, 3)
    one, two = (
        {path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in ("one", "two")
    )
    assert one == two
    assert len([name for name in one if name.endswith(".c")]) == 4


def test_an_engine_stands_still_while_others_are_measured(subject: Running) -> None:
    status = json.loads(os.getxattr(subject.root, "user.mycelial.status"))
    engine = Path(f"/proc/{status['engine']['pid']}/stat")
    # A signal arrives when its process is given a processor, or has its answer from a disk.
    with subject.held():
        wait_until(lambda: is_stopped(engine), what="the engine stands still")
    wait_until(lambda: not is_stopped(engine), what="the engine goes on")


def is_stopped(stat: Path) -> bool:
    return stat.read_text().rpartition(")")[2].split()[0] == "T"
