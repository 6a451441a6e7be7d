"""What is done in the mount becomes events, with the lineage of the process that did it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.mount.actor import Identity, run_apart
from tests.mount.mounted import Mounted, wait_until
from tests.mount.recorded import Event, events, shell, told, wait_for, wait_for_events


@pytest.fixture
def in_mount(mount: Mounted) -> Path:
    """The mountpoint of a mount with a few files."""
    (mount.source / "in.txt").write_text("b\na\n")
    (mount.source / "other.txt").write_text("other")
    (mount.source / "dir").mkdir()
    (mount.source / "dir" / "deep.txt").write_text("deep")
    return mount.mountpoint


# ---- what is an event, and what is not


def test_reading_is_recorded_with_who_and_when(mount: Mounted, in_mount: Path) -> None:
    began = time.time()
    process = subprocess.Popen(["cat", "dir/deep.txt"], cwd=in_mount, stdout=subprocess.DEVNULL)
    assert process.wait(timeout=60) == 0
    event = wait_for(mount, "open", "dir/deep.txt")
    assert event["comm"] == "cat"
    assert event["pid"] == process.pid
    assert event["ppid"] == os.getpid()
    assert event["uid"] == os.geteuid()
    assert began - 0.1 <= event["t"] <= time.time() + 0.1


def write_slowly(path: Path) -> None:
    with open(path, "wb", buffering=0) as file:
        file.write(b"one")
        time.sleep(0.2)
        file.write(b"two")


def test_writing_a_new_file_is_a_creation_and_a_write_at_the_close(mount: Mounted, in_mount: Path) -> None:
    run_apart(write_slowly, in_mount / "new.txt")
    log = wait_for_events(mount, lambda log: "write" in told(log, "new.txt"))
    assert told(log, "new.txt") == ["create", "write"]
    created, written = (event for event in log if event["path"] == "new.txt")
    assert written["t"] - created["t"] >= 0.15


def test_truncating_an_old_file_begins_a_new_generation(mount: Mounted, in_mount: Path) -> None:
    shell("echo changed > in.txt", mount)
    log = wait_for_events(mount, lambda log: "write" in told(log, "in.txt"))
    assert told(log, "in.txt") == ["create", "write"]


def test_appending_is_a_write_without_a_creation(mount: Mounted, in_mount: Path) -> None:
    shell("echo more >> in.txt", mount)
    log = wait_for_events(mount, lambda log: "write" in told(log, "in.txt"))
    assert told(log, "in.txt") == ["write"]


def test_names_that_change_are_recorded(mount: Mounted, in_mount: Path) -> None:
    shell("ln in.txt hard; mv in.txt dir/moved.txt; rm hard other.txt; cat dir/moved.txt", mount)
    log = wait_for_events(mount, lambda log: "open" in told(log, "dir/moved.txt"))
    changes = [(e["op"], e["path"], e.get("to")) for e in log if e["op"] in ("link", "rename", "unlink")]
    assert changes == [
        ("link", "in.txt", "hard"),
        ("rename", "in.txt", "dir/moved.txt"),
        ("unlink", "hard", None),
        ("unlink", "other.txt", None),
    ]


@pytest.mark.parametrize("timeout", ["1", "3600"])
def test_a_file_with_two_names_is_told_by_the_one_that_was_used(
    timeout: str, new_mount: Callable[..., Mounted]
) -> None:
    mount = new_mount("--timeout", timeout)
    uses = ["first", "second", "first", "second", "first"]
    shell("echo new > first; ln first second", mount)
    for use in uses:
        shell(f"cat {use}", mount)
    shell("rm second; cat first", mount)
    log = wait_for_events(mount, lambda log: len([e for e in log if e["comm"] == "cat"]) == len(uses) + 1)
    assert [e["path"] for e in log if e["comm"] == "cat"] == [*uses, "first"]


def used_at_once(directory: Path) -> list[str]:
    """By one program, by many threads, and by descriptors, which the kernel cannot look up again."""
    first, second = directory / "in.txt", directory / "second"
    first.write_bytes(b"")
    os.link(first, second)
    with open(first, "rb") as file:
        os.link(first, directory / "third")
        with open(f"/proc/self/fd/{file.fileno()}", "rb") as again:
            told = [os.readlink(f"/proc/self/fd/{one.fileno()}") for one in (file, again)]
    failed = []
    for round in range(50):
        name = directory / f"of many {round}"
        name.write_bytes(b"")
        os.link(name, directory / f"other {round}")

        def read(path: Path) -> None:
            try:
                path.read_bytes()
            except OSError as error:
                failed.append(str(error))

        threads = [
            threading.Thread(target=read, args=(path,)) for path in [name, directory / f"other {round}"] * 4
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return [*told, *failed]


@pytest.mark.parametrize("timeout", ["0", "3600"])
def test_a_file_that_got_another_name_is_opened_at_once(
    timeout: str, new_mount: Callable[..., Mounted]
) -> None:
    mount = new_mount("--timeout", timeout)
    assert run_apart(used_at_once, mount.mountpoint) == [str(mount.mountpoint / "in.txt")] * 2
    # Who opens it under both names at once is told by the one looked up last: at times always the same.
    log = wait_for_events(mount, lambda log: "open" in told(log, "other 49") + told(log, "of many 49"))
    assert told(log, "in.txt").count("open") == 1
    assert told(log, "third").count("open") == 1  # by a descriptor: the name that was used last
    assert "open" not in told(log, "second")


def linked_while_open(directory: Path) -> str:
    with open(directory / "in.txt") as file:
        os.link(directory / "in.txt", directory / "second")
        time.sleep(0.2)
        return os.readlink(f"/proc/self/fd/{file.fileno()}")


def test_a_file_that_gets_a_second_name_while_it_is_open_keeps_its_first(
    mount: Mounted, in_mount: Path
) -> None:
    assert run_apart(linked_while_open, in_mount) == str(in_mount / "in.txt")


def test_a_renamed_directory_gives_its_files_new_names(mount: Mounted, in_mount: Path) -> None:
    shell("cat dir/deep.txt; mv dir folder; cat folder/deep.txt", mount)
    log = wait_for_events(mount, lambda log: "open" in told(log, "folder/deep.txt"))
    assert [(e["op"], e["path"], e.get("to")) for e in log if e["comm"] in ("cat", "mv")] == [
        ("open", "dir/deep.txt", None),
        ("rename", "dir", "folder"),
        ("open", "folder/deep.txt", None),
    ]


def write_while_the_parent_is_renamed(directory: Path) -> None:
    with open(directory / "dir" / "new", "wb", buffering=0) as file:
        file.write(b"one")
        os.rename(directory / "dir", directory / "folder")
        file.write(b"two")


def test_a_file_is_written_under_the_name_that_it_has_at_the_close(mount: Mounted, in_mount: Path) -> None:
    run_apart(write_while_the_parent_is_renamed, in_mount)
    log = wait_for_events(mount, lambda log: [e for e in log if e["op"] == "write"])
    assert [(e["op"], e["path"]) for e in log if e["path"].endswith("/new")] == [
        ("create", "dir/new"),
        ("write", "folder/new"),
    ]


def test_looking_is_no_event(mount: Mounted, in_mount: Path) -> None:
    shell("ls -lR . >/dev/null; stat in.txt; test -e dir/deep.txt; find . -name '*.txt'; touch end", mount)
    log = wait_for_events(mount, lambda log: told(log, "end"))
    assert {event["path"] for event in log} == {"end"}


def test_running_a_program_is_recorded(mount: Mounted, in_mount: Path) -> None:
    shutil.copy("/bin/true", mount.source / "program")
    shell("./program; sleep 0.1", mount)
    event = wait_for(mount, "exec", "program")
    assert event["uid"] == os.geteuid()


def test_running_a_script_is_recorded(mount: Mounted, in_mount: Path) -> None:
    script = mount.source / "script.sh"
    script.write_text("#!/bin/sh\ncat in.txt\n")
    script.chmod(0o755)
    shell("./script.sh", mount)
    wait_for(mount, "exec", "script.sh")
    assert wait_for(mount, "open", "in.txt")["chain"][0][1] == "script.sh"


def test_names_in_other_encodings_come_back_byte_for_byte(mount: Mounted) -> None:
    name = os.fsdecode(b"caf\xe9 \xff\n\t\"'\\ .txt")
    (mount.source / name).write_text("x")
    run_apart(Path.read_bytes, mount.mountpoint / name)
    wait_for(mount, "open", name)


def test_the_longest_names_come_back(mount: Mounted) -> None:
    path = "/".join(["d" * 255] * 12) + "/" + "f" * 255
    (mount.source / path).parent.mkdir(parents=True)
    (mount.source / path).write_text("x")
    run_apart(Path.read_bytes, mount.mountpoint / path)
    wait_for(mount, "open", path)


def test_what_is_excluded_leaves_no_trace(new_mount: Callable[..., Mounted]) -> None:
    mount = new_mount("--exclude", "*.log", "--exclude", "build/")
    for name in ("build", ".git"):
        (mount.source / name).mkdir()
    for name in ("a.log", "build/x", ".git/config", "seen"):
        (mount.source / name).write_text("x")
    shell(
        "cat a.log build/x .git/config; echo > build/new; mv seen new.log; mv new.log seen; cat seen", mount
    )
    wait_for(mount, "open", "seen")
    log = events(mount)
    named = {event["path"] for event in log} | {event["to"] for event in log if event.get("to")}
    assert named == {"seen"}


def test_who_does_nothing_that_is_recorded_is_not_looked_at(mount: Mounted) -> None:
    (mount.source / ".git").mkdir()
    for name in (".git/config", "seen"):
        (mount.source / name).write_text("x\n")

    def looks_for(command: str) -> int:
        before = mount.status()["core"]["lineage_reads"]
        shell(f"{command} < /dev/null > /dev/null 2>&1", mount)
        after: int = mount.status()["core"]["lineage_reads"]
        return after - before

    wait_until(lambda: not looks_for("cat .git/config"))  # as soon as the engine has said what it leaves out
    assert not looks_for("touch .git/config")
    assert looks_for("cat .git/config | cat")  # whose neighbour may make something of it
    assert not looks_for("unlink .git/config")
    assert looks_for("cp seen .git/config")
    log = wait_for_events(mount, lambda log: told(log, "seen"))
    assert [(event["path"], event["comm"]) for event in log] == [("seen", "cp")]


def test_what_was_left_out_has_its_writer_when_it_is_moved_into_sight(mount: Mounted) -> None:
    (mount.source / ".git").mkdir()
    program = "import os; f = open('.git/x', 'w'); os.rename('.git/x', 'shown'); f.write('x'); f.close()"
    shell(f'{sys.executable} -c "{program}" < /dev/null > /dev/null 2>&1', mount)
    log = wait_for_events(mount, lambda log: told(log, "shown").count("write") == 2)
    assert told(log, "shown") == ["create", "write", "write"]
    assert len({(event["pid"], event["comm"]) for event in log}) == 1


def test_an_exclusion_in_the_config_file_counts(new_mount: Callable[..., Mounted], workspace: Path) -> None:
    config = workspace / "config.toml"
    directories = [f"directory-{number:05}/" for number in range(5000)]
    config.write_text(f"exclude = {json.dumps(['*.tmp', *directories])}\n")
    mount = new_mount("--config", str(config))
    (mount.source / "a.tmp").write_text("x")
    (mount.source / "b").write_text("x")
    shell("cat a.tmp b", mount)
    wait_for(mount, "open", "b")
    assert {event["path"] for event in events(mount)} == {"b"}
    wait_until(lambda: mount.status()["engine"]["state"] == "ok", what="the mount hears of the engine")


# ---- lineage


def chain_names(event: Event) -> list[str]:
    return [name for _, name in event["chain"]]


def test_lineage_names_the_ancestors_from_the_parent_upwards(mount: Mounted, in_mount: Path) -> None:
    shell("bash -c 'sh -c \"cat in.txt; true\"; true'; true", mount)
    event = wait_for(mount, "open", "in.txt")
    assert event["chain"][0][0] == event["ppid"]
    assert chain_names(event)[:3] == ["sh", "bash", "bash"]
    assert (os.getpid(), Path("/proc/self/comm").read_text().strip()) in [tuple(p) for p in event["chain"]]


def test_a_pipeline_is_joined_by_its_pipes(mount: Mounted, in_mount: Path) -> None:
    shell("cat in.txt | tee copy.txt | cat > out.txt", mount)
    log = wait_for_events(
        mount, lambda log: {"copy.txt", "out.txt"} <= {e["path"] for e in log if e["op"] == "write"}
    )
    reader = next(e for e in log if e["path"] == "in.txt")
    tee = [e for e in log if e["path"] == "copy.txt"][-1]
    writer = [e for e in log if e["path"] == "out.txt"][-1]
    assert [e["comm"] for e in (reader, tee)] == ["cat", "tee"]
    # A process's own pipe stands first; those that it flows into or from through others follow.
    assert reader["pipe_out"][0] == tee["pipe_in"][0]
    assert tee["pipe_out"][0] == writer["pipe_in"][0]
    assert not reader.get("pipe_in")
    assert len({e["pgid"] for e in (reader, tee, writer)}) == 1


@pytest.mark.parametrize("program", ["/bin/sh", "/bin/bash"])
def test_programs_that_never_touch_the_mount_do_not_break_the_flow(
    program: str, mount: Mounted, in_mount: Path
) -> None:
    shell("cat in.txt | sort | uniq | tr a b > out.txt", mount, program)
    log = wait_for_events(mount, lambda log: "write" in told(log, "out.txt"))
    # The shell starts one program after the other: what one event could not tell yet, a later one does.
    flows_out = {pipe for e in log if e["path"] == "in.txt" for pipe in e.get("pipe_out", ())}
    flows_in = {pipe for e in log if e["path"] == "out.txt" for pipe in e.get("pipe_in", ())}
    assert flows_out & flows_in


def test_redirections_of_the_shell_belong_to_the_pipeline(mount: Mounted, in_mount: Path) -> None:
    """The shell opens `< in` and `> out` before the programs are there; the events must carry the pipes."""
    shell("sort < in.txt | cat > out.txt", mount)
    log = wait_for_events(mount, lambda log: "write" in told(log, "out.txt"))
    readers = [e for e in log if e["path"] == "in.txt"]
    writers = [e for e in log if e["path"] == "out.txt"]
    assert {*readers[-1]["pipe_out"]} & {*writers[-1]["pipe_in"]}


def test_a_compilers_passes_share_their_driver(mount: Mounted, in_mount: Path) -> None:
    (mount.source / "a.h").write_text("int a(void);\n")
    (mount.source / "a.c").write_text('#include "a.h"\nint a(void) { return 1; }\n')
    shell("gcc -c a.c -o a.o", mount, timeout=60)
    log = wait_for_events(mount, lambda log: "write" in told(log, "a.o"))
    header = next(e for e in log if e["path"] == "a.h")
    object_file = [e for e in log if e["path"] == "a.o" and e["op"] == "write"][-1]
    assert header["comm"] == "cc1"
    assert object_file["comm"] == "as"
    assert chain_names(header)[0] == chain_names(object_file)[0] == "gcc"
    assert header["chain"][0][0] == object_file["chain"][0][0]
    assert header["args"][0].endswith("cc1")


def read_in_a_thread(path: Path) -> int:
    """Read a file in a second thread; the process id."""
    code = f"""
import os, threading
thread = threading.Thread(target=lambda: open({str(path)!r}, "rb").read())
thread.start()
thread.join()
print(os.getpid())
"""
    finished = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    return int(finished.stdout)


def test_a_thread_counts_as_its_process(mount: Mounted, in_mount: Path) -> None:
    pid = read_in_a_thread(in_mount / "in.txt")
    event = wait_for(mount, "open", "in.txt")
    assert event["pid"] == pid
    assert event["comm"].startswith("python")


def test_the_program_its_arguments_and_place_are_recorded(mount: Mounted, in_mount: Path) -> None:
    process = subprocess.Popen(
        ["head", "-n", "1", "deep.txt"],
        cwd=in_mount / "dir",
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    process.wait(timeout=60)
    event = wait_for(mount, "open", "dir/deep.txt")
    assert event["args"] == ["head", "-n", "1", "deep.txt"]
    assert event["cwd"] in ("dir", str(in_mount / "dir"))
    assert os.path.basename(event["exe"]) == "head"
    assert event["sid"] == event["pgid"] == process.pid
    assert event["start"] > 0


def test_a_process_that_execs_is_read_anew(mount: Mounted, in_mount: Path) -> None:
    shell("read line < in.txt; exec tail other.txt", mount)
    log = wait_for_events(mount, lambda log: told(log, "other.txt"))
    first = next(e for e in log if e["path"] == "in.txt")
    second = next(e for e in log if e["path"] == "other.txt")
    assert first["pid"] == second["pid"]
    assert [first["comm"], second["comm"]] == ["bash", "tail"]


@pytest.mark.as_root
def test_the_caller_is_named_not_the_daemon(new_mount: Callable[..., Mounted]) -> None:
    mount = new_mount("--allow-other")
    (mount.source / "file").write_text("x")
    run_apart(Path.read_bytes, mount.mountpoint / "file", identity=Identity(65534, 65534))
    assert wait_for(mount, "open", "file")["uid"] == 65534


# ---- the log as a whole


def test_unmounting_flushes_the_last_events(mount: Mounted, in_mount: Path) -> None:
    for number in range(50):
        (mount.source / f"f{number}").write_text("x")
    shell("cat f*", mount)
    mount.unmount()
    assert {f"f{number}" for number in range(50)} <= {event["path"] for event in events(mount)}


@pytest.mark.parametrize("ending", ["SIGTERM", "fusermount3 -u"])
def test_every_way_out_flushes(ending: str, mount: Mounted, in_mount: Path) -> None:
    shell("cat in.txt; echo > last", mount)
    if ending == "SIGTERM":
        daemon = next(pid for pid, line in mount.processes().items() if "mycelial.graph" not in line)
        os.kill(daemon, 15)
        mount.wait_for_end()
    else:
        mount.unmount()
    assert told(events(mount), "last") == ["create", "write"]


def test_a_second_mount_goes_on_with_the_log(mount: Mounted, in_mount: Path) -> None:
    shell("cat in.txt", mount)
    mount.unmount()
    mount.start()
    shell("cat other.txt", mount)
    mount.unmount()
    assert [e["path"] for e in events(mount) if e["comm"] == "cat"] == ["in.txt", "other.txt"]


def test_many_events_arrive_in_order_and_none_is_lost(mount: Mounted, in_mount: Path) -> None:
    shell("for i in $(seq 500); do echo $i > f$i; done; cat f*", mount, timeout=60)
    mount.unmount()
    log = events(mount)
    created = [e["path"] for e in log if e["op"] == "create"]
    assert created == [f"f{number}" for number in range(1, 501)]
    assert sum(e["op"] == "open" and e["comm"] == "cat" for e in log) == 500
    times = [e["t"] for e in log]
    assert times == sorted(times)


def test_recording_leaves_nothing_in_the_source(mount: Mounted, in_mount: Path) -> None:
    shell("cat in.txt | sort > out.txt", mount)
    wait_for(mount, "write", "out.txt")
    mount.unmount()
    assert sorted(os.listdir(mount.source)) == ["dir", "in.txt", "other.txt", "out.txt"]
    for name in os.listdir(mount.source):
        assert os.listxattr(mount.source / name) == []
