"""What the doctor says of machines that lack something."""

from __future__ import annotations

import contextlib
import errno
import os
import resource
import sqlite3
import sys
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import pytest

from mycelial.cli import health, machine
from mycelial.cli.finding import Finding, State
from mycelial.cli.mounts import Mount, mounts
from tests.unit.recorded import database
from tests.unit.terminal import Terminal

MOUNTINFO = r"""
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
40 22 0:50 / /home/bo/my\040notes rw,nosuid - fuse.mycelial src rw,user_id=0
41 22 0:51 / /mnt/other rw,nosuid shared:7 - fuse.sshfs host:/ rw
nonsense
"""


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that has much else to do may need seconds to start a program."""
    monkeypatch.setattr(health, "_SEES_WITHIN", 60.0)


def test_a_machine_without_the_device_cannot_mount(tmp_path: Path) -> None:
    finding = machine.check_device(tmp_path / "fuse")
    assert (finding.state, finding.text.partition(": ")[2]) == (State.FAILED, "No such file or directory")
    assert "modprobe fuse" in finding.mend


def test_a_file_in_the_devices_place_is_found_out(tmp_path: Path) -> None:
    (tmp_path / "fuse").touch()
    assert machine.check_device(tmp_path / "fuse").state is State.FAILED


def test_the_devices_mode_is_told() -> None:
    assert "mode 0666" in machine.check_device(Path("/dev/null")).text


@pytest.mark.parametrize(
    ("mode", "uid", "state"),
    [(0o755, 0, State.NOTE), (0o755, 1000, State.FAILED), (0o4755, 1000, State.OK)],
)
def test_users_need_a_setuid_helper_and_root_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: int, uid: int, state: State
) -> None:
    program = tmp_path / "fusermount3"
    program.touch()
    status = list(os.stat(program))
    status[0], status[4] = 0o100000 | mode, 0
    monkeypatch.setattr(os, "stat", lambda _: os.stat_result(status))
    assert machine.check_fusermount(str(program), uid).state is state


@pytest.mark.parametrize(
    ("kernel", "capabilities", "lacks"),
    [("6.8.12-generic", 1 << 21, "Linux 6.9 (this is 6.8.12-generic)"), ("6.18.5", 0, "CAP_SYS_ADMIN")],
)
def test_what_passthrough_lacks_is_told(kernel: str, capabilities: int, lacks: str) -> None:
    finding = machine.check_passthrough(kernel, capabilities)
    assert finding.state is State.NOTE
    assert lacks in finding.text


def test_passthrough_is_possible_where_all_is_there() -> None:
    assert machine.check_passthrough("6.9.0", 0x1FFFFFFFFFF).state is State.OK


def test_an_old_libfuse_is_refused() -> None:
    assert machine.check_libfuse("3.9.4").state is State.FAILED
    assert machine.check_libfuse("3.10.0").state is State.OK


def test_this_machines_libfuse_has_a_version() -> None:
    version = machine.libfuse_version()
    assert version is not None
    assert machine.numbers(version) >= (3, 10)


@pytest.mark.parametrize(
    ("config", "state"),
    [("user_allow_other\n", State.OK), ("# user_allow_other\n", State.NOTE), (None, State.NOTE)],
)
def test_allow_other_depends_on_the_configuration(tmp_path: Path, config: str | None, state: State) -> None:
    if config is not None:
        (tmp_path / "fuse.conf").write_text(config)
    assert machine.check_allow_other(tmp_path / "fuse.conf", uid=1000).state is state


def test_a_core_that_was_not_built_for_this_python_is_told(tmp_path: Path) -> None:
    (tmp_path / "core").mkdir()
    (tmp_path / "core/_core.cpython-25-alien.so").touch()
    assert machine.check_core(tmp_path).state is State.FAILED
    (tmp_path / f"core/_core{EXTENSION_SUFFIXES[0]}").touch()
    assert machine.check_core(tmp_path).state is State.OK


@pytest.mark.parametrize(
    ("limit", "state"), [(1024, State.NOTE), (1 << 20, State.OK), (resource.RLIM_INFINITY, State.OK)]
)
def test_a_low_limit_of_open_files_is_told(limit: int, state: State) -> None:
    assert machine.check_descriptors(limit).state is state


DEAD = f"print('{{\"code\": {errno.ENOTCONN}}}')"


def test_only_our_mounts_are_looked_at_and_their_names_are_decoded() -> None:
    assert list(mounts(MOUNTINFO)) == [Mount(os.makedev(0, 50), "/", "/home/bo/my notes", 0)]


def test_what_is_to_be_typed_runs_nothing_that_a_name_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """Anybody may mount something where he likes and call it a Mycelial."""
    finding = look(monkeypatch, DEAD, r"/tmp/;\040touch\040x\012\033")
    assert finding.mend == r"fusermount3 -u $'/tmp/; touch x\012\033'"


def test_another_users_daemon_leads_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    says = 'print(\'{"code": 0, "full": false, "status": {"recording": true, "database": "/elsewhere"}}\')'
    monkeypatch.setattr(health, "_LOOK", says)
    for uid, databases in ((os.geteuid(), {Path("/elsewhere")}), (os.geteuid() + 1, set())):
        looks = health.look_at_mounts(f"1 1 0:1 / /mnt rw - fuse.mycelial s rw,user_id={uid},group_id=0")
        assert health.databases_in_use(looks) == databases


def look(monkeypatch: pytest.MonkeyPatch, code: str, path: str = "/mnt") -> Finding:
    monkeypatch.setattr(health, "_LOOK", code)
    finding, *_ = health.check_mounts(health.look_at_mounts(f"1 1 0:1 / {path} rw - fuse.mycelial s rw"))
    return finding


def test_a_dead_mount_is_told_with_its_mend(monkeypatch: pytest.MonkeyPatch) -> None:
    finding = look(monkeypatch, DEAD)
    assert (finding.state, finding.mend) == (State.FAILED, "fusermount3 -u /mnt")


def test_that_nobody_could_look_is_not_taken_for_what_was_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    finding = look(monkeypatch, "raise MemoryError")
    assert finding.state is State.NOTE
    assert "could not be looked at" in finding.text


def test_a_hanging_mount_does_not_hang_the_doctor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_SEES_WITHIN", 0.2)
    assert "no answer" in look(monkeypatch, "import time; time.sleep(60)").text


def test_a_stopped_daemon_is_let_go_on() -> None:
    (finding,) = health.check_mounts([health.Look("/mnt", None, stopped=4711)])
    assert (finding.state, finding.mend) == (State.FAILED, "kill -CONT 4711")


def test_a_mount_that_answers_is_fine(tmp_path: Path) -> None:
    (found,) = health.look_at_mounts(f"1 1 0:1 / {tmp_path} rw - fuse.mycelial s rw")
    assert [finding.state for finding in health.check_mounts([found])] == [State.OK]


def test_another_users_mount_is_no_fault() -> None:
    (finding,) = health.check_mounts([health.Look("/mnt", errno.EACCES)])
    assert (finding.state, finding.mend) == (State.NOTE, "")


def test_a_full_source_is_told() -> None:
    _, finding = health.check_mounts([health.Look("/mnt", 0, is_full=True)])
    assert (finding.check, finding.state, finding.mend) == ("source", State.FAILED, "make room")


@pytest.mark.parametrize(
    ("status", "state", "words"),
    [
        ({"recording": False, "engine": None}, State.OK, "off"),
        ({"recording": True, "engine": {"state": "ok", "dropped": 0}}, State.OK, "on"),
        ({"recording": True, "engine": {"state": "ok", "dropped": 7}}, State.NOTE, "7 events were lost"),
        ({"recording": True, "engine": {"state": "ok"}, "paused": True}, State.NOTE, "mycelial resume /mnt"),
        ({"recording": True, "engine": {"state": "restarting"}}, State.NOTE, "restarting"),
        (
            {
                "recording": True,
                "engine": {"state": "degraded", "reason": "no disk", "mend": "make room"},
            },
            State.FAILED,
            "interrupted: no disk -> make room",
        ),
        (
            {"recording": True, "engine": {"state": "busy", "reason": "not read while it works"}},
            State.NOTE,
            "behind: not read while it works",
        ),
        (
            {
                "recording": True,
                "engine": {"state": "hung", "reason": "not read", "pid": os.getpid()},
            },
            State.FAILED,
            f"not read -> kill -9 {os.getpid()}; another one goes on where it was",
        ),
    ],
)
def test_it_is_told_how_the_record_goes_on(status: dict[str, object], state: State, words: str) -> None:
    _, finding = health.check_mounts([health.Look("/mnt", 0, status=status)])
    assert finding.state is state
    assert words in f"{finding.text} -> {finding.mend}"


def test_the_databases_of_mounts_are_looked_at_wherever_they_are() -> None:
    looks = [health.Look("/mnt", 0, status={"database": "/srv/a.db"}), health.Look("/home", errno.ENOTCONN)]
    assert health.databases_in_use(looks) == {Path("/srv/a.db")}


def test_effective_capabilities_are_read() -> None:
    assert machine.effective_capabilities("Name:\tsh\nCapEff:\t00000000a80425fb\n") == 0xA80425FB
    assert machine.effective_capabilities("") == 0


def test_databases_are_looked_at(terminal: Terminal, tmp_path: Path) -> None:
    good = database(tmp_path)
    bad = tmp_path / "bad.db"
    bad.write_bytes(b"x" * 5000)
    assert health.check_database(good).state is State.OK
    assert health.check_database(bad).state is State.FAILED
    assert terminal.run("doctor", "--db", str(bad))[0] == 1


def test_a_database_that_can_be_opened_and_is_damaged_further_on_is_told(tmp_path: Path) -> None:
    path = database(tmp_path)
    content = bytearray(path.read_bytes())
    with contextlib.closing(sqlite3.connect(path)) as connection:
        (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'log_path'").fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    first = (page - 1) * size + 8  # of the places of the rows in this page: let two of them swap theirs
    content[first : first + 4] = content[first + 2 : first + 4] + content[first : first + 2]
    path.write_bytes(content)
    finding = health.check_database(path)
    assert finding.state is State.FAILED
    assert "damaged" in finding.text
    assert "mycelial check" in finding.mend


def test_an_older_database_is_no_fault(tmp_path: Path) -> None:
    path = tmp_path / "older.db"
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version=1")
    assert health.check_database(path).state is State.NOTE


def test_a_newer_database_is_told(tmp_path: Path) -> None:
    path = tmp_path / "newer.db"
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version=999")
    assert "upgrade Mycelial" in health.check_database(path).text


def test_the_report_is_a_list_of_findings(
    terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mycelial.cli.doctor.state_dir", lambda: tmp_path)
    monkeypatch.setattr(health, "look_at_mounts", lambda _: [])
    _code, out, err = terminal.run("doctor")
    assert err == ""
    assert {"device", "fusermount3", "libfuse", "passthrough", "allow_other"} <= {
        line.split()[1] for line in out.splitlines()
    }


def test_looking_at_the_binding_does_not_import_it() -> None:
    before = "pyfuse3" in sys.modules
    machine.libfuse_version()
    assert ("pyfuse3" in sys.modules) is before
