"""The command's promises: how it starts, what it prints, what it refuses, and how options are written."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mycelial import core
from tests.mount.actor import Identity, run_apart
from tests.mount.mounted import (
    PATIENCE,
    Mounted,
    mount_command,
    mount_table,
    mounted_at,
    processes_naming,
    run,
    wait_until,
)


@pytest.fixture
def places(workspace: Path) -> tuple[Path, Path]:
    """A source with one file, and an empty mountpoint."""
    source, mountpoint = workspace / "source", workspace / "mountpoint"
    source.mkdir()
    (source / "file").write_text("content")
    mountpoint.mkdir()
    return source, mountpoint


def mycelial_mount(
    workspace: Path, *words: str | Path, **options: object
) -> subprocess.CompletedProcess[str]:
    """The command with a database of the test's own."""
    return run([*mount_command(), "--db", workspace / "events.db", *words], **options)


def content(mountpoint: Path) -> bytes:
    """The file's content through the mount, read where a hang does no harm."""
    result: bytes = run_apart(Path.read_bytes, mountpoint / "file")
    return result


# ---- help and wrong usage


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help_goes_to_standard_output(option: str) -> None:
    finished = run([*mount_command(), option])
    assert finished.returncode == 0
    assert finished.stdout.startswith("usage: mycelial-mount")
    assert finished.stderr == ""


def test_the_helper_of_umount_has_help_too() -> None:
    helper = Path(mount_command()[0]).with_name("umount.fuse.mycelial")
    finished = run([helper, "--help"])
    assert (finished.returncode, finished.stderr) == (0, "")
    assert finished.stdout.startswith("usage: umount.fuse.mycelial")
    assert run([helper, "/proc"]).stderr == "umount.fuse.mycelial: /proc: no mount of Mycelial\n"


@pytest.mark.parametrize("option", ["-V", "--version"])
def test_version_goes_to_standard_output(option: str) -> None:
    finished = run([*mount_command(), option])
    assert finished.returncode == 0
    assert finished.stdout.split()[0] == "mycelial-mount"
    assert finished.stdout.count("\n") == 1


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["only-source"],
        ["source", "mountpoint", "third"],
        ["--nonsense", "source", "mountpoint"],
        ["-Z", "source", "mountpoint"],
        ["-o", "nonsense", "source", "mountpoint"],
        ["source", "mountpoint", "-o"],
        ["source", "mountpoint", "--db"],
        ["source", "mountpoint", "--timeout", "soon"],
        ["source", "mountpoint", "--timeout=-1"],
        ["source", "mountpoint", "-o", "timeout"],
        ["source", "mountpoint", "--view-dir", "a/b"],
        ["source", "mountpoint", "--ro=yes"],
    ],
    ids=" ".join,
)
def test_wrong_usage_is_one_line_and_exit_code_2(words: list[str], workspace: Path) -> None:
    finished = run([*mount_command(), *words], cwd=workspace)
    assert finished.returncode == 2
    assert finished.stdout == ""
    assert finished.stderr.count("\n") == 1
    assert finished.stderr.startswith("mycelial-mount: ")


# ---- what is refused


def refused(finished: subprocess.CompletedProcess[str], *words: str) -> None:
    """The command failed with one line that has these words."""
    assert finished.returncode == 1, finished
    assert finished.stderr.count("\n") == 1, finished.stderr
    for word in words:
        assert word in finished.stderr


def test_a_missing_source_is_refused(workspace: Path, places: tuple[Path, Path]) -> None:
    missing = workspace / "missing"
    refused(mycelial_mount(workspace, missing, places[1]), str(missing), "No such file or directory")
    assert mounted_at(places[1]) is None


def test_a_file_as_source_is_refused(workspace: Path, places: tuple[Path, Path]) -> None:
    refused(mycelial_mount(workspace, places[0] / "file", places[1]), "file", "Not a directory")


def test_a_missing_mountpoint_is_refused(workspace: Path, places: tuple[Path, Path]) -> None:
    missing = workspace / "missing"
    refused(mycelial_mount(workspace, places[0], missing), str(missing), "No such file or directory")


def test_a_file_as_mountpoint_is_refused(workspace: Path, places: tuple[Path, Path]) -> None:
    file = workspace / "a file"
    file.touch()
    refused(mycelial_mount(workspace, places[0], file), str(file), "directory")


@pytest.mark.parametrize("nested", ["inside the source", "the source inside"])
def test_a_nested_mountpoint_is_refused(nested: str, workspace: Path) -> None:
    outer, inner = workspace / "outer", workspace / "outer" / "inner"
    inner.mkdir(parents=True)
    source, mountpoint = (outer, inner) if nested == "inside the source" else (inner, outer)
    refused(mycelial_mount(workspace, source, mountpoint), str(inner), "inside")
    assert mounted_at(mountpoint) is None


def test_a_mountpoint_nested_through_a_symlink_is_refused(workspace: Path, places: tuple[Path, Path]) -> None:
    source, _ = places
    (source / "inner").mkdir()
    (workspace / "link").symlink_to(source)
    refused(mycelial_mount(workspace, source, workspace / "link" / "inner"), "inside")


def test_a_neighbour_with_the_same_beginning_is_not_nested(
    workspace: Path, places: tuple[Path, Path]
) -> None:
    source, _ = places
    beside = Path(f"{source}-live")
    beside.mkdir()
    assert mycelial_mount(workspace, source, beside).returncode == 0
    assert content(beside) == b"content"


@pytest.mark.parametrize("kind", ["file", "directory", "dangling link"])
def test_a_real_view_directory_is_refused_and_the_way_out_is_named(
    kind: str, workspace: Path, places: tuple[Path, Path]
) -> None:
    source, mountpoint = places
    own = source / ".mycelial"
    if kind == "file":
        own.touch()
    elif kind == "directory":
        own.mkdir()
    else:
        own.symlink_to("nowhere")
    refused(mycelial_mount(workspace, source, mountpoint), ".mycelial", "--view-dir")
    assert mycelial_mount(workspace, "--view-dir", ".relations", source, mountpoint).returncode == 0
    names = run_apart(os.listdir, mountpoint)
    assert ".mycelial" in names
    assert "README" in run_apart(os.listdir, mountpoint / ".relations")


def test_a_database_inside_an_in_place_mount_is_refused(workspace: Path, places: tuple[Path, Path]) -> None:
    source, _ = places
    finished = run([*mount_command(), "--db", source / "events.db", source, source])
    refused(finished, "events.db", "--db")


def test_a_missing_config_file_is_refused(workspace: Path, places: tuple[Path, Path]) -> None:
    refused(mycelial_mount(workspace, "--config", workspace / "missing.toml", *places), "missing.toml")


@pytest.mark.as_user
def test_a_source_that_the_user_may_not_enter_is_refused(workspace: Path, places: tuple[Path, Path]) -> None:
    places[0].chmod(0)
    refused(mycelial_mount(workspace, *places), str(places[0]), "Permission denied")


@pytest.mark.parametrize("in_place", [False, True])
def test_the_same_mount_once_more_is_refused(
    in_place: bool, workspace: Path, places: tuple[Path, Path]
) -> None:
    source, mountpoint = (places[0], places[0]) if in_place else places
    assert mycelial_mount(workspace, source, mountpoint).returncode == 0
    refused(mycelial_mount(workspace, source, mountpoint), "already", f"fusermount3 -u {mountpoint}")
    assert content(mountpoint) == b"content"


def test_a_source_that_is_covered_by_a_mount_is_called_so(workspace: Path, places: tuple[Path, Path]) -> None:
    source, mountpoint = places
    assert mycelial_mount(workspace, source, source).returncode == 0
    refused(mycelial_mount(workspace, source, mountpoint), f"{source} is a mount of {source} already")


@pytest.mark.as_root
def test_a_mount_that_is_covered_by_something_else_is_not_in_the_way(
    workspace: Path, places: tuple[Path, Path]
) -> None:
    source, mountpoint = places
    assert mycelial_mount(workspace, source, mountpoint).returncode == 0
    assert run(["mount", "-t", "tmpfs", "none", mountpoint]).returncode == 0
    assert mycelial_mount(workspace, source, mountpoint).returncode == 0
    assert content(mountpoint) == b"content"
    for _ in range(2):
        assert run(["umount", mountpoint]).returncode == 0


@pytest.mark.as_user
def test_a_mountpoint_of_somebody_else_is_refused(workspace: Path, places: tuple[Path, Path]) -> None:
    refused(mycelial_mount(workspace, places[0], "/usr"), "/usr")


@pytest.mark.as_user
def test_allow_other_without_permission_says_so(workspace: Path, places: tuple[Path, Path]) -> None:
    if "\nuser_allow_other" in Path("/etc/fuse.conf").read_text():
        assert mycelial_mount(workspace, "--allow-other", *places).returncode == 0
    else:
        refused(mycelial_mount(workspace, "--allow-other", *places), "user_allow_other")


# ---- starting


def test_the_command_returns_when_the_mount_answers(workspace: Path, places: tuple[Path, Path]) -> None:
    finished = mycelial_mount(workspace, *places)
    assert finished.returncode == 0
    assert finished.stdout == finished.stderr == ""
    assert content(places[1]) == b"content"


def test_the_daemon_lets_go_of_terminal_and_directory(workspace: Path, places: tuple[Path, Path]) -> None:
    # Waiting for the end of the output would take for ever if the daemon kept the pipe.
    mycelial_mount(workspace, *places, cwd=workspace, timeout=60)
    daemons = processes_naming(str(workspace))
    assert daemons
    for pid in daemons:
        assert os.readlink(f"/proc/{pid}/cwd") == "/"
        assert os.readlink(f"/proc/{pid}/fd/0") == "/dev/null"
        assert os.getsid(pid) != os.getsid(0)


def test_a_mountpoint_that_is_not_empty_is_covered(workspace: Path, places: tuple[Path, Path]) -> None:
    source, mountpoint = places
    (mountpoint / "covered").touch()
    assert mycelial_mount(workspace, source, mountpoint).returncode == 0
    assert run_apart(os.listdir, mountpoint) == ["file"]
    assert run(["fusermount3", "-u", mountpoint]).returncode == 0
    assert os.listdir(mountpoint) == ["covered"]


def test_relative_paths_are_taken_from_where_the_command_starts(
    workspace: Path, places: tuple[Path, Path]
) -> None:
    assert run([*mount_command(), "--db", "here.db", "source", "mountpoint"], cwd=workspace).returncode == 0
    assert content(places[1]) == b"content"
    wait_until((workspace / "here.db").exists, what="the database beside the source")


def test_paths_with_odd_characters(workspace: Path) -> None:
    source = workspace / os.fsdecode(b"a source, with \\ commas= and \xff bytes\n")
    mountpoint = workspace / "a mount, point\n\\ é"
    source.mkdir()
    mountpoint.mkdir()
    (source / "file").write_text("content")
    assert mycelial_mount(workspace, source, mountpoint).returncode == 0
    assert content(mountpoint) == b"content"
    assert run(["fusermount3", "-u", mountpoint]).returncode == 0


def test_the_mount_table_shows_source_and_type(mount: Mounted) -> None:
    entry = mounted_at(mount.mountpoint)
    assert entry is not None
    assert entry.type == "fuse.mycelial"
    assert entry.source == str(mount.source)
    assert "default_permissions" in entry.super_options


@pytest.mark.as_root
def test_a_remount_changes_what_the_kernel_minds(mount: Mounted) -> None:
    words = [*mount_command(), mount.source, mount.mountpoint, "-o"]
    (mount.source / "file").write_text("content")
    finished = run([*words, "remount,ro,noatime,allow_other"])
    assert (finished.returncode, finished.stderr) == (0, "")
    entry = mounted_at(mount.mountpoint)
    assert entry is not None
    assert {"ro", "noatime", "nosuid", "nodev"} <= set(entry.options)
    with pytest.raises(OSError, match="Read-only"):
        (mount.mountpoint / "file").write_text("other")
    finished = run([*words, "remount,rw,suid,view_dir=other"])
    assert finished.returncode == 0
    assert finished.stderr.endswith("other options hold from the next mount on\n")
    (mount.mountpoint / "file").write_text("other")
    (entry,) = [entry for entry in mount_table() if entry.mountpoint == str(mount.mountpoint)]
    assert "nodev" in entry.options
    assert "nosuid" not in entry.options


def test_a_remount_of_nothing_is_refused(workspace: Path, places: tuple[Path, Path]) -> None:
    refused(run([*mount_command(), *places, "-o", "remount,ro"]), "no mount of Mycelial")


@pytest.mark.parametrize("name", ["my papers", "a, \\b\n 100% #1 grün \udcff"])
def test_the_mount_table_names_the_source_as_it_is(workspace: Path, name: str) -> None:
    source = workspace / name
    mountpoint = workspace / "mountpoint"
    source.mkdir()
    mountpoint.mkdir()
    assert mycelial_mount(workspace, source, mountpoint).returncode == 0
    entry = mounted_at(mountpoint)
    assert entry is not None
    assert entry.source == str(source)


@pytest.mark.as_root
def test_mounting_twice_over_the_same_place_stacks(workspace: Path, places: tuple[Path, Path]) -> None:
    source, mountpoint = places
    other = workspace / "other"
    other.mkdir()
    (other / "file").write_text("other content")
    assert mycelial_mount(workspace, source, mountpoint).returncode == 0
    assert run([*mount_command(), "--db", workspace / "b.db", other, mountpoint]).returncode == 0
    assert content(mountpoint) == b"other content"
    assert run(["fusermount3", "-u", mountpoint]).returncode == 0
    assert content(mountpoint) == b"content"


def test_a_source_shown_twice_is_recorded_once_and_says_so(
    workspace: Path, places: tuple[Path, Path]
) -> None:
    source, mountpoint = places
    beside = workspace / "beside"
    beside.mkdir()
    assert mycelial_mount(workspace, source, mountpoint).returncode == 0
    wait_until((workspace / "events.db").exists, what="the record")
    second = mycelial_mount(workspace, source, beside)
    assert second.returncode == 0
    assert second.stderr.count("\n") == 1
    assert f"mounted at {mountpoint} too" in second.stderr
    assert "--db" in second.stderr


# ---- in the foreground


@pytest.fixture
def in_foreground(
    workspace: Path, places: tuple[Path, Path]
) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    started: list[subprocess.Popen[str]] = []

    def start(*words: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [*mount_command(), *words, "--db", str(workspace / "events.db"), *map(str, places)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        started.append(process)
        wait_until(lambda: mounted_at(places[1]) or process.poll() is not None, what="mounted")
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=60)


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_foreground_ends_cleanly_with_a_signal(
    ending: signal.Signals,
    in_foreground: Callable[..., subprocess.Popen[str]],
    workspace: Path,
    places: tuple[Path, Path],
) -> None:
    process = in_foreground("-f")
    assert content(places[1]) == b"content"
    assert process.poll() is None
    process.send_signal(ending)
    assert process.wait(timeout=60) == 0
    assert mounted_at(places[1]) is None
    wait_until(lambda: not processes_naming(str(workspace)), what="the engine's end")


def test_foreground_ends_when_unmounted(
    in_foreground: Callable[..., subprocess.Popen[str]], places: tuple[Path, Path]
) -> None:
    process = in_foreground("-f")
    assert content(places[1]) == b"content"
    assert run(["fusermount3", "-u", places[1]]).returncode == 0
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "Traceback" not in output


def test_debug_stays_in_the_foreground_and_talks(
    in_foreground: Callable[..., subprocess.Popen[str]], places: tuple[Path, Path]
) -> None:
    process = in_foreground("-d")
    assert content(places[1]) == b"content"
    process.terminate()
    output, _ = process.communicate(timeout=60)
    assert output
    assert "Traceback" not in output


def test_foreground_reports_an_error_once(workspace: Path, places: tuple[Path, Path]) -> None:
    refused(mycelial_mount(workspace, "-f", workspace / "missing", places[1]), "missing")


# ---- the ways to end a daemon


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_daemon_unmounts_on_a_signal(ending: signal.Signals, mount: Mounted) -> None:
    (daemon,) = (pid for pid, line in mount.processes().items() if "mycelial.graph" not in line)
    os.kill(daemon, ending)
    mount.wait_for_end()


def test_fusermount_ends_daemon_and_engine(mount: Mounted) -> None:
    assert len(mount.processes()) == 2
    mount.unmount()


@pytest.mark.as_root
def test_umount_ends_daemon_and_engine(mount: Mounted) -> None:
    assert run(["umount", mount.mountpoint]).returncode == 0
    mount.wait_for_end()


def test_a_busy_mount_is_not_unmounted_unless_lazily(mount: Mounted) -> None:
    (mount.source / "file").write_text("content")
    with open(mount.mountpoint / "file") as file:
        assert run(["fusermount3", "-u", mount.mountpoint]).returncode != 0
        assert mounted_at(mount.mountpoint) is not None
        assert run(["fusermount3", "-u", "-z", mount.mountpoint]).returncode == 0
        assert mounted_at(mount.mountpoint) is None
        assert file.read() == "content"
    mount.wait_for_end()


def test_a_killed_daemon_leaves_an_error_not_an_empty_directory(mount: Mounted) -> None:
    """An rsync must never take a dead mount for a directory without files."""
    for pid in mount.processes():
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not mount.processes())
    # ENOTCONN, or ECONNABORTED for a request that was under way when the connection ended.
    with pytest.raises(OSError, match=r"not connected|connection abort"):
        run_apart(os.listdir, mount.mountpoint)


def test_a_dead_mount_is_replaced_by_the_next_start(mount: Mounted) -> None:
    (mount.source / "file").write_text("content")
    for pid in mount.processes():
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not mount.processes())
    mount.start()
    assert content(mount.mountpoint) == b"content"
    mount.unmount()


# ---- how options may be written


@pytest.mark.parametrize(
    "words",
    [
        ["-o", "ro", "S", "M"],
        ["S", "M", "-o", "ro"],
        ["S", "-o", "ro", "M"],
        ["-oro", "S", "M"],
        ["S", "M", "-oro,nofail"],
        ["S", "M", "-o", "noatime,ro", "-o", "nofail"],
        ["--ro", "S", "M"],
        ["S", "M", "--ro"],
        ["S", "M", "-r"],
        ["-o", "rw", "S", "M", "-o", "ro"],
        ["--", "S", "M"],
    ],
    ids=" ".join,
)
def test_options_stand_anywhere(words: list[str], workspace: Path, places: tuple[Path, Path]) -> None:
    paths = {"S": str(places[0]), "M": str(places[1])}
    assert mycelial_mount(workspace, *(paths.get(word, word) for word in words)).returncode == 0
    entry = mounted_at(places[1])
    assert entry is not None
    assert ("ro" in entry.options) == (words != ["--", "S", "M"])
    assert content(places[1]) == b"content"


FSTAB_WORDS = (
    "rw,dev,suid,exec,auto,noauto,user,nouser,users,owner,async,relatime,noatime,nodiratime,nofail,_netdev,defaults,"
    "x-systemd.automount,x-systemd.idle-timeout=60,x-gvfs-show,comment=anything,X-mount.mkdir"
)


@pytest.mark.parametrize("word", FSTAB_WORDS.split(","))
def test_generic_words_of_fstab_are_passed_over(
    word: str, workspace: Path, places: tuple[Path, Path]
) -> None:
    finished = mycelial_mount(workspace, *places, "-o", word)
    assert finished.returncode == 0, finished.stderr


def test_all_words_of_fstab_at_once(workspace: Path, places: tuple[Path, Path]) -> None:
    finished = mycelial_mount(workspace, *places, "-o", FSTAB_WORDS)
    assert finished.returncode == 0, finished.stderr
    assert content(places[1]) == b"content"


def test_long_options_are_mount_words_too(workspace: Path, places: tuple[Path, Path]) -> None:
    source, mountpoint = places
    database = workspace / "with, comma.db"
    escaped = str(database).replace(",", "\\,")
    finished = run([*mount_command(), source, mountpoint, "-o", f"db={escaped},view_dir=.links,timeout=0.5"])
    assert finished.returncode == 0, finished.stderr
    assert "README" in run_apart(os.listdir, mountpoint / ".links")
    wait_until(database.exists, what="the database")


@pytest.mark.as_root
def test_mount_8_mounts_by_type(
    workspace: Path, places: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """mount(8) looks for helpers in /sbin only; so the helper is called as mount(8) calls it."""
    helper = Path(mount_command()[0]).with_name("mount.fuse.mycelial")
    options = f"rw,dev,suid,db={workspace}/events.db"
    assert run([helper, *places, "-o", options]).returncode == 0
    assert content(places[1]) == b"content"
    assert run([helper.with_name("umount.fuse.mycelial"), places[1]]).returncode == 0
    wait_until(lambda: not processes_naming(str(workspace)))


@pytest.mark.as_root
def test_setuid_mounts_as_that_user(workspace: Path, places: tuple[Path, Path]) -> None:
    source, mountpoint = places
    # Where nobody may not read this Python or use /dev/fuse, root is the user to become.
    become = "import os; os.setgroups([]); os.setgid(65534); os.setuid(65534)"
    code = f"{become}; import mycelial.mount.filesystem; open('/dev/fuse', 'r+b', 0)"
    uid = 65534 if run([sys.executable, "-c", code]).returncode == 0 else 0
    for place in (workspace, source, mountpoint):
        os.chown(place, uid, uid)
    finished = mycelial_mount(workspace, *places, "-o", f"setuid={uid}")
    assert finished.returncode == 0, finished.stderr
    entry = mounted_at(mountpoint)
    assert entry is not None
    assert f"user_id={uid}" in entry.super_options
    assert run_apart(Path.read_bytes, mountpoint / "file", identity=Identity(uid, uid)) == b"content"


def test_an_unknown_user_to_become_is_refused(workspace: Path, places: tuple[Path, Path]) -> None:
    refused(mycelial_mount(workspace, *places, "-o", "setuid=no-such-user"), "no-such-user")


# ---- options that change what the mount does


def test_read_only(new_mount: Callable[..., Mounted]) -> None:
    mount = new_mount("--ro")
    (mount.source / "file").write_text("content")
    assert content(mount.mountpoint) == b"content"
    for action in (os.unlink, os.truncate):
        arguments = (mount.mountpoint / "file", 0)[: 1 if action is os.unlink else 2]
        with pytest.raises(OSError, match="Read-only"):
            run_apart(action, *arguments)


def test_no_views(new_mount: Callable[..., Mounted]) -> None:
    mount = new_mount("--no-views")
    with pytest.raises(FileNotFoundError):
        run_apart(os.stat, mount.mountpoint / ".mycelial")
    run_apart(os.mkdir, mount.mountpoint / ".mycelial")
    assert (mount.source / ".mycelial").is_dir()


def test_no_record_has_no_engine(new_mount: Callable[..., Mounted]) -> None:
    mount = new_mount("--no-record")
    (mount.source / "file").write_text("content")
    assert content(mount.mountpoint) == b"content"
    assert len(mount.processes()) == 1
    mount.unmount()


def test_noexec_is_the_kernels_business(new_mount: Callable[..., Mounted]) -> None:
    mount = new_mount("-o", "noexec")
    entry = mounted_at(mount.mountpoint)
    assert entry is not None
    assert "noexec" in entry.options


# ---- in place


def test_in_place_mount_covers_its_source(new_mount: Callable[..., Mounted]) -> None:
    mount = new_mount(in_place=True)
    path = mount.mountpoint / "file"
    run_apart(Path.write_text, path, "through the mount")
    assert content(mount.mountpoint) == b"through the mount"
    assert "README" in run_apart(os.listdir, mount.mountpoint / ".mycelial")
    mount.unmount()
    assert path.read_text() == "through the mount"
    assert os.listdir(mount.source) == ["file"]


def test_in_place_mount_may_cover_the_program_itself(workspace: Path) -> None:
    """As of a home directory with a virtual environment in it."""
    source = workspace / "own" / "source"
    shutil.copytree(Path(core.__file__).parent.parent, source / "mycelial", ignore=lambda *_: ["src"])
    mount = Mounted(source.parent, in_place=True, environment={"PYTHONPATH": str(source)}).start()
    assert run_apart(os.listdir, mount.mountpoint / ".mycelial")
    daemon = int(mount.status()["pid"])
    assert f"{source}/mycelial/core/" in Path(f"/proc/{daemon}/maps").read_text()
    mount.unmount()


def test_in_place_mount_through_a_symlink(workspace: Path, places: tuple[Path, Path]) -> None:
    source, _ = places
    (workspace / "link").symlink_to(source)
    assert mycelial_mount(workspace, workspace / "link", source).returncode == 0
    assert content(source) == b"content"
    assert run(["fusermount3", "-u", source]).returncode == 0
    assert content(source) == b"content"


# ---- where the database is


def test_the_database_is_private(mount: Mounted) -> None:
    (mount.source / "file").write_text("content")
    content(mount.mountpoint)
    wait_until(mount.database.exists, what="the database")
    assert mount.database.stat().st_mode & 0o777 == 0o600
    mount.unmount()
    for path in mount.database.parent.iterdir():
        assert path.stat().st_mode & 0o077 == 0, path


@pytest.mark.as_user
@pytest.mark.parametrize("command", [[], ["-f"]], ids=["daemon", "foreground"])
def test_a_place_where_no_database_can_be_written_is_said_once_and_mounted(
    command: list[str], workspace: Path, places: tuple[Path, Path]
) -> None:
    in_a_file = workspace / "a file" / "events.db"
    in_a_file.parent.touch()
    with (workspace / "said").open("wb") as said:
        words = [*mount_command(), *command, "--db", in_a_file, *places]
        process = subprocess.Popen([os.fspath(word) for word in words], stderr=said)
    wait_until(lambda: mounted_at(places[1]), what="the mount")
    assert content(places[1]) == b"content"
    wait_until((workspace / "said").read_text, what="a word on it")
    run(["fusermount3", "-u", places[1]])
    assert process.wait(PATIENCE) == 0
    (line,) = (workspace / "said").read_text().splitlines()
    assert str(in_a_file) in line


@pytest.mark.as_user
def test_the_database_is_below_the_users_state_directory(workspace: Path, places: tuple[Path, Path]) -> None:
    state = workspace / "state"
    environment = {**os.environ, "XDG_STATE_HOME": str(state)}
    assert run([*mount_command(), *places], env=environment).returncode == 0
    assert content(places[1]) == b"content"
    wait_until(lambda: list((state / "mycelial").glob("source-*.db")), what="the database")
    assert (state / "mycelial").stat().st_mode & 0o777 == 0o700
