"""The source full, failing, read-only, removed, replaced: programs get what they would there."""

from __future__ import annotations

import contextlib
import mmap
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults import faulty
from tests.faults.disks import faulty_source
from tests.mount import linux
from tests.mount.actor import run_apart
from tests.mount.matrix import World, note_differences, run_case
from tests.mount.mounted import Mounted, run, wait_until
from tests.mount.recorded import mycelial


@pytest.fixture
def place(workspace: Path) -> Mounted:
    """Where a mount will be; its source is there."""
    directory = workspace / "place"
    (directory / "source").mkdir(parents=True)
    return Mounted(directory)


def writing(w: World, name: str) -> None:
    """Write a block at a time, as far as it goes, and look what is there."""
    with w.opened(w.path(name), os.O_RDWR) as fd:
        for block in range(4):
            w.attempt(f"{name} write {block}", os.pwrite, fd, b"x" * 4096, block * 4096)
        w.attempt(f"{name} fsync", os.fsync, fd)
        w.attempt(f"{name} size", lambda: os.fstat(fd).st_size)
        w.attempt(f"{name} content", os.pread, fd, 20_000, 0)
    w.attempt(f"{name} truncate", os.truncate, w.path(name), 100)
    w.attempt(f"{name} append", lambda: append(w.path(name), b"more"))
    w.attempt(f"{name} in full", w.read, w.path(name))


def append(path: bytes, data: bytes) -> int:
    fd = os.open(path, os.O_WRONLY | os.O_APPEND)
    try:
        return os.write(fd, data)
    finally:
        os.close(fd)


def failing_files(w: World) -> None:
    for name in ("well", "full", "over-quota", "lost-at-fsync"):
        writing(w, name)
    fd = os.open(w.path("lost-at-close"), os.O_WRONLY)
    w.attempt("write what is lost", os.write, fd, b"x")
    w.attempt("close tells of it", os.close, fd)
    with w.opened(w.path("bad-block"), os.O_RDONLY) as fd:
        for offset in (0, 128 << 10, faulty.BAD_BLOCK.start, faulty.BAD_BLOCK.stop, 512 << 10):
            w.attempt(f"read at {offset}", os.pread, fd, 4096, offset)
        w.attempt("seek and read", lambda: (os.lseek(fd, faulty.BAD_BLOCK.start, 0), os.read(fd, 10)))
    copied = subprocess.run(["cp", w.path("bad-block"), "/dev/null"], capture_output=True, check=False)
    w.note("cp fails", (copied.returncode, b"Input/output error" in copied.stderr))
    w.attempt("the rest is well", w.read, w.path("well"))


def test_errors_of_the_disk_reach_the_program(place: Mounted) -> None:
    with faulty_source(place):
        expected = run_apart(run_case, failing_files, os.fsencode(place.source), timeout=60)
        place.start()
        actual = run_apart(run_case, failing_files, os.fsencode(place.mountpoint), timeout=60)
        found = note_differences(expected, actual, None)
        place.unmount()
    assert not found, "\n".join(found)
    labels = dict(expected)
    assert labels["full write 2"] == "ENOSPC"
    assert labels["over-quota write 3"] == "EDQUOT"
    assert labels["lost-at-fsync fsync"] == "EIO"
    assert labels["close tells of it"] == "EDQUOT"
    assert labels[f"read at {faulty.BAD_BLOCK.start}"] == "EIO"


@pytest.mark.parametrize(
    "command",
    [
        ["head", "-c", "5000"],
        ["tail", "-c", "500000"],
        ["sync"],
        ["sh", "-c", 'head -c 20000 /dev/zero >> "$0"'],
        ["truncate", "--size=100"],
        ["sh", "-c", ': > "$0"'],
    ],
    ids=" ".join,
)
def test_who_waits_for_a_disk_delays_nobody_else(workspace: Path, command: list[str]) -> None:
    place = Mounted(workspace / "place", ("--no-passthrough",))  # else the kernel reads for itself
    place.source.mkdir(parents=True)

    with faulty_source(place):
        place.start()
        with subprocess.Popen([*command, place.mountpoint / "slow"], stdout=subprocess.DEVNULL) as waiting:
            wait_until((place.source / "asked").exists, what="a request to a slow disk")
            others = run([*command, str(place.mountpoint / "quick")], timeout=60)
            assert waiting.wait(60) == others.returncode == 0
        place.unmount()


@pytest.mark.parametrize("command", ["echo x >>held", ": <held"])
def test_who_closes_a_file_on_a_slow_disk_delays_nobody_else(workspace: Path, command: str) -> None:
    place = Mounted(workspace / "place", ("--no-passthrough",))
    place.source.mkdir(parents=True)

    with faulty_source(place):
        place.start()
        with subprocess.Popen(["sh", "-c", command], cwd=place.mountpoint) as waiting:
            wait_until((place.source / "asked").exists, what="a request to a slow disk")
            run_apart((place.mountpoint / "well").read_bytes, timeout=faulty.PATIENCE / 2)
            (place.source / "let-go").read_bytes()
            assert waiting.wait(60) == 0
        place.unmount()


@pytest.mark.parametrize(("command", "name"), [("stat", "stat"), ("cat", "open"), ("tee", "open")])
def test_who_asks_a_slow_disk_for_a_file_delays_nobody_else(workspace: Path, command: str, name: str) -> None:
    place = Mounted(workspace / "place")
    (place.source / "disk").mkdir(parents=True)
    disk = Mounted(place.source / "disk")
    disk.source.mkdir()
    with faulty_source(disk):
        place.start()
        there = place.mountpoint / "disk" / "source"
        with subprocess.Popen([command, there / f"late-{name}"], stdin=subprocess.DEVNULL) as waiting:
            wait_until((disk.source / "asked").exists, what="a request to a slow disk")
            run_apart(os.listdir, place.mountpoint, timeout=faulty.PATIENCE / 2)
            run_apart((place.mountpoint / "new").write_text, "text", timeout=faulty.PATIENCE / 2)
            run_apart((there / "well").read_bytes, timeout=faulty.PATIENCE / 2)
            assert run([command, str(there / f"early-{name}")], timeout=faulty.PATIENCE).returncode == 0
            assert waiting.wait(60) == 0
        place.unmount()


@contextlib.contextmanager
def mounted_with_slow_disks(
    workspace: Path, count: int
) -> Iterator[tuple[Mounted, list[Mounted], list[Path]]]:
    """Yield a mount, slow filesystems within its source, and where these are in the mount."""
    place = Mounted(workspace / "place", ("--no-passthrough",))
    disks = [Mounted(place.source / str(number)) for number in range(count)]
    with contextlib.ExitStack() as ends:
        for disk in disks:
            disk.source.mkdir(parents=True)
            ends.enter_context(faulty_source(disk))
        place.start()
        yield place, disks, [place.mountpoint / disk.source.relative_to(place.source) for disk in disks]
        place.unmount()


@pytest.mark.parametrize("command", ["head -c 20000 /dev/zero >>slow", "truncate --size=100 slow", ": >slow"])
def test_many_who_wait_for_disks_delay_nobody_else(workspace: Path, command: str) -> None:
    with mounted_with_slow_disks(workspace, 4) as (place, disks, there):
        waiting = [subprocess.Popen(["sh", "-c", command], cwd=directory) for directory in there]
        for disk in disks:
            wait_until((disk.source / "asked").exists, what="a request to a slow disk")
        run_apart((place.mountpoint / "new").write_text, "text", timeout=faulty.PATIENCE / 2)
        for directory in there:
            assert run(["sh", "-c", command.replace("slow", "quick")], cwd=directory).returncode == 0
        assert [process.wait(60) for process in waiting] == [0] * len(disks)


READ_AT_ONCE = """\
import mmap, os
from concurrent.futures import ThreadPoolExecutor
held = [os.open("slow", os.O_RDONLY | os.O_DIRECT) for _ in range(10)]
with ThreadPoolExecutor(len(held)) as pool:
    pool.map(lambda fd: os.preadv(fd, [mmap.mmap(-1, 4096)], (fd - held[0]) << 16), held)
"""  # ten: the kernel has twelve such requests under way on one filesystem, and holds back all others then


def test_many_who_read_from_slow_disks_keep_nobody_from_another(workspace: Path) -> None:
    with mounted_with_slow_disks(workspace, 2) as (place, disks, there):
        command = [sys.executable, "-I", "-c", READ_AT_ONCE]
        waiting = [subprocess.Popen(command, cwd=directory) for directory in there]
        wait_until(
            lambda: any(len(list(Path(f"/proc/{pid}/task").glob("*"))) > 16 for pid in place.processes()),
            what="threads that wait",
        )
        (place.mountpoint / "new").write_text("text")
        assert run(["sync", place.mountpoint / "new"], timeout=faulty.PATIENCE / 2).returncode == 0
        for disk in disks:
            run_apart((disk.source / "quick").read_bytes)
        assert [process.wait(60) for process in waiting] == [0] * len(disks)


def test_a_pipe_in_the_place_of_a_known_file_holds_up_nobody(workspace: Path) -> None:
    place = Mounted(workspace / "place", ("--timeout", "600"))
    place.source.mkdir(parents=True)
    for name in ("file", "other"):
        (place.source / name).write_text("content")
    place.start()
    assert run(["cat", place.mountpoint / "file"]).stdout == "content"
    (place.source / "file").unlink()
    os.mkfifo(place.source / "file")
    with subprocess.Popen(["cat", place.mountpoint / "file"]) as waiting:  # for who writes into the pipe
        assert run(["cat", place.mountpoint / "other"], timeout=60).stdout == "content"
        assert run(["sh", "-c", "echo >mountpoint/file"], cwd=place.directory, timeout=60).returncode == 0
        assert waiting.wait(60) == 0
    place.unmount()


@contextlib.contextmanager
def disk(place: Path, *options: str) -> Iterator[None]:
    assert run(["mount", "-t", "tmpfs", "-o", ",".join(options), "small", place]).returncode == 0
    try:
        yield
    finally:
        run(["umount", "-l", place])


def filling(w: World) -> None:
    """Fill a disk in each way, and make room again."""
    with w.opened(w.path("f"), os.O_RDWR | os.O_CREAT) as fd:
        written = 0
        with contextlib.suppress(OSError):
            while True:
                written += os.write(fd, b"x" * 65536)
        w.note("as much fits", written)
        w.attempt("no more", os.write, fd, b"x" * 65536)
        w.attempt("size", lambda: os.fstat(fd).st_size == written)
        w.attempt("allocate", linux.fallocate, fd, 0, 0, 16 << 20)
        w.attempt("overwrite", os.pwrite, fd, b"new", 5)
        w.attempt("free", lambda: os.fstatvfs(fd).f_bavail)
        w.attempt("mkdir", os.mkdir, w.path("d"))
        w.works("create", w.file, "empty")
        w.attempt("setxattr", os.setxattr, w.path("empty"), "trusted.x", b"y" * 100)
        w.attempt("symlink", os.symlink, "t" * 3000, w.path("link"))
        w.attempt("write to another", append, w.path("empty"), b"z")
        w.attempt("make room", os.ftruncate, fd, 100_000)
        w.attempt("write to another then", append, w.path("empty"), b"z")
    os.unlink(w.path("f"))
    made = 0
    with contextlib.suppress(OSError):
        while made < 1000:
            w.file(f"many{made}")
            made += 1
    w.note("as many files fit", made)
    w.attempt("no more files", os.mkdir, w.path("one more"))


@pytest.mark.as_root
def test_a_full_source(workspace: Path, place: Mounted) -> None:
    native = workspace / "native"
    native.mkdir()
    options = ("size=4m", "nr_inodes=200")
    with disk(native, *options), disk(place.source, *options):
        place.start()
        expected = run_apart(run_case, filling, os.fsencode(native))
        actual = run_apart(run_case, filling, os.fsencode(place.mountpoint))
        assert f"{place.mountpoint}: no room is left on the disk below" in mycelial("doctor").stdout
        place.unmount()
    assert not note_differences(expected, actual, None)
    assert dict(expected)["no more"] == "ENOSPC"


def map_more_than_fits(path: Path) -> str:
    """Write through a map what the disk has no room for; where the loss is told."""
    with open(path, "w+b") as file:
        file.truncate(32 << 20)
        area = mmap.mmap(file.fileno(), 8 << 20)
        for offset in range(0, 8 << 20, 4096):
            area[offset] = 1
        try:
            area.flush()
        except OSError as error:
            return os.strerror(error.errno or 0)
    return "nothing was told"


@pytest.mark.as_root
def test_a_map_of_a_full_source_tells_at_msync(place: Mounted) -> None:
    """On the filesystem below, and in passthrough, SIGBUS kills the program; see docs/differences.md."""
    with disk(place.source, "size=4m"):
        place = Mounted(place.directory, ("--no-passthrough",)).start()
        told = run_apart(map_more_than_fits, place.mountpoint / "mapped", timeout=60)
        place.unmount()
    assert told in ("No space left on device", "Input/output error")


CHANGES: dict[str, Callable[[World], object]] = {
    "create": lambda w: w.file("new"),
    "open to write": lambda w: os.open(w.path("file"), os.O_WRONLY),
    "truncate": lambda w: os.truncate(w.path("file"), 1),
    "mkdir": lambda w: os.mkdir(w.path("new")),
    "unlink": lambda w: os.unlink(w.path("file")),
    "rename": lambda w: os.rename(w.path("file"), w.path("new")),
    "link": lambda w: os.link(w.path("file"), w.path("new")),
    "symlink": lambda w: os.symlink("x", w.path("new")),
    "chmod": lambda w: os.chmod(w.path("file"), 0o600),
    "utime": lambda w: os.utime(w.path("file")),
    "setxattr": lambda w: os.setxattr(w.path("file"), "trusted.x", b"1"),
    "access": lambda w: linux.faccessat(w.path("file"), os.W_OK),
}


def reading_only(w: World) -> None:
    for label, change in CHANGES.items():
        w.attempt(label, change, w)
    w.attempt("read", w.read, w.path("file"))
    w.listing("names", w.root)


@pytest.mark.as_root
def test_a_source_that_becomes_read_only_and_writable_again(workspace: Path, place: Mounted) -> None:
    native = workspace / "native"
    native.mkdir()
    with disk(native, "size=4m"), disk(place.source, "size=4m"):
        place.start()
        for directory in (native, place.source):
            (directory / "file").write_text("content")
            assert run(["mount", "-o", "remount,ro", directory]).returncode == 0
        expected = run_apart(run_case, reading_only, os.fsencode(native))
        actual = run_apart(run_case, reading_only, os.fsencode(place.mountpoint))
        assert run(["mount", "-o", "remount,rw", place.source]).returncode == 0
        run_apart((place.mountpoint / "file").write_text, "changed")
        place.unmount()
        assert (place.source / "file").read_text() == "changed"
    assert dict(expected)["create"] == "EROFS"
    # access(2) looks at the mount itself, which is writable; see docs/differences.md.
    assert not [line for line in note_differences(expected, actual, None) if not line.startswith("access")]


def test_a_source_that_is_removed(place: Mounted) -> None:
    """As in a working directory that was removed: nothing is there, nothing can be made, and it goes away."""
    place.start()
    (place.source / "file").write_text("content")
    os.unlink(place.source / "file")
    os.rmdir(place.source)
    assert run_apart(os.listdir, place.mountpoint) == []
    with pytest.raises(FileNotFoundError):
        run_apart((place.mountpoint / "new").write_text, "x")
    with pytest.raises(FileNotFoundError):
        run_apart(os.mkdir, place.mountpoint / "new")
    assert "README" in run_apart(os.listdir, place.mountpoint / ".mycelial")
    place.unmount()


def test_a_source_that_is_replaced_goes_on_where_it_is(place: Mounted) -> None:
    """The mount shows the directory that it was given, not the name."""
    (place.source / "file").write_text("content")
    place.start()
    moved = place.directory / "moved"
    place.source.rename(moved)
    place.source.mkdir()
    (place.source / "other").touch()
    assert run_apart((place.mountpoint / "file").read_text) == "content"
    run_apart((place.mountpoint / "new").write_text, "new")
    assert (moved / "new").read_text() == "new"
    assert os.listdir(place.source) == ["other"]
    place.unmount()


@pytest.mark.as_root
def test_a_source_that_is_unmounted_beneath(place: Mounted) -> None:
    with disk(place.source, "size=4m"):
        (place.source / "file").write_text("content")
        place.start()
        assert run(["umount", place.source]).returncode != 0, "busy: the mount holds it"
        assert run(["umount", "-l", place.source]).returncode == 0
        assert run_apart((place.mountpoint / "file").read_text) == "content"
        run_apart((place.mountpoint / "new").write_text, "new")
        assert os.listdir(place.source) == []
        assert sorted(run_apart(os.listdir, place.mountpoint)) == ["file", "new"]
        place.unmount()
