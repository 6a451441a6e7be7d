"""Two users on a mount of root: neither learns what the other did, or what lies where he may not go."""

from __future__ import annotations

import contextlib
import json
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.mount.actor import Identity, run_apart
from tests.mount.mounted import Mounted, run, wait_until
from tests.mount.recorded import events, mycelial, wait_for
from tests.mount.two_users import ALICE, BOB, asked, work

pytestmark = pytest.mark.as_root

SECRET = "k0mpromat"
ALICES = f"""
cat alice/{SECRET}.txt public/shared.txt > alice/{SECRET}.out
cat public/shared.txt public/only-alice-opened.txt > /dev/null
cat public/bobs.txt alice/{SECRET}.txt > public/from-{SECRET}
mv public/from-{SECRET} public/made-by-alice
"""
BOBS = "cat public/shared.txt public/bobs.txt > public/bobs.out; cat public/bobs.out > /dev/null"
ATTRIBUTES = ("related", "sources", "products", "cluster", "how", "status")


@pytest.fixture(scope="module")
def shared(session_directory: Path) -> Mounted:
    """A mount that two users have worked in, each for himself and both with one file."""
    directory = session_directory / "secrecy"
    directory.mkdir()
    mount = Mounted(directory, ("--allow-other",)).start()
    for name, owner in (("alice", ALICE.uid), ("bob", BOB.uid), ("public", 0)):
        (mount.source / name).mkdir()
        os.chown(mount.source / name, owner, -1)
        (mount.source / name).chmod(0o777 if name == "public" else 0o700)
    for name in (
        f"alice/{SECRET}.txt",
        "public/shared.txt",
        "public/only-alice-opened.txt",
        "public/bobs.txt",
    ):
        (mount.source / name).write_text("a\n")
        (mount.source / name).chmod(0o644)
    work(mount, ALICE, ALICES)
    work(mount, BOB, BOBS)
    work(mount, ALICE, f"grep -r nothing alice; cat alice/{SECRET}.txt > public/last-{SECRET}")
    os.unlink(mount.source / "public" / f"last-{SECRET}")
    wait_for(mount, "write", f"public/last-{SECRET}")
    return mount


def everything(root: str) -> dict[str, bytes]:
    """All that can be read in the virtual tree and in virtual attributes, by what it was found as."""
    found: dict[str, bytes] = {}
    view = os.path.join(root, ".mycelial")
    for parent, directories, names in os.walk(view):
        for name in (*directories, *names):
            path = os.path.join(parent, name)
            shown = os.path.relpath(path, view)
            mode = os.lstat(path).st_mode
            if stat.S_ISLNK(mode):
                found[shown] = os.fsencode(os.readlink(path))
            elif stat.S_ISREG(mode):
                found[shown] = Path(path).read_bytes()
            else:
                found[shown] = b""
    for parent, directories, names in os.walk(root):
        for path in (parent, *(os.path.join(parent, name) for name in (*directories, *names))):
            for name in ATTRIBUTES:
                with contextlib.suppress(OSError):
                    value = os.getxattr(path, f"user.mycelial.{name}")
                    found[f"{os.path.relpath(path, root)} {name}"] = value
    return found


def test_nothing_of_the_other_is_to_be_found_anywhere(shared: Mounted) -> None:
    seen: dict[str, bytes] = run_apart(everything, str(shared.mountpoint), identity=BOB, timeout=60)
    assert len(seen) > 50
    assert {name: text for name, text in seen.items() if SECRET in name or SECRET.encode() in text} == {}
    hers = {name: text for name, text in seen.items() if b"alice" in text or "alice/0" in name}
    assert hers == {}, "neither what she opened nor what she made, nor that she did"
    status = json.loads(seen["status.json"])
    assert status["store"]["events"] == sum(event["uid"] == BOB.uid for event in events(shared))
    assert status["store"]["sweeps"] == []
    for hidden in ("database", "config", "core", "pid", "exclude"):
        assert hidden not in status
    assert set(status["engine"]) == {"state"}


def test_the_other_way_round_as_well(shared: Mounted) -> None:
    seen: dict[str, bytes] = run_apart(everything, str(shared.mountpoint), identity=ALICE, timeout=60)
    assert any(SECRET.encode() in content for content in seen.values()), "her own she sees"
    assert not [name for name, content in seen.items() if b"bobs.out" in content]


def outcomes(root: str, path: str) -> list[object]:
    """What looking for a path gives, in every way that there is, without the path itself."""
    acts: list[Callable[[str], object]] = [
        os.lstat,
        os.listdir,
        os.readlink,
        lambda p: os.open(p, os.O_RDONLY),
    ]
    acts += [os.unlink, os.rmdir, lambda p: os.mkdir(p), lambda p: os.open(p, os.O_CREAT | os.O_WRONLY)]
    acts += [lambda p, n=name: os.getxattr(p, f"user.mycelial.{n}") for name in ATTRIBUTES]
    found: list[object] = []
    views = sorted(os.listdir(os.path.join(root, ".mycelial")))
    for place in [root, *(os.path.join(root, ".mycelial", view) for view in views)]:
        for below in ("", "/01-x", f"/01-{SECRET}.out", "/01-shared.txt", f"/../{SECRET}.txt"):
            for act in acts:
                try:
                    act(os.path.join(place, path) + below)
                    found.append("it was done")
                except OSError as problem:
                    found.append((os.path.basename(place), below, problem.errno))
    return found


def test_no_error_tells_what_is_there_from_what_is_not(shared: Mounted) -> None:
    root = str(shared.mountpoint)
    there = run_apart(outcomes, root, f"alice/{SECRET}.txt", identity=BOB, timeout=60)
    assert "it was done" not in there
    assert there == run_apart(outcomes, root, "alice/no-such.txt", identity=BOB, timeout=60)


def test_who_is_given_anothers_output_is_told_no_command_of_his(shared: Mounted) -> None:
    def becoming(user: Identity) -> str:
        return f"setpriv --reuid={user.uid} --regid={user.gid} --clear-groups"

    piped = f"{becoming(ALICE)} cat alice/*.txt | {becoming(BOB)} tee public/given"
    assert run(["/bin/sh", "-c", piped], cwd=shared.mountpoint).returncode == 0
    try:
        wait_for(shared, "write", "public/given")
        told = run_apart((shared.mountpoint / ".mycelial/how/public/given").read_text, identity=BOB)
    finally:
        (shared.mountpoint / "public/given").unlink()
    assert "program:  tee" in told
    assert SECRET not in told


def looked_up(root: str, path: str) -> None:
    """Look for a path in each view."""
    view = os.path.join(root, ".mycelial")
    for name in os.listdir(view):
        for below in ("", "/01-x"):
            with contextlib.suppress(OSError):
                os.lstat(os.path.join(view, name, path) + below)


def test_a_look_up_takes_as_many_requests_for_what_is_not_there(shared: Mounted) -> None:
    def requests(path: str) -> int:
        before: int = shared.status()["core"]["python_requests"]
        run_apart(looked_up, str(shared.mountpoint), path, identity=BOB, timeout=60)
        after: int = shared.status()["core"]["python_requests"]
        return after - before

    assert requests(f"alice/{SECRET}.txt") == requests("alice/no-such.txt") > 50


def test_the_command_answers_from_the_tree_where_the_database_is_roots(shared: Mounted) -> None:
    found = json.loads(asked(shared, BOB, "sources", "--json", "public/bobs.out").stdout)
    assert {entry["path"] for entry in found} == {"public/shared.txt", "public/bobs.txt"}
    assert [entry["score"] for entry in found] == [1.0, 0.5]
    assert "public/bobs.txt" in asked(shared, BOB, "related", "public/bobs.out").stdout
    assert "cat public/shared.txt public/bobs.txt" in asked(shared, BOB, "how", "public/bobs.out").stdout
    assert "made from" in asked(shared, BOB, "why", "public/bobs.out", "public/bobs.txt").stdout
    recent = json.loads(asked(shared, BOB, "recent", "--json").stdout)
    assert recent[0]["path"] == "public/bobs.out"
    assert "only-alice-opened" not in str(recent)
    status = json.loads(asked(shared, BOB, "status", "--json").stdout)
    assert status["recording"] is True
    assert "database" not in status
    batch = asked(shared, BOB, "related", "--batch", stdin="public/bobs.out\n")
    assert "public/bobs.txt" in batch.stdout


@pytest.mark.parametrize(
    "words",
    [
        ("events",), ("rebuild",), ("forget", "--excluded"),
    ],
    ids=" ".join,
)  # fmt: skip
def test_commands_that_need_the_database_say_so_in_one_line(shared: Mounted, words: tuple[str, ...]) -> None:
    finished = asked(shared, BOB, *words)
    assert finished.returncode == 1
    assert finished.stdout == ""
    assert finished.stderr.count("\n") == 1
    assert "the mount's owner's" in finished.stderr
    assert str(shared.database) not in finished.stderr


def test_the_database_and_its_socket_are_out_of_reach(shared: Mounted) -> None:
    shared.database.parent.chmod(0o755)  # as if its owner had been careless
    try:
        for path in shared.database.parent.iterdir():
            assert stat.S_IMODE(path.lstat().st_mode) & 0o077 == 0, path
            with pytest.raises(PermissionError):
                run_apart(os.open, path, os.O_RDONLY, identity=BOB)
    finally:
        shared.database.parent.chmod(0o700)


def test_a_search_finds_only_ones_own(shared: Mounted) -> None:
    search = shared.mountpoint / ".mycelial" / "search"
    for word in (SECRET, "alice", "only"):
        assert run_apart(os.listdir, search / word, identity=BOB) == []
    assert run_apart(os.listdir, search / SECRET, identity=ALICE)
    assert run_apart(os.listdir, search / "bobs", identity=BOB)


def test_a_mute_is_ones_own(shared: Mounted) -> None:
    def related(user: Identity) -> set[str]:
        directory = shared.mountpoint / ".mycelial/related/public/shared.txt"
        return {name[3:] for name in run_apart(os.listdir, directory, identity=user)}

    before = related(ALICE)
    assert related(BOB) == {"bobs.txt", "bobs.out"}
    work(shared, BOB, "cd .mycelial/related/public/shared.txt; rm *; ! ls | grep .")
    assert related(BOB) == set()
    assert related(ALICE) == before
    assert asked(shared, BOB, "forget", "--mutes").returncode == 0
    wait_until(lambda: related(BOB) == {"bobs.txt", "bobs.out"})


def test_a_link_leads_nowhere_that_was_closed_since(shared: Mounted) -> None:
    (shared.source / "open").mkdir(mode=0o755)
    (shared.source / "open" / "file").write_text("x")
    work(shared, BOB, "cat open/file public/bobs.txt > public/made")
    wait_for(shared, "write", "public/made")
    how = shared.mountpoint / ".mycelial/how/public/made"
    sources = shared.mountpoint / ".mycelial/sources/public/made"
    wait_until(lambda: len(run_apart(os.listdir, sources, identity=BOB)) == 2)
    (shared.source / "open").chmod(0o700)
    wait_until(lambda: len(run_apart(os.listdir, sources, identity=BOB)) == 1)
    told = run_apart(how.read_text, identity=BOB)
    assert "from:     public/bobs.txt" in told
    assert "open/file\n" not in told


def test_events_are_whose_they_are(shared: Mounted) -> None:
    uids = {event["path"]: event["uid"] for event in events(shared) if event["op"] == "open"}
    assert uids["public/only-alice-opened.txt"] == ALICE.uid
    assert uids["public/bobs.out"] in (BOB.uid, ALICE.uid)  # she greps over it
    finished = mycelial("events", "--uid", str(BOB.uid), "--db", shared.database)
    assert SECRET not in finished.stdout
