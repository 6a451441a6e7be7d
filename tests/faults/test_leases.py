"""Files in the source that somebody has a lease on, as servers have: who opens one waits, and nobody else."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.leases import give_back, leased, take, wait_until_asked_for
from tests.faults.test_locks import opened_by
from tests.mount.actor import run_apart
from tests.mount.fixtures import SharedMounts
from tests.mount.mounted import PATIENCE, Mounted, wait_until

MANY = 40  # more than the threads that the daemon has for who waits for a disk
SOON = 30  # seconds; the kernel takes a lease away after 45
ALL_AT_ONCE = """\
import os, sys
from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor(len(sys.argv)) as pool:
    list(pool.map(lambda path: {use}, sys.argv[1:]))
"""


@pytest.fixture
def mount(shared_mounts: SharedMounts) -> Mounted:
    return shared_mounts.get()


@pytest.mark.parametrize(
    "use",
    ["open(path).read()", "os.truncate(path, 0)", "os.close(os.open(path, os.O_RDONLY | os.O_TRUNC))"],
)
def test_many_who_wait_for_leases_delay_nobody_else(use: str, mount: Mounted) -> None:
    (mount.source / "other").write_text("text")
    with leased(mount, MANY) as (holders, paths):
        command = [sys.executable, "-c", ALL_AT_ONCE.format(use=use), *paths]
        with subprocess.Popen(command) as waiting:
            wait_until_asked_for(holders)
            assert run_apart((mount.mountpoint / "other").read_text, timeout=SOON) == "text"
            run_apart((mount.mountpoint / "new").write_text, "text", timeout=SOON)
            for holder in holders:
                give_back(holder)
            assert waiting.wait(PATIENCE) == 0


def test_who_waits_for_a_lease_gets_a_file_that_was_linked(mount: Mounted) -> None:
    with leased(mount, 1) as (holders, (path,)):
        link = path.with_name("leased-link")
        os.link(path, link)
        try:
            command = [sys.executable, "-c", ALL_AT_ONCE.format(use="open(path).read()"), *([link] * 3)]
            with subprocess.Popen(command) as waiting:
                wait_until_asked_for(holders)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    waiting.wait(0.5)  # meanwhile they are asked again and again
                give_back(holders[0])
                assert waiting.wait(PATIENCE) == 0
        finally:
            link.unlink()


def test_who_waits_for_a_lease_gets_that_file_though_another_takes_its_name(mount: Mounted) -> None:
    with leased(mount, 2) as (holders, (read, cut)):
        (daemon,) = (pid for pid, line in mount.processes().items() if "mycelial-mount" in line)
        cuts = [sys.executable, "-c", "import os, sys; os.truncate(sys.argv[1], 0)", cut]
        with (
            subprocess.Popen(["cat", read], stdout=subprocess.PIPE) as reading,
            subprocess.Popen(cuts) as cutting,
        ):
            for path in (read, cut):
                below = str(mount.source / path.name)
                wait_until(lambda below=below: below in opened_by(daemon), what="the file to be kept")
                (mount.source / "another").write_text("another")
                (mount.source / "another").rename(below)
            for holder in holders:
                give_back(holder)
            assert reading.communicate(timeout=PATIENCE)[0] == b"content"
            assert cutting.wait(PATIENCE) == 0
        assert os.fstat(holders[1]).st_size == 0
        assert (mount.source / cut.name).read_text() == "another"


def test_who_waits_for_a_lease_can_be_killed(mount: Mounted) -> None:
    with leased(mount, 1) as (holders, (path,)), subprocess.Popen(["cat", path]) as waiting:
        wait_until_asked_for(holders)
        with pytest.raises(BlockingIOError):
            run_apart(os.open, path, os.O_RDONLY | os.O_NONBLOCK)
        waiting.kill()
        assert waiting.wait(PATIENCE) == -signal.SIGKILL


def test_who_waits_for_a_lease_on_what_he_was_to_make_keeps_nobody_from_its_directory(
    workspace: Path,
) -> None:
    mount = Mounted(workspace, (), in_place=True)
    mount.source.mkdir()
    (mount.source / "there").touch()
    below = os.open(mount.source, os.O_RDONLY)
    mount.start()
    try:
        new = mount.mountpoint / "new"
        assert not new.exists()  # which the kernel keeps: it will ask to make the file
        holder = os.open("new", os.O_RDWR | os.O_CREAT, dir_fd=below)
        take(holder)
        command = [sys.executable, "-c", "import os, sys; os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)", new]
        with subprocess.Popen(command) as waiting:
            wait_until_asked_for([holder])
            run_apart(os.stat, mount.mountpoint / "there", timeout=SOON)
            assert waiting.poll() is None
            give_back(holder)
            assert waiting.wait(PATIENCE) == 0
        os.close(holder)
    finally:
        os.close(below)
        mount.unmount()
