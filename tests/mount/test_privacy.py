"""What is forgotten is gone from the bytes on the disk, what is paused is never recorded: on live mounts."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sqlite3
import time
from datetime import datetime

import pytest

from tests.mount.mounted import Mounted, wait_until
from tests.mount.recorded import events, mycelial, shell, told, wait_for

SECRET = b"k0mpromat"  # part of every name that is to be forgotten, and of no other


def remains(mount: Mounted) -> list[str]:
    """The files of the database, and beside it, whose bytes hold the secret name."""
    beside = [path for path in mount.database.parent.iterdir() if path.is_file()]
    assert mount.database in beside
    return [path.name for path in beside if SECRET in path.read_bytes()]


def done(*words: str | os.PathLike[str]) -> str:
    finished = mycelial(*words)
    assert finished.returncode == 0, finished.stderr
    return finished.stderr


@pytest.fixture
def worked(mount: Mounted) -> Mounted:
    """A mount in which a file of a secret name was used together with others, in all roles."""
    name = SECRET.decode()
    (mount.source / f"{name}.txt").write_text("b\na\n")
    (mount.source / "plain.txt").write_text("c\n")
    (mount.source / "dir").mkdir()
    (mount.source / "dir" / "inner.txt").write_text("d\n")
    shell(f"cat {name}.txt plain.txt | sort > sorted.txt", mount)
    shell(f"cp {name}.txt copy.txt; cat dir/inner.txt plain.txt > dir/{name}", mount)
    shell("cat plain.txt > kept.txt", mount)
    wait_for(mount, "write", "kept.txt")
    assert remains(mount)
    return mount


def test_a_forgotten_file_is_in_no_byte_of_the_database(worked: Mounted) -> None:
    name = SECRET.decode()
    done("forget", worked.mountpoint / f"{name}.txt", worked.mountpoint / "dir" / name)
    assert remains(worked) == []
    log = events(worked)
    assert told(log, "plain.txt")
    assert "write" in told(log, "copy.txt")
    assert "write" in told(log, "kept.txt")
    assert worked.status()["engine"]["state"] == "ok"
    related = json.loads(mycelial("related", "--json", worked.mountpoint / "plain.txt").stdout)
    assert "kept.txt" in [entry["path"] for entry in related]


def test_what_happened_the_moment_before_is_forgotten_too(worked: Mounted) -> None:
    name = SECRET.decode()
    done("forget", worked.mountpoint / "dir" / name)
    for _ in range(3):
        shell(f"cat {name}.txt plain.txt > /dev/null", worked)
        done("forget", worked.mountpoint / f"{name}.txt")
        time.sleep(0.7)
        assert remains(worked) == []


def test_a_directory_is_forgotten_with_all_below_it(worked: Mounted) -> None:
    shell("mkdir -p deep/er; cp plain.txt deep/er/k0mpromat; cat deep/er/k0mpromat > deep/other", worked)
    wait_for(worked, "write", "deep/other")
    done("forget", worked.mountpoint / "deep")
    assert [event["path"] for event in events(worked) if event["path"].startswith("deep")] == []
    assert told(events(worked), f"dir/{SECRET.decode()}"), "what bears the same name elsewhere stays"


def test_former_names_are_forgotten_and_their_later_bearers_are_not(worked: Mounted) -> None:
    shell("cp plain.txt first; mv first second; cp plain.txt first; mv second third", worked)
    wait_for(worked, "rename", "second")
    done("forget", worked.mountpoint / "third")
    log = events(worked)
    assert told(log, "third") == []
    assert told(log, "second") == []
    assert "write" in told(log, "first"), "the file that bears the name today"


def test_saving_by_rename_leaves_no_temporary_name(worked: Mounted) -> None:
    shell("cp plain.txt k0mpromat.tmp; mv k0mpromat.tmp report", worked)
    shell("cp plain.txt k0mpromat.tmp2; mv k0mpromat.tmp2 report", worked)
    wait_for(worked, "rename", "k0mpromat.tmp2")
    done("forget", worked.mountpoint / "report", worked.mountpoint / "dir" / "k0mpromat")
    done("forget", worked.mountpoint / "k0mpromat.txt")
    assert remains(worked) == []


def test_a_time_is_forgotten(worked: Mounted) -> None:
    before = len(events(worked))
    since = datetime.now().isoformat()
    shell("cat k0mpromat.txt > late", worked)
    done("forget", "--since", since, "--db", worked.database)
    log = events(worked)
    assert told(log, "late") == []
    assert len(log) >= before
    done("forget", "--before", "2100-01-01", "--db", worked.database)
    assert events(worked) == []
    assert remains(worked) == []


def test_everything_is_forgotten(worked: Mounted) -> None:
    done("forget", "--all", "--db", worked.database)
    assert events(worked) == []
    for path in worked.database.parent.iterdir():
        if path.is_file():
            assert b"plain.txt" not in path.read_bytes()
            assert b"sorted" not in path.read_bytes()
    shell("cat plain.txt > again", worked)
    wait_for(worked, "write", "again")


def test_the_root_is_not_forgotten_by_accident(worked: Mounted) -> None:
    finished = mycelial("forget", worked.mountpoint)
    assert finished.returncode == 1
    assert "--all" in finished.stderr


def test_a_number_is_not_used_twice(worked: Mounted) -> None:
    before = highest(worked)
    done("forget", "--since", "1h", "--db", worked.database)
    shell("cat plain.txt > again", worked)
    wait_for(worked, "write", "again")
    assert highest(worked) > before


def highest(mount: Mounted) -> int:
    """The number of the latest event."""
    with contextlib.closing(sqlite3.connect(mount.database)) as connection:
        return int(connection.execute("SELECT max(id) FROM event").fetchone()[0])


# ---- pausing


def test_nothing_is_recorded_while_paused(worked: Mounted) -> None:
    done("pause", "1h", worked.mountpoint)
    wait_until(lambda: worked.status()["paused"] is True)
    before = len(events(worked))
    shell("cat plain.txt > unseen", worked)
    done("resume", worked.mountpoint)
    wait_until(lambda: worked.status()["paused"] is False)
    shell("cat plain.txt > seen", worked)
    wait_for(worked, "write", "seen")
    log = events(worked)
    assert told(log, "unseen") == []
    assert len(log) > before


def test_a_pause_outlives_the_engine_and_the_mount(worked: Mounted) -> None:
    done("pause", worked.mountpoint)
    engine = int(worked.status()["engine"]["pid"])
    os.kill(engine, signal.SIGKILL)
    shell("cat plain.txt > unseen", worked)
    wait_until(lambda: worked.status()["engine"]["pid"] not in (None, engine))
    wait_until(lambda: worked.status()["paused"], what="the new engine rests too")
    worked.unmount()
    worked.start()
    wait_until(lambda: worked.status()["paused"], what="the new mount rests too")
    shell("cat plain.txt > unseen2", worked)
    done("resume", worked.mountpoint)
    shell("cat plain.txt > seen", worked)
    wait_for(worked, "write", "seen")
    assert not {"unseen", "unseen2"} & {event["path"] for event in events(worked)}


def test_a_pause_ends_by_itself(worked: Mounted) -> None:
    done("pause", "4s", worked.mountpoint)
    shell("cat plain.txt > unseen", worked)
    wait_until(lambda: worked.status()["paused"] is False)
    shell("cat plain.txt > seen", worked)
    wait_for(worked, "write", "seen")
    assert told(events(worked), "unseen") == []


# ---- excluding


def test_an_exclusion_counts_at_once_and_what_was_recorded_can_be_forgotten(worked: Mounted) -> None:
    worked.unmount()
    config = worked.directory / "config.toml"
    config.write_text('# mine\nexclude = ["*.iso"]\n[retention]\ndays = 3650\n')
    worked.options = ("--config", str(config))
    worked.start()
    wait_until(lambda: worked.status()["engine"]["state"] == "ok")
    said = done("exclude", "k0mpromat*", worked.mountpoint)
    assert "forget --excluded" in said
    assert config.read_text() == '# mine\nexclude = ["*.iso", "k0mpromat*"]\n[retention]\ndays = 3650\n'
    shell("cat k0mpromat.txt > k0mpromat.new; cat plain.txt > seen", worked)
    wait_for(worked, "write", "seen")
    assert told(events(worked), "k0mpromat.new") == []
    assert remains(worked)
    done("exclude", "--forget", "k0mpromat*", worked.mountpoint)
    assert remains(worked) == []
