"""What a service manager hears from a mount, and what notices a dead daemon: through the real commands."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.mount.actor import run_apart
from tests.mount.mounted import PATIENCE, Mounted, installed, mount_command, mounted_at, run, wait_until


class Manager:
    """The listening end of NOTIFY_SOCKET."""

    def __init__(self, socket_: socket.socket) -> None:
        self.socket = socket_

    def hear(self, seconds: float = PATIENCE) -> dict[str, str]:
        """The next message, as a dictionary."""
        self.socket.settimeout(seconds)
        return dict(line.split("=", 1) for line in self.socket.recv(4096).decode().split("\n"))

    def hear_until(self, key: str, pattern: str = "") -> dict[str, str]:
        """The next message that has this key, with a value in which this pattern is found."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            message = self.hear()
            if key in message and re.search(pattern, message[key]):
                return message
        raise AssertionError(f"no {key} with {pattern!r}")


@pytest.fixture
def manager() -> Iterator[tuple[Manager, str]]:
    """A manager, and its address as the environment has it."""
    name = f"mycelial-test-{os.getpid()}-{time.monotonic_ns()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind("\0" + name)
        yield Manager(listening), "@" + name


@pytest.fixture
def service(workspace: Path, manager: tuple[Manager, str]) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start the command as a Type=notify service is started: in the foreground."""
    for name in ("source", "mountpoint"):
        (workspace / name).mkdir()
    started: list[subprocess.Popen[str]] = []

    def start(*options: str, **environment: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [*mount_command(), "-f", "--db", workspace / "events.db", *options,
             workspace / "source", workspace / "mountpoint"],
            env={**os.environ, "NOTIFY_SOCKET": manager[1], **environment},
            stderr=subprocess.PIPE,
            text=True,
        )  # fmt: skip
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_ready_comes_when_the_mount_answers(
    workspace: Path, manager: tuple[Manager, str], service: Callable[..., subprocess.Popen[str]]
) -> None:
    process = service()
    message = manager[0].hear()
    assert message["READY"] == "1"
    assert message["MAINPID"] == str(process.pid)
    assert message["STATUS"].startswith("Serving")
    assert mounted_at(workspace / "mountpoint") is not None
    assert "README" in run_apart(os.listdir, workspace / "mountpoint" / ".mycelial")


def test_an_end_that_was_asked_for_is_announced(
    workspace: Path, manager: tuple[Manager, str], service: Callable[..., subprocess.Popen[str]]
) -> None:
    process = service()
    manager[0].hear_until("READY")
    process.terminate()
    manager[0].hear_until("STOPPING", "1")
    assert process.wait(60) == 0
    assert mounted_at(workspace / "mountpoint") is None


def test_the_status_follows_what_happens(
    workspace: Path, manager: tuple[Manager, str], service: Callable[..., subprocess.Popen[str]]
) -> None:
    service()
    manager[0].hear_until("READY")
    run_apart(Path.write_text, workspace / "mountpoint" / "file", "content")
    manager[0].hear_until("STATUS", "recording; [1-9]")


def test_without_recording_the_status_says_so(
    manager: tuple[Manager, str], service: Callable[..., subprocess.Popen[str]]
) -> None:
    service("--no-record")
    assert "not recording" in manager[0].hear_until("READY")["STATUS"]


def test_signs_of_life_come_as_often_as_they_are_wanted(
    manager: tuple[Manager, str], service: Callable[..., subprocess.Popen[str]]
) -> None:
    service(WATCHDOG_USEC="300000")
    manager[0].hear_until("READY")
    for _ in range(5):
        manager[0].hear_until("WATCHDOG", "1")


def test_a_loop_that_hangs_gives_no_sign_of_life(
    manager: tuple[Manager, str], service: Callable[..., subprocess.Popen[str]]
) -> None:
    process = service(WATCHDOG_USEC="300000")
    manager[0].hear_until("WATCHDOG")
    process.send_signal(signal.SIGSTOP)
    waited = 0
    while waited < 3:  # what was on its way already is taken
        try:
            manager[0].hear(1)
            waited += 1
        except TimeoutError:
            return
    raise AssertionError("signs of life from a process that is stopped")


def test_nothing_is_promised_to_a_watchdog_of_another_process(
    manager: tuple[Manager, str], service: Callable[..., subprocess.Popen[str]]
) -> None:
    service(WATCHDOG_USEC="300000", WATCHDOG_PID="1")
    manager[0].hear_until("READY")
    assert "WATCHDOG" not in manager[0].hear()


def test_a_manager_that_is_gone_does_not_keep_the_mount_from_working(
    workspace: Path, service: Callable[..., subprocess.Popen[str]]
) -> None:
    process = service(NOTIFY_SOCKET=f"{workspace}/nobody-listens", WATCHDOG_USEC="300000")
    wait_until(lambda: mounted_at(workspace / "mountpoint"))
    time.sleep(0.5)
    assert run_apart(os.listdir, workspace / "mountpoint") == []
    assert process.poll() is None


def test_a_daemon_in_the_background_tells_its_own_number(
    workspace: Path, manager: tuple[Manager, str], new_mount: Callable[..., Mounted]
) -> None:
    mount = new_mount(environment={"NOTIFY_SOCKET": manager[1]})
    (daemon,) = (pid for pid, line in mount.processes().items() if "mycelial.graph" not in line)
    assert manager[0].hear_until("READY")["MAINPID"] == str(daemon)


def test_lines_for_the_journal_carry_their_priority(
    workspace: Path, manager: tuple[Manager, str], service: Callable[..., subprocess.Popen[str]]
) -> None:
    reading, writing = os.pipe()
    status = os.fstat(writing)
    process = subprocess.Popen(
        [
            *mount_command(),
            "-f",
            "--db",
            workspace / "events.db",
            workspace / "source",
            workspace / "mountpoint",
        ],
        env={
            **os.environ,
            "NOTIFY_SOCKET": manager[1],
            "JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}",
        },
        stderr=writing,
    )
    os.close(writing)
    manager[0].hear_until("READY")
    process.terminate()
    assert process.wait(60) == 0
    with open(reading) as log:
        assert log.read() == "<6>SIGTERM: unmounting\n"


# ---- noticing a dead daemon


def rests(process: subprocess.Popen[bytes]) -> bool:
    """Whether a process waits for something, and has done so for a while."""
    for _ in range(20):
        assert process.poll() is None
        if Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0] != "S":
            return False
        time.sleep(0.02)
    return True


def test_watching_ends_with_a_failure_when_the_daemon_is_killed(mount: Mounted) -> None:
    watcher = subprocess.Popen([installed("mycelial-watch"), mount.mountpoint], stderr=subprocess.DEVNULL)
    wait_until(lambda: rests(watcher))
    for pid in mount.processes():
        if pid != watcher.pid:
            os.kill(pid, signal.SIGKILL)
    assert watcher.wait(60) == 1


def test_watching_ends_well_when_the_mount_is_unmounted(new_mount: Callable[..., Mounted]) -> None:
    mount = new_mount("--no-views")
    watcher = subprocess.Popen([installed("mycelial-watch"), mount.mountpoint])
    wait_until(lambda: rests(watcher))
    assert run(["fusermount3", "-u", mount.mountpoint]).returncode == 0
    assert watcher.wait(60) == 0


@pytest.mark.parametrize("words", [["/"], [], ["-x"], ["/proc", "/sys"]])
def test_what_cannot_be_watched_is_refused(words: list[str]) -> None:
    finished = run([installed("mycelial-watch"), *words])
    assert (finished.returncode, finished.stdout, finished.stderr.count("\n")) == (2, "", 1)


@pytest.mark.as_root
def test_a_dead_mount_that_is_in_use_is_unmounted_by_the_helper(mount: Mounted) -> None:
    (mount.source / "file").write_text("content")
    with open(mount.mountpoint / "file"):
        for pid in mount.processes():
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not mount.processes())
        assert run([installed("umount.fuse.mycelial"), mount.mountpoint]).returncode == 0
        assert mounted_at(mount.mountpoint) is None


@pytest.mark.as_root
def test_the_umount_helper_returns_when_everything_is_stored(mount: Mounted) -> None:
    run_apart(Path.write_text, mount.mountpoint / "file", "content")
    assert run([installed("umount.fuse.mycelial"), mount.mountpoint, "-n"]).returncode == 0
    assert not mount.processes()


@pytest.mark.as_root
def test_the_umount_helper_asks_nothing_that_hangs_where_it_is_to_use_force(mount: Mounted) -> None:
    daemon = int(mount.status()["pid"])
    os.kill(daemon, signal.SIGSTOP)
    try:
        run([installed("umount.fuse.mycelial"), mount.mountpoint, "-f"])  # busy if anything asks just now
    finally:
        os.kill(daemon, signal.SIGCONT)
    mount.wait_for_end()
    assert mounted_at(mount.mountpoint) is None


def test_the_umount_helper_leaves_other_filesystems_alone(workspace: Path) -> None:
    for place in (workspace, Path("/proc")):
        finished = run([installed("umount.fuse.mycelial"), place, "-t", "fuse.mycelial"])
        assert (finished.returncode, finished.stderr.count("\n")) == (1, 1)
    assert Path("/proc/self").exists()
