"""Files whose lock is kept below, by a write that waits: who changes one waits, and nobody else."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults import faulty
from tests.faults.disks import faulty_source
from tests.faults.leases import give_back, leased, wait_until_asked_for
from tests.mount.actor import Identity, run_apart
from tests.mount.fixtures import SharedMounts
from tests.mount.mounted import PATIENCE, Mounted, wait_until
from tests.mount.two_users import ALICE, BOB, by

WRITES_FROM_A_MAP = """\
import mmap, os, sys
from concurrent.futures import ThreadPoolExecutor
page = memoryview(mmap.mmap(os.open(sys.argv[1], os.O_RDONLY), 4096, prot=mmap.PROT_READ))
files = [os.open(path, os.O_WRONLY) for path in sys.argv[2:]]
with ThreadPoolExecutor(len(files)) as pool:
    assert list(pool.map(lambda fd: os.write(fd, page), files)) == [4096] * len(files)
"""
"""The page is brought while the file's lock is held."""

CHANGES = {
    "chmod": "os.chmod('victim', 0o600)",
    "chown": "os.chown('victim', os.geteuid(), os.getegid())",
    "utime": "os.utime('victim', (1, 1))",
    "setxattr": "os.setxattr('victim', 'user.new', b'1')",
    "removexattr": "os.removexattr('victim', 'user.old')",
    "unlink": "os.unlink('victim')",
    "link": "os.link('victim', 'new')",
    "replace": "os.rename('file', 'victim')",
    "rename": "os.rename('victim', 'new')",
    "mkdir": "os.mkdir('new')",
    "mknod": "os.mknod('new')",
    "symlink": "os.symlink('target', 'new')",
    "create": "open('new', 'x').close()",
}
IN_LOCKED_DIRECTORIES = ("mkdir", "mknod", "symlink", "create")


@pytest.fixture
def mount(shared_mounts: SharedMounts) -> Mounted:
    return shared_mounts.get()


def state_of(task: Path) -> str:
    return (task / "stat").read_text().rpartition(")")[2].split()[0]


def waiting_threads(pid: int) -> int:
    return sum(state_of(task) == "D" for task in Path(f"/proc/{pid}/task").glob("*"))


def begin(command: str, directory: Path) -> subprocess.Popen[bytes]:
    """Have Python do this there; it waits when this returns."""
    code = f"import os; os.write(1, b'.'); {command}"
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", code], cwd=directory, stdout=subprocess.PIPE
    )
    assert process.stdout
    assert process.stdout.read(1) == b"."
    wait_until(lambda: state_of(Path(f"/proc/{process.pid}")) in "SD", what=f"{command} to wait")
    return process


@contextlib.contextmanager
def written_to(
    victims: list[Path], workspace: Path, begun: Callable[[int, Path], None] = lambda pid, page: None
) -> Iterator[Path]:
    """What ends the writes when it is read."""
    disk = Mounted(workspace / "disk")
    disk.source.mkdir(parents=True)
    with faulty_source(disk):
        command = [sys.executable, "-c", WRITES_FROM_A_MAP, disk.source / "slow", *victims]
        with subprocess.Popen(command) as writer:
            begun(writer.pid, disk.source / "slow")
            wait_until(
                lambda: waiting_threads(writer.pid) == len(victims),
                what="the writes to wait for their page",
            )
            yield disk.source / "quick"
            assert writer.wait(PATIENCE) == 0


def test_who_changes_what_is_locked_below_delays_nobody_else(mount: Mounted, workspace: Path) -> None:
    (mount.source / "other").write_text("text")
    for name in CHANGES:
        (mount.source / name).mkdir()
        (mount.source / name / "victim").touch()
        (mount.source / name / "file").touch()
        assert not (mount.source / name / "new").exists()  # which is known below then: no look-up will wait
    os.setxattr(mount.source / "removexattr" / "victim", "user.old", b"1")
    victims = [mount.source / name / "victim" for name in CHANGES]
    with written_to(victims, workspace) as quick:
        removing = [begin("os.unlink('victim')", mount.source / name) for name in IN_LOCKED_DIRECTORIES]
        waiting = {name: begin(command, mount.mountpoint / name) for name, command in CHANGES.items()}
        assert run_apart((mount.mountpoint / "other").read_text, timeout=faulty.PATIENCE / 2) == "text"
        run_apart((mount.mountpoint / "new").write_text, "text", timeout=faulty.PATIENCE / 2)
        assert {name: process.poll() for name, process in waiting.items()} == dict.fromkeys(CHANGES)
        quick.read_bytes()
        for process in (*removing, *waiting.values()):
            with process:
                assert process.wait(PATIENCE) == 0
    assert (mount.source / "chmod" / "victim").stat().st_mode & 0o777 == 0o600
    assert os.listxattr(mount.source / "setxattr" / "victim") == ["user.new"]
    assert not os.listxattr(mount.source / "removexattr" / "victim")
    names = {name: sorted(os.listdir(mount.source / name)) for name in CHANGES}
    assert names == {name: sorted(os.listdir(mount.mountpoint / name)) for name in CHANGES}
    changed = {
        "unlink": ["file"],
        "link": ["file", "new", "victim"],
        "replace": ["victim"],
        "rename": ["file", "new"],
    }
    changed |= {name: ["file", "new"] for name in IN_LOCKED_DIRECTORIES}
    assert names == {name: changed.get(name, ["file", "victim"]) for name in CHANGES}


def opened_by(pid: int) -> list[str]:
    with contextlib.suppress(FileNotFoundError):
        return [os.readlink(link) for link in Path(f"/proc/{pid}/fd").glob("*")]
    return []


def test_who_waits_for_a_lease_and_then_for_a_lock_delays_nobody_who_waits_for_a_lease(
    mount: Mounted, workspace: Path
) -> None:
    with leased(mount, 2) as (holders, (cut, other)):
        cutting = begin(f"os.truncate({cut.name!r}, 0)", cut.parent)
        reading = begin(f"open({other.name!r}).read()", other.parent)
        wait_until_asked_for(holders)

        def open_and_write(writer: int, page: Path) -> None:
            wait_until(
                lambda: str(page) in opened_by(writer) and state_of(Path(f"/proc/{writer}")) == "S",
                what="the writer to wait for the lease, too",
            )
            give_back(holders[0])

        with written_to([mount.source / cut.name], workspace, open_and_write) as quick:
            (daemon,) = (pid for pid, line in mount.processes().items() if "mycelial-mount" in line)
            wait_until(
                lambda: waiting_threads(daemon) or cutting.poll() is not None,
                what="who cuts the file to wait for its lock",
            )
            give_back(holders[1])
            assert reading.wait(faulty.PATIENCE / 2) == 0
            quick.read_bytes()
        assert cutting.wait(PATIENCE) == 0
        for process in (cutting, reading):
            with process:
                pass


SHARE = 24
MANY = 70  # more than the threads that the daemon has for who waits for a lock
ALL_AT_ONCE = """\
import os, sys
from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor(len(sys.argv)) as pool:
    list(pool.map(lambda path: os.chmod(path, 0o600), sys.argv[1:]))
"""


def is_held_back(path: Path, user: Identity) -> bool:
    """Whether who reads it waits, and can be killed then."""
    with subprocess.Popen(["cat", path], stdout=subprocess.DEVNULL, **by(user)) as held:
        try:
            held.wait(1)
        except subprocess.TimeoutExpired:
            held.kill()
        return held.wait(PATIENCE) == -signal.SIGKILL


@pytest.mark.slow
@pytest.mark.as_root
def test_a_user_for_whom_many_wait_delays_himself_alone(
    new_mount: Callable[..., Mounted], workspace: Path
) -> None:
    mount = new_mount("--allow-other")
    (mount.source / "other").write_text("text")
    victims = [mount.source / f"victim{number}" for number in range(MANY)]
    for victim in victims:
        victim.touch()
        os.chown(victim, ALICE.uid, ALICE.gid)
    with written_to(victims, workspace) as quick:
        command = ["/usr/bin/python3", "-c", ALL_AT_ONCE, *(mount.mountpoint / path.name for path in victims)]
        with subprocess.Popen(command, **by(ALICE)) as waiting:
            (daemon,) = (pid for pid, line in mount.processes().items() if "mycelial-mount" in line)
            wait_until(lambda: waiting_threads(daemon) >= SHARE, what="as many threads as one user gets")
            for user in (BOB, None):
                read = (mount.mountpoint / "other").read_text
                assert run_apart(read, identity=user, timeout=faulty.PATIENCE / 2) == "text"
            wait_until(lambda: is_held_back(mount.mountpoint / "other", ALICE), what="his turn not to come")
            quick.read_bytes()
            assert waiting.wait(PATIENCE) == 0
    assert {path.stat().st_mode & 0o777 for path in victims} == {0o600}
