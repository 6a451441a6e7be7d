"""What becomes of a peer that cannot do its work."""

import os
import resource
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.fixtures import SHORT
from bench.results import Result
from bench.rounds import Plan, measure
from bench.running import Running
from bench.subjects import Subject
from bench.workloads.job import Job, Place, Workload

PEER = Subject("peer", "a peer", lambda paths: [], None)


@pytest.fixture
def daemon() -> Iterator["subprocess.Popen[bytes]"]:
    process = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    os.write(process.stdin.fileno(), b"begun\n")  # type: ignore[union-attr]
    assert process.stdout.readline() == b"begun\n"  # type: ignore[union-attr]
    yield process
    process.communicate()


def complain(place: Place) -> Job:
    def run() -> None:
        raise OSError("\n".join(f"grep: file {number}: Too many open files" for number in range(1000)))

    return Job(run, 1)


def left_out(directory: Path, daemon: "subprocess.Popen[bytes]") -> dict[str, str]:
    result = Result({}, {}, {}, {})
    subject = Running(PEER, directory, directory, daemon)
    plan = Plan(SHORT, rounds=2, seconds=60.0)
    measure(plan, (Workload("grep", "grep -r", "run", complain),), [subject], result, lambda text: None)
    return result.left_out


def test_a_peer_that_fails_is_left_out_in_one_line(tmp_path: Path, daemon: "subprocess.Popen[bytes]") -> None:
    assert left_out(tmp_path, daemon) == {
        "grep on peer": "grep failed on peer: grep: file 0: Too many open files"
    }


def test_a_peer_without_descriptors_is_left_out_for_that(
    tmp_path: Path, daemon: "subprocess.Popen[bytes]"
) -> None:
    has = len(os.listdir(f"/proc/{daemon.pid}/fd"))
    resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE, (has, has))
    reason = f"peer has used up the {has} file descriptors that it may have"
    assert left_out(tmp_path, daemon) == {"grep on peer": reason}
