"""The virtual tree on a real mount: there for whoever asks, unseen by whoever walks over everything."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.mount.actor import run_apart
from tests.mount.mounted import Mounted, run, wait_until
from tests.mount.recorded import events, mycelial, shell, wait_for

FIXED = {
    "README",
    "related",
    "together",
    "next",
    "sources",
    "products",
    "why",
    "how",
    "clusters",
    "hubs",
    "search",
    "sessions",
    "recent",
    "stale",
    "status.json",
}


@pytest.fixture
def in_mount(mount: Mounted) -> Path:
    """A mount with files that one pipeline has joined."""
    (mount.source / "in.txt").write_text("b\na\n")
    (mount.source / "far.txt").write_text("never touched")
    (mount.source / "dir").mkdir()
    (mount.source / "dir" / "words.txt").write_text("c\n")
    shell("cat in.txt dir/words.txt | sort > dir/sorted.txt", mount)
    wait_for(mount, "write", "dir/sorted.txt")
    return mount.mountpoint


def test_what_has_just_happened_is_known_to_whoever_asks(in_mount: Path, mount: Mounted) -> None:
    """Without waiting for what is handed over and stored every now and then."""
    shown, told = 0, 0
    for number in range(8):
        shell(f"sort in.txt > {number}.seen; sort in.txt > {number}.told", mount)
        shown += len(links(in_mount / ".mycelial" / "sources" / f"{number}.seen"))
        shell(f"sort in.txt > {number}.told", mount)
        told += "in.txt" in mycelial("sources", f"{number}.told", cwd=in_mount).stdout
    assert shown >= 6
    assert told >= 6


def links(directory: Path) -> dict[str, str]:
    """The links in a directory of the tree with what they lead to, relative to the mount; asked apart."""
    listing: dict[str, str] = run_apart(_links, directory)
    return listing


def _links(directory: Path) -> dict[str, str]:
    root = directory
    while root.name != ".mycelial":
        root = root.parent
    found = {}
    for name in sorted(os.listdir(directory)):
        assert os.path.islink(directory / name), f"{name} is no link"
        target = (directory / name).resolve(strict=True)
        found[name] = str(target.relative_to(root.parent))
    return found


def eventually(directory: Path, target: str) -> dict[str, str]:
    """The links of a directory, as soon as one of them leads to the target."""
    found: dict[str, str] = wait_until(
        lambda: (seen := links(directory)) and target in seen.values() and seen,
        what=f"{target} in {directory}",
    )
    return found


# ---- what is there


def test_the_tree_has_the_documented_entries(in_mount: Path) -> None:
    assert set(run_apart(os.listdir, in_mount / ".mycelial")) >= FIXED
    assert "related" in run_apart(Path.read_text, in_mount / ".mycelial" / "README")


def test_status_is_json(mount: Mounted, in_mount: Path) -> None:
    status = json.loads(run_apart(Path.read_text, in_mount / ".mycelial" / "status.json"))
    assert status["database"] == str(mount.database)
    assert status["source"] == str(mount.source)
    assert status["mountpoint"] == str(mount.mountpoint)
    assert status["engine"]["state"] == "ok"
    assert status["engine"]["pid"] in mount.processes()
    assert "core" in status


def test_a_product_names_its_sources_and_they_their_product(in_mount: Path) -> None:
    view = in_mount / ".mycelial"
    eventually(view / "sources" / "dir" / "sorted.txt", "in.txt")
    assert set(links(view / "sources/dir/sorted.txt").values()) == {"in.txt", "dir/words.txt"}
    assert set(links(view / "products/in.txt").values()) == {"dir/sorted.txt"}
    assert set(links(view / "related/in.txt").values()) == {"dir/sorted.txt", "dir/words.txt"}


def test_commands_work_within_the_tree_as_well(in_mount: Path) -> None:
    directory = in_mount / ".mycelial" / "related" / "in.txt"
    eventually(directory, "dir/sorted.txt")
    told = mycelial("recent", "--json", directory)
    assert (told.returncode, told.stderr) == (0, "")
    assert {file["path"] for file in json.loads(told.stdout)} >= {"in.txt", "dir/sorted.txt"}
    link = next(name for name, target in links(directory).items() if target == "dir/sorted.txt")
    assert "in.txt" in mycelial("sources", directory / link).stdout


def test_links_are_numbered_relative_and_keep_the_name(in_mount: Path) -> None:
    directory = in_mount / ".mycelial" / "related" / "dir" / "sorted.txt"
    found = eventually(directory, "in.txt")
    for position, (name, target) in enumerate(sorted(found.items()), 1):
        assert name == f"{position:02}-{os.path.basename(target)}"
        assert not os.path.isabs(run_apart(os.readlink, directory / name))


def test_following_a_link_opens_the_file(in_mount: Path) -> None:
    directory = in_mount / ".mycelial" / "sources" / "dir" / "sorted.txt"
    found = eventually(directory, "in.txt")
    name = next(name for name, target in found.items() if target == "in.txt")
    assert run_apart(Path.read_text, directory / name) == "b\na\n"


def test_why_explains_each_related_entry(in_mount: Path) -> None:
    related = eventually(in_mount / ".mycelial" / "related" / "dir" / "sorted.txt", "in.txt")
    why = in_mount / ".mycelial" / "why" / "dir" / "sorted.txt"
    assert run_apart(os.listdir, why) == sorted(related) or set(run_apart(os.listdir, why)) == set(related)
    for name, target in related.items():
        assert target in run_apart(Path.read_text, why / name)


def test_how_tells_the_recipe(in_mount: Path) -> None:
    eventually(in_mount / ".mycelial" / "sources" / "dir" / "sorted.txt", "in.txt")
    assert "sort" in run_apart(Path.read_text, in_mount / ".mycelial" / "how" / "dir" / "sorted.txt")


def test_recent_begins_with_the_last(mount: Mounted, in_mount: Path) -> None:
    shell("cat far.txt", mount)
    wait_for(mount, "open", "far.txt")
    assert links(in_mount / ".mycelial" / "recent")["01-far.txt"] == "far.txt"


def test_where_the_kernel_keeps_listings_those_of_views_are_new_each_time(
    new_mount: Callable[..., Mounted],
) -> None:
    mount = new_mount(in_place=True)
    recent = mount.mountpoint / ".mycelial" / "recent"
    for number in range(1, 4):
        name = f"file{number}"
        shell(f"echo text > {name}", mount)
        wait_for(mount, "write", name)
        eventually(recent, name)
        assert f"01-{name}" in links(recent)
    long = run_apart(os.listdir, recent)
    assert long == run_apart(os.listdir, recent)


def test_a_file_without_relations_has_an_empty_directory(in_mount: Path) -> None:
    assert run_apart(os.listdir, in_mount / ".mycelial" / "sources" / "far.txt") == []


def test_a_missing_file_is_missing_in_every_view(in_mount: Path) -> None:
    for view in ("related", "together", "next", "sources", "products", "why", "how"):
        with pytest.raises(FileNotFoundError):
            run_apart(os.stat, in_mount / ".mycelial" / view / "no such file")


def test_related_mirrors_the_tree(in_mount: Path) -> None:
    for directory in ("", "dir"):
        real = run_apart(os.listdir, in_mount / directory)
        assert sorted(run_apart(os.listdir, in_mount / ".mycelial" / "related" / directory)) == sorted(real)


def test_names_stay_byte_for_byte(mount: Mounted) -> None:
    names = [os.fsdecode(name) for name in (b"caf\xe9 \xff\n.txt", b"-rf", b"x" * 255)]
    for name in names:
        (mount.source / name).write_text("x")
    shell("cat ./* > made", mount)
    view = mount.mountpoint / ".mycelial"
    found = eventually(view / "sources" / "made", names[0])
    assert set(found.values()) == set(names)
    assert all(len(os.fsencode(name)) <= 255 for name in found)


def test_a_relation_shows_soon_after_each_close(mount: Mounted) -> None:
    (mount.source / "a").write_text("a")
    eventually_there = mount.mountpoint / ".mycelial" / "sources"
    wait_until(lambda: mount.status()["engine"].get("state") == "ok")
    for number in range(3):
        shell(f"sort a > made{number}", mount)
        eventually(eventually_there / f"made{number}", "a")


def test_what_is_removed_disappears_from_the_views(mount: Mounted, in_mount: Path) -> None:
    directory = in_mount / ".mycelial" / "sources" / "dir" / "sorted.txt"
    eventually(directory, "in.txt")
    os.unlink(mount.mountpoint / "in.txt")
    wait_until(lambda: run_apart(os.listdir, directory) == ["01-words.txt"])
    with pytest.raises(FileNotFoundError):
        run_apart(os.listdir, in_mount / ".mycelial" / "related" / "in.txt")


def test_a_renamed_file_keeps_its_relations(mount: Mounted, in_mount: Path) -> None:
    eventually(in_mount / ".mycelial" / "sources" / "dir" / "sorted.txt", "in.txt")
    shell("mv in.txt renamed.txt; mv dir folder", mount)
    found = eventually(in_mount / ".mycelial" / "sources" / "folder" / "sorted.txt", "renamed.txt")
    assert set(found.values()) == {"renamed.txt", "folder/words.txt"}


def test_saving_by_rename_keeps_the_history(mount: Mounted, in_mount: Path) -> None:
    eventually(in_mount / ".mycelial" / "products" / "in.txt", "dir/sorted.txt")
    shell("cp in.txt in.txt.tmp; echo z >> in.txt.tmp; mv in.txt.tmp in.txt", mount)
    wait_for(mount, "rename", "in.txt.tmp")
    time.sleep(1)
    assert set(links(in_mount / ".mycelial" / "products" / "in.txt").values()) == {"dir/sorted.txt"}
    for view in ("related", "sources", "together"):
        assert "in.txt.tmp" not in str(links(in_mount / ".mycelial" / view / "in.txt"))


# ---- what is not seen


def test_the_root_does_not_list_it(in_mount: Path) -> None:
    assert ".mycelial" not in run_apart(os.listdir, in_mount)


def test_show_view_dir_lists_it(new_mount: Callable[..., Mounted]) -> None:
    mount = new_mount("--show-view-dir", "--view-dir", ".relations")
    assert run_apart(os.listdir, mount.mountpoint) == [".relations"]


def test_programs_that_walk_do_not_see_it(mount: Mounted, in_mount: Path, workspace: Path) -> None:
    eventually(in_mount / ".mycelial" / "related" / "in.txt", "dir/sorted.txt")
    assert ".mycelial" not in run(["find", in_mount]).stdout
    assert ".mycelial" not in run(["du", "-a", in_mount]).stdout
    assert ".mycelial" not in run(["grep", "-rl", ".", in_mount]).stdout
    assert run(["cp", "-r", in_mount, workspace / "copy"]).returncode == 0
    assert ".mycelial" not in os.listdir(workspace / "copy")
    assert run(["tar", "-cf", workspace / "all.tar", "-C", in_mount, "."]).returncode == 0
    assert ".mycelial" not in run(["tar", "-tf", workspace / "all.tar"]).stdout
    shell("git init -q . && git add . && git status --short --ignored > ../status", mount)
    assert ".mycelial" not in (mount.mountpoint.parent / "status").read_text()
    shutil.rmtree(mount.source / ".git")
    shell("rm -rf ./*", mount)
    assert run_apart(os.listdir, in_mount) == []


def test_looking_is_not_recorded(mount: Mounted, in_mount: Path) -> None:
    eventually(in_mount / ".mycelial" / "related" / "in.txt", "dir/sorted.txt")
    before = len(events(mount))
    shell("cd .mycelial; ls -R . > /dev/null; cat README status.json how/dir/sorted.txt why/in.txt/*", mount)
    shell("getfattr -n user.mycelial.related in.txt", mount)
    shell("cat far.txt", mount)
    wait_for(mount, "open", "far.txt")
    assert [e["path"] for e in events(mount)[before:]] == ["far.txt"]


def test_following_a_link_is_one_ordinary_access(mount: Mounted, in_mount: Path) -> None:
    found = eventually(in_mount / ".mycelial" / "sources" / "dir" / "sorted.txt", "in.txt")
    name = next(name for name, target in found.items() if target == "in.txt")
    before = len(events(mount))
    shell(f"cat .mycelial/sources/dir/sorted.txt/{name}; cat far.txt", mount)
    wait_for(mount, "open", "far.txt")
    assert [(e["op"], e["path"]) for e in events(mount)[before:]] == [("open", "in.txt"), ("open", "far.txt")]


# ---- read-only


@pytest.mark.parametrize(
    "command",
    [
        "touch .mycelial/new",
        "mkdir .mycelial/new",
        "mkdir .mycelial/related/new",
        "ln -s x .mycelial/related/in.txt/99-x",
        "rm .mycelial/README",
        "rmdir .mycelial/related",
        "rmdir .mycelial",
        "mv .mycelial x",
        "mv .mycelial/README .mycelial/README2",
        "mv .mycelial/README x",
        "mv in.txt .mycelial/related/in.txt/x",
        "mv far.txt .mycelial",
        "ln in.txt .mycelial/hard",
        "chmod 777 .mycelial/README",
        "touch .mycelial/README",
        "echo x >> .mycelial/README",
        "echo x > .mycelial/status.json",
        "truncate -s 0 .mycelial/README",
        "setfattr -n user.x -v 1 .mycelial/README",
        "mkfifo .mycelial/related/in.txt/fifo",
    ],
)
def test_nothing_can_be_written(command: str, mount: Mounted, in_mount: Path) -> None:
    before = run_apart(os.listdir, in_mount / ".mycelial")
    finished = run(["bash", "-c", command], cwd=in_mount)
    assert finished.returncode != 0
    assert "Read-only file system" in finished.stderr or "cross-device" in finished.stderr, finished.stderr
    assert run_apart(os.listdir, in_mount / ".mycelial") == before
    assert {"in.txt", "far.txt"} <= set(run_apart(os.listdir, in_mount))


def test_a_real_file_cannot_take_its_name(mount: Mounted, in_mount: Path) -> None:
    for command in (
        "mkdir .mycelial",
        "mv in.txt .mycelial/x",
        "mv -T in.txt .mycelial",
        "ln -sT x .mycelial",
    ):
        assert run(["bash", "-c", command], cwd=in_mount).returncode != 0, command
    assert ".mycelial" not in os.listdir(mount.source)
    assert set(run_apart(os.listdir, in_mount / ".mycelial")) >= FIXED


def test_that_name_is_ordinary_elsewhere(mount: Mounted, in_mount: Path) -> None:
    shell("mkdir dir/.mycelial && echo x > dir/.mycelial/f && rm -r dir/.mycelial", mount)


# ---- extended attributes


def attribute(path: Path, name: str) -> list[str]:
    value: bytes = run_apart(os.getxattr, path, f"user.mycelial.{name}")
    return os.fsdecode(value).splitlines()


def test_attributes_answer_as_the_views_do(in_mount: Path) -> None:
    eventually(in_mount / ".mycelial" / "sources" / "dir" / "sorted.txt", "in.txt")
    made = in_mount / "dir" / "sorted.txt"
    assert set(attribute(made, "sources")) == {"in.txt", "dir/words.txt"}
    assert attribute(in_mount / "in.txt", "products") == ["dir/sorted.txt"]
    assert "in.txt" in attribute(made, "related")
    assert "sort" in attribute(made, "how")[0] or "sort" in "\n".join(attribute(made, "how"))


def test_attributes_are_not_listed_and_not_copied(in_mount: Path, workspace: Path) -> None:
    eventually(in_mount / ".mycelial" / "sources" / "dir" / "sorted.txt", "in.txt")
    assert run_apart(os.listxattr, in_mount / "in.txt") == []
    assert run(["cp", "-a", in_mount / "in.txt", workspace / "copy"]).returncode == 0
    assert os.listxattr(workspace / "copy") == []


def test_real_attributes_live_beside_them(mount: Mounted, in_mount: Path) -> None:
    run_apart(os.setxattr, in_mount / "in.txt", "user.own", b"value")
    assert os.getxattr(mount.source / "in.txt", "user.own") == b"value"
    assert run_apart(os.listxattr, in_mount / "in.txt") == ["user.own"]


def test_attributes_cannot_be_set(mount: Mounted, in_mount: Path) -> None:
    for name in ("related", "status", "anything"):
        with pytest.raises(OSError, match=r"Read-only|not permitted|not supported|denied"):
            run_apart(os.setxattr, in_mount / "in.txt", f"user.mycelial.{name}", b"x")
    assert os.listxattr(mount.source / "in.txt") == []


# ---- the commands find the mount by themselves


def test_commands_answer_inside_the_mount(mount: Mounted, in_mount: Path) -> None:
    eventually(in_mount / ".mycelial" / "sources" / "dir" / "sorted.txt", "in.txt")
    for path, place in (
        ("dir/sorted.txt", in_mount),
        ("sorted.txt", in_mount / "dir"),
        (in_mount / "dir/sorted.txt", "/"),
    ):
        finished = mycelial("sources", "--json", path, cwd=place)
        assert finished.returncode == 0, finished.stderr
        assert {answer["path"] for answer in json.loads(finished.stdout)} == {"in.txt", "dir/words.txt"}
    finished = mycelial("how", "dir/sorted.txt", cwd=in_mount)
    assert "sort" in finished.stdout
    finished = mycelial("why", "in.txt", "dir/sorted.txt", cwd=in_mount)
    assert finished.returncode == 0
    assert "sort" in finished.stdout


# ---- under stress


def test_many_readers_at_once(mount: Mounted, in_mount: Path) -> None:
    eventually(in_mount / ".mycelial" / "related" / "in.txt", "dir/sorted.txt")
    command = "for i in 1 2 3 4 5 6 7 8; do (ls -lR .mycelial; cat .mycelial/why/*/*) >/dev/null & done; wait"
    shell(command, mount, timeout=60)
    assert mount.answers()
