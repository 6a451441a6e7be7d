"""A hostile local user: nothing that he prepares, swaps or is called reaches the record, or leads outside."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.mount import inside, linux
from tests.mount.actor import Identity, run_apart
from tests.mount.fixtures import remove_tree
from tests.mount.mounted import PATIENCE, Mounted, mount_command, mounted_at, run, wait_until
from tests.mount.recorded import events, mycelial, wait_for

HOSTILE = Identity(65534, 65534)
OTHER = Identity(1, 1)  # daemon
ESCAPES = "\x1b]0;owned\x07\x1b[31mred\r\n"


def mounting(workspace: Path, database: Path, **options: object) -> subprocess.CompletedProcess[str]:
    """Try to mount with that database."""
    for name in ("source", "mountpoint"):
        (workspace / name).mkdir(exist_ok=True)
    command = [*mount_command(), "--db", database, workspace / "source", workspace / "mountpoint"]
    finished = run(command, **options)
    if finished.returncode == 0:
        run(["fusermount3", "-u", workspace / "mountpoint"])
    return finished


def refused(finished: subprocess.CompletedProcess[str] | inside.Finished, *words: str) -> None:
    assert finished.returncode == 1
    assert finished.stderr.count("\n") == 1, finished.stderr
    for word in words:
        assert word in finished.stderr


# ---- places that somebody else has prepared


@pytest.mark.as_root
@pytest.mark.parametrize("what", ["directory", "above", "file", "-wal", "-journal", "-lock", "link", "fifo"])
def test_what_somebody_else_put_there_first_is_refused(workspace: Path, what: str) -> None:
    place = workspace / "state"
    place.mkdir(mode=0o700)
    database = place / "events.db"
    match what:
        case "directory":
            os.chown(place, HOSTILE.uid, HOSTILE.gid)
        case "above":
            os.chown(place, HOSTILE.uid, HOSTILE.gid)
            (place / "mycelial").mkdir(mode=0o700)
            database = place / "mycelial" / "events.db"
        case "link":
            (workspace / "his").mkdir()
            os.chown(workspace / "his", HOSTILE.uid, HOSTILE.gid)
            database.symlink_to(workspace / "his" / "real.db")
        case "fifo":
            os.mkfifo(database)
        case _:
            path = Path(f"{database}{what.removeprefix('file')}")
            path.touch(mode=0o666)
            os.chown(path, HOSTILE.uid, HOSTILE.gid)
    refused(mounting(workspace, database), str(workspace))
    left = {path.name for path in place.rglob("*")}
    assert left <= {"mycelial", "events.db", "events.db-wal", "events.db-journal", "events.db-lock"}


@pytest.mark.parametrize("mode", [0o777, 0o1777, 0o703])
def test_a_directory_that_others_may_write_to_is_refused(workspace: Path, mode: int) -> None:
    place = workspace / "state"
    place.mkdir()
    place.chmod(mode)
    refused(mounting(workspace, place / "events.db"), "others may write", "a directory of your own")
    assert list(place.iterdir()) == []


def test_a_database_directly_in_tmp_is_refused(workspace: Path) -> None:
    refused(mounting(workspace, Path("/tmp/mycelial-hostile.db")), "others may write to /tmp")


def test_a_database_that_others_may_write_to_is_refused(workspace: Path) -> None:
    (workspace / "state").mkdir(mode=0o700)
    database = workspace / "state" / "events.db"
    database.touch()
    database.chmod(0o666)
    refused(mounting(workspace, database), "others may write")


@pytest.mark.as_root
def test_a_state_home_of_somebody_else_is_refused(workspace: Path) -> None:
    """An ordinary user whose XDG_STATE_HOME leads into another's directory, which lets everybody in."""
    (workspace / "his").mkdir()
    (workspace / "his").chmod(0o777)
    os.chown(workspace / "his", OTHER.uid, OTHER.gid)
    for name in ("source", "mountpoint"):
        (workspace / name).mkdir()
        os.chown(workspace / name, HOSTILE.uid, HOSTILE.gid)
    environment = {"XDG_STATE_HOME": str(workspace / "his"), "HOME": str(workspace)}
    places = (str(workspace / "source"), str(workspace / "mountpoint"))
    finished = inside.mount_command(HOSTILE, *places, environment=environment)
    refused(finished, "his belongs to daemon")
    assert list((workspace / "his").iterdir()) == []


@pytest.mark.as_root
def test_root_does_not_write_to_a_users_database(workspace: Path) -> None:
    place = workspace / "state"
    place.mkdir(mode=0o700)
    database = place / "events.db"
    log = workspace / "log"
    log.write_text('{"t": 1, "pid": 1, "ppid": 0, "comm": "x", "uid": 0, "op": "open", "path": "a"}\n')
    assert mycelial("replay", "--db", database, log).returncode == 0
    for path in (place, *place.iterdir()):
        os.chown(path, HOSTILE.uid, HOSTILE.gid)
    for command in (("forget", "--all"), ("pause",), ("rebuild",)):
        refused(mycelial(*command, "--db", database), "belongs to nobody")


@pytest.mark.as_root
def test_a_socket_of_somebody_else_is_not_spoken_to(workspace: Path) -> None:
    """A sticky directory with the lock held by its owner, and a stranger's socket in the engine's place."""
    database = workspace / "events.db"
    log = workspace / "log"
    log.write_text('{"t": 1, "pid": 1, "ppid": 0, "comm": "x", "uid": 0, "op": "open", "path": "a"}\n')
    assert mycelial("replay", "--db", database, log).returncode == 0
    script = "import hashlib, os, sys; from pathlib import Path; from mycelial.store import handover as h\n"
    script += "with h._short_path(Path(sys.argv[1])) as p: print(os.path.basename(p))"
    name = run([sys.executable, "-c", script, database]).stdout.strip()
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as impostor:
        workspace.chmod(0o777)
        pid = os.fork()
        if not pid:
            HOSTILE.assume()
            impostor.bind(str(workspace / name))
            impostor.listen()
            time.sleep(600)
            os._exit(0)
        try:
            wait_until((workspace / name).exists)
            workspace.chmod(0o1755)
            holder = "import sys; from pathlib import Path; from mycelial.store.lock import WriterLock\n"
            holder += "lock = WriterLock(Path(sys.argv[1])); print('held', flush=True); sys.stdin.read()"
            with subprocess.Popen(
                [sys.executable, "-c", holder, str(database)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
            ) as held:
                assert held.stdout is not None
                held.stdout.readline()
                refused(mycelial("pause", "--db", database), "somebody else listens")
                held.communicate()
        finally:
            os.kill(pid, 9)
            os.waitpid(pid, 0)


# ---- names made to do harm


def test_names_of_programs_and_files_are_shown_and_never_obeyed(mount: Mounted) -> None:
    directory = mount.mountpoint / f"d{ESCAPES}"
    program = mount.mountpoint / "x\x1b[5m;\n"
    run_apart(directory.mkdir)
    shutil.copy("/bin/cat", mount.source / program.name)
    (mount.source / "in").write_text("x")
    finished = run([program, "../in", f"--{ESCAPES}"], cwd=directory)
    assert finished.returncode != 0
    run([sys.executable, "-c", HARMFUL, str(mount.mountpoint / "in"), f"out{ESCAPES}"], cwd=directory)
    wait_for(mount, "write", f"d{ESCAPES}/out{ESCAPES}")
    product = directory / f"out{ESCAPES}"
    shown = [
        mycelial(*words, cwd=mount.mountpoint)
        for words in (("events",), ("recent",), ("status",), ("related", "in"), ("products", "in"),
                      ("how", product), ("why", "in", product), ("forget", f"{ESCAPES}/no"))
    ]  # fmt: skip
    texts = [finished.stdout + finished.stderr for finished in shown]
    for view in ("how", "why/in"):
        for parent, _, names in os.walk(mount.mountpoint / ".mycelial" / view):
            texts += [run_apart((Path(parent) / name).read_text) for name in names]
    assert any("owned" in text for text in texts)
    for text in texts:
        assert not set(text) & {"\x1b", "\x07", "\r"}, text
    log = [
        json.loads(line) for line in mycelial("events", "--json", "--db", mount.database).stdout.splitlines()
    ]
    assert any(event.get("cwd", "").endswith(directory.name) for event in log), "and yet it is kept as it was"


def test_a_mount_that_cannot_be_is_told_of_without_harm(workspace: Path) -> None:
    place = workspace / f"d{ESCAPES}"
    place.mkdir()
    for words in ((place / "no", place), (place, place / "no"), ("-o", f"{ESCAPES}=1", place, place)):
        finished = run([*mount_command(), *words])
        assert finished.returncode
        assert "owned" in finished.stderr
        assert not set(finished.stderr) & {"\x1b", "\x07", "\r"}


HARMFUL = """
import ctypes, sys
ctypes.CDLL(None).prctl(15, b"c\\x1b[2J\\n", 0, 0, 0)
data = open(sys.argv[1], "rb").read()
open(sys.argv[2], "wb").write(data)
"""


# ---- ways out of the source


@pytest.fixture
def tempting(workspace: Path, new_mount: Callable[..., Mounted]) -> Iterator[tuple[Mounted, Path]]:
    """A mount, let others in where root may, and a directory beside its source with a file for root alone."""
    mount = new_mount(*(["--allow-other"] if os.geteuid() == 0 else []))
    outside = workspace / "outside"
    outside.mkdir(mode=0o755)
    (outside / "secret").write_text("secret")
    (outside / "secret").chmod(0o600)
    mount.source.chmod(0o777)
    yield mount, outside
    remove_tree(outside)


def swap(directory: str, outside: str) -> None:
    """Exchange a directory and a link that leads outside, as fast as it goes, until killed."""
    os.chdir(directory)
    os.makedirs("place/deep", exist_ok=True)
    for name in ("place/secret", "place/deep/secret"):
        Path(name).write_text("inside")
    os.symlink(outside, "link")
    while True:
        linux.renameat2(b"place", b"link", linux.RENAME_EXCHANGE)


def open_often(root: str, seconds: float) -> set[str]:
    """What is read, and what is in the virtual tree, while somebody swaps directories.

    For that long at least, and until both were met.
    """
    began, found = time.monotonic(), set[str]()
    while (now := time.monotonic()) < began + seconds or (
        not {"inside", "PermissionError"} <= found and now < began + PATIENCE
    ):
        for name in ("place/secret", "place/deep/secret", ".mycelial/how/place/secret"):
            try:
                found.add(Path(root, name).read_text().split("\n")[0])
            except OSError as problem:
                found.add(type(problem).__name__)
        for view in ("related", "sources"):
            try:
                os.listdir(os.path.join(root, ".mycelial", view, "place"))
            except OSError as problem:
                found.add(type(problem).__name__)
    return found


@pytest.mark.as_root
def test_a_race_of_names_reads_nothing_that_the_user_may_not(tempting: tuple[Mounted, Path]) -> None:
    mount, outside = tempting
    pid = os.fork()
    if not pid:
        with contextlib.suppress(BaseException):
            HOSTILE.assume()
            swap(str(mount.source), str(outside))  # behind the mount's back, where it is quickest
        os._exit(1)
    try:
        arguments = str(mount.mountpoint), 2.0
        found: set[str] = run_apart(open_often, *arguments, identity=HOSTILE, timeout=2 * PATIENCE)
    finally:
        os.kill(pid, 9)
        os.waitpid(pid, 0)
    assert found >= {"inside", "PermissionError"}, "nobody swapped anything"
    assert "secret" not in found, "root's file outside was read in the name of somebody else"


def test_the_daemon_follows_no_link_and_no_way_up(tempting: tuple[Mounted, Path]) -> None:
    mount, outside = tempting
    (mount.source / "out").symlink_to(outside)
    (mount.source / "up").symlink_to("../outside")
    view = mount.mountpoint / ".mycelial"
    for name in ("out", "up", "..", "../outside", "out/secret", "up/secret", "../../outside/secret"):
        for kind in ("related", "how", "sources"):
            below = Path(f"{view}/{kind}/{name}/x" if "secret" not in name else f"{view}/{kind}/{name}")
            shown = Path(os.path.normpath(below))
            if view in shown.parents:
                assert not run_apart(os.path.lexists, str(below)), f"{below}"
    assert os.readlink(mount.mountpoint / "out") == str(outside)
    assert stat.S_ISLNK(os.lstat(mount.mountpoint / "up").st_mode)


SWAPPED_MEANWHILE = """
import os, sys
from mycelial.mount.filesystem import Filesystem
from mycelial.mount.options import parse
from mycelial.mount.place import find_place
*words, victim = sys.argv[1:]
options = parse(words)
place = find_place(options)
for path in (place.source, place.mountpoint):
    os.rename(path, f"{path}.moved")
    os.symlink(victim, path)
Filesystem(options, place, lambda: print("mounted", flush=True)).run()
"""


@pytest.mark.as_root
def test_what_is_put_in_the_place_of_a_directory_is_neither_shown_nor_covered(workspace: Path) -> None:
    """By whoever owns the directory above, while root mounts there."""
    places = [workspace / name for name in ("source", "mountpoint")]
    victim = workspace / "victim"
    for path in (*places, victim):
        path.mkdir()
    (places[0] / "own").touch()
    (victim / "passwd").touch()
    command = [sys.executable, "-c", SWAPPED_MEANWHILE, "--no-record", *map(str, places), str(victim)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as mounting:
        assert mounting.stdout is not None
        assert mounting.stdout.readline() == "mounted\n"
        shown = run_apart(os.listdir, workspace / "mountpoint.moved")
        covered = mounted_at(victim)
        mounting.terminate()
    assert mounted_at(workspace / "mountpoint.moved") is None
    assert shown == ["own"]
    assert covered is None


def test_a_log_cannot_lead_outside(tmp_path: Path) -> None:
    log = tmp_path / "log"
    for path in ("../outside/secret", "/etc/passwd", "a/../../outside", ".", "a//b", "a\0b"):
        event = {"t": 1, "pid": 1, "ppid": 0, "comm": "x", "uid": 0, "op": "open", "path": path}
        log.write_text(json.dumps(event) + "\n")
        refused(mycelial("replay", "--db", tmp_path / "new.db", log), "log:1:")
    assert not (tmp_path / "new.db").exists()


# ---- what the daemon does for others is done with their rights


@pytest.mark.as_root
def test_no_database_and_no_process_is_left_that_others_can_read(new_mount: Callable[..., Mounted]) -> None:
    mount = new_mount("--allow-other")
    (mount.source / "f").write_text("x")
    run_apart((mount.mountpoint / "f").read_text, identity=HOSTILE)
    wait_for(mount, "open", "f")
    assert events(mount)[-1]["uid"] == HOSTILE.uid
    for pid in mount.processes():
        for name in ("mem", "environ", "maps"):
            with pytest.raises(OSError, match=r"Permission denied|Operation not permitted"):
                run_apart(Path(f"/proc/{pid}/{name}").read_bytes, identity=HOSTILE)
    for path in mount.database.parent.iterdir():
        assert stat.S_IMODE(path.lstat().st_mode) & 0o077 == 0
