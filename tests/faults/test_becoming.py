"""A program that is held up in becoming another one: nobody can read of it meanwhile, nor may wait for it."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults import faulty
from tests.faults.disks import faulty_source
from tests.mount.actor import run_apart
from tests.mount.mounted import Mounted, run, wait_until
from tests.mount.recorded import events
from tests.mount.two_users import ALICE

BECOMING = """\
import os, sys
for held in sys.argv[1:]: os.open(held, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC)
os.execlp("true", "true")
"""
BESIDE = """\
import os, sys, time
asked, begun, known = sys.argv[1:]
while not os.path.exists(asked): time.sleep(0.01)
open(begun, "x").close()
"""
SCRIPT = '"$1" -c "$2" "$4" ${8:+"$8"} | "$1" -c "$3" "$5" "$6" "$7"'
FINISHES = "; open(begun + '.done', 'x').close()"
KEPT_THREADS = 8  # for one user
LEFT_BEHIND = (
    4  # seconds after which another thread has taken its place; where not, one more program is tried
)
OPENS = "open(known).close()"
MOVES = "os.rename(known + '/here', known + '/there')"


def start(mount: Mounted, descriptors: int) -> None:
    """Start it with so many descriptors at most; 0: as many as there are."""
    if descriptors:
        resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))
    mount.start()


def on_a_disk_and_beside(workspace: Path, *options: str, descriptors: int = 0) -> tuple[Mounted, Mounted]:
    """A disk that is not mounted yet, and a mount with a file in it."""
    disk, place = Mounted(workspace / "disk"), Mounted(workspace / "place", options)
    for source in (disk.source, place.source):
        source.mkdir(parents=True)
    (place.source / "known").touch()
    run_apart(start, place, descriptors)
    return disk, place


@contextlib.contextmanager
def held_up_in_becoming_another(
    disk: Mounted, place: Mounted, closed_after: Path | str = "", does: str = OPENS
) -> Iterator[subprocess.Popen[bytes]]:
    """A program that closes a file on a disk that does not answer; what the one beside it does."""
    begun = disk.directory.parent / "begun"
    words = [disk.source / "held", disk.source / "asked", begun, place.mountpoint / "known", closed_after]
    with faulty_source(disk):
        command = ["sh", "-c", SCRIPT, "sh", sys.executable, BECOMING, BESIDE + does, *words]
        with subprocess.Popen(command) as pipeline:
            wait_until(begun.exists, what="a program beside one that becomes another")
            yield pipeline


def let_go(disk: Mounted, pipeline: subprocess.Popen[bytes]) -> int:
    """Have the disk answer; return how the programs ended that it held up."""
    assert pipeline.poll() is None, "nothing was held up"
    (disk.source / "let-go").read_bytes()
    return pipeline.wait(60)


def test_a_program_that_is_held_up_in_becoming_another_one_holds_up_nobody(workspace: Path) -> None:
    """It closes a file on a disk that does not answer; until then nobody may read in /proc who it is."""
    disk, place = on_a_disk_and_beside(workspace, "--no-passthrough")
    with held_up_in_becoming_another(disk, place, place.mountpoint / "closed after that") as pipeline:
        for number in range(50):
            run_apart((place.mountpoint / str(number)).write_text, "text", timeout=faulty.PATIENCE / 2)
        assert let_go(disk, pipeline) == 0
    place.unmount()


@pytest.mark.as_root
def test_a_file_can_be_opened_twice_while_one_who_opens_it_is_looked_at(workspace: Path) -> None:
    """The kernel reads it by itself for both, or for neither."""
    disk, place = on_a_disk_and_beside(workspace)
    with held_up_in_becoming_another(disk, place) as pipeline:
        for number in range(20):
            run_apart((place.mountpoint / str(number)).write_text, "text", timeout=faulty.PATIENCE / 2)
        holding = ["sh", "-c", 'exec 3<"$0"; echo open; read line', place.mountpoint / "known"]
        with subprocess.Popen(holding, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
            assert holder.stdout is not None
            assert holder.stdout.readline() == "open\n"
            assert let_go(disk, pipeline) == 0
            holder.communicate("\n")
            assert holder.returncode == 0
    place.unmount()


def test_what_never_becomes_another_program_keeps_nobody_from_being_recorded(workspace: Path) -> None:
    """Nor the mount from ending: who looks at that program is left behind, and another goes on."""
    disk, place = on_a_disk_and_beside(workspace)
    daemons = [Path(f"/proc/{pid}") for pid in place.processes()]  # looking for them would be held up later

    def is_recorded() -> bool:
        assert run(["cp", "known", "copied"], cwd=place.mountpoint).returncode == 0
        return any(e["path"] == "copied" and e["comm"] == "cp" for e in events(place))

    with held_up_in_becoming_another(disk, place) as pipeline:
        wait_until(is_recorded, faulty.PATIENCE / 2)
        os.kill(int(daemons[0].name), signal.SIGTERM)
        wait_until(lambda: not any(daemon.exists() for daemon in daemons), faulty.PATIENCE / 2)
        let_go(disk, pipeline)


@pytest.mark.slow
def test_a_user_who_keeps_many_programs_from_becoming_others_has_his_no_longer_looked_at(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each keeps a thread that looks at it, and there are not many; others are looked at as before."""
    monkeypatch.setenv("FAULTY_PATIENCE", "300")
    disk, place = on_a_disk_and_beside(workspace, *(["--allow-other"] if os.geteuid() == 0 else []))
    begun: list[Path] = []

    def held() -> int:
        return sum(not path.with_suffix(".done").exists() for path in begun)

    with contextlib.ExitStack() as stack:
        stack.enter_context(faulty_source(disk))

        def start_one() -> None:
            begun.append(workspace / f"begun{len(begun)}")
            words = [disk.source / "held", disk.source / "asked", begun[-1], place.mountpoint / "known"]
            command = [sys.executable, BECOMING, BESIDE + OPENS + FINISHES, *words]
            pipeline = stack.enter_context(subprocess.Popen(["sh", "-c", SCRIPT, "sh", *command]))
            stack.callback(pipeline.kill)
            wait_until(begun[-1].exists)
            since = time.monotonic()
            done = begun[-1].with_suffix(".done")
            wait_until(lambda: done.exists() or time.monotonic() - since > LEFT_BEHIND)

        while held() < KEPT_THREADS:
            assert len(begun) < 5 * KEPT_THREADS
            start_one()
        for _ in range(3):
            start_one()
        wait_until(lambda: held() == KEPT_THREADS)
        if os.geteuid() == 0:
            place.source.chmod(0o777)
            wait_until(lambda: copied_by_another_is_recorded(place))
        (disk.source / "let-go").read_bytes()
        wait_until(lambda: not held())
    place.unmount()


def copied_by_another_is_recorded(place: Mounted) -> bool:
    finished = run(
        ["cp", "known", "copied"], cwd=place.mountpoint, user=ALICE.uid, group=ALICE.gid, extra_groups=[]
    )
    assert finished.returncode == 0, finished.stderr
    return any(e["path"] == "copied" and e["comm"] == "cp" for e in events(place))


def look_around_from_within(directory: Path, others: Path, disk: Mounted, place: Mounted) -> None:
    """Use a working directory while who moves it is looked at, its descriptor given up, and after that."""
    os.chdir(directory)
    with held_up_in_becoming_another(disk, place, does=MOVES) as pipeline:
        for number in range(20):
            Path(str(number)).write_text("text")
        for name in os.listdir(others):
            os.listdir(others / name)
        assert Path("file").read_text() == "content"
        assert let_go(disk, pipeline) == 0
    assert len(os.listdir(".")) == 21


def test_a_directory_that_is_moved_can_be_used_while_who_moves_it_is_looked_at(workspace: Path) -> None:
    """Its inode is where the name is, whoever asks meanwhile."""
    disk, place = on_a_disk_and_beside(workspace, "--no-passthrough", "--timeout", "0", descriptors=256)
    (place.source / "known").unlink()
    (place.source / "known" / "here").mkdir(parents=True)
    (place.source / "known" / "here" / "file").write_text("content")
    for number in range(300):
        (place.source / "others" / str(number)).mkdir(parents=True)
    directory, others = place.mountpoint / "known" / "here", place.mountpoint / "others"
    run_apart(look_around_from_within, directory, others, disk, place, timeout=faulty.PATIENCE)
    assert os.listdir(place.source / "known") == ["there"]
    place.unmount()
