"""What the demo says is so: the same work, the same claims, asserted."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.demo import place as places
from tests.demo.claims import (
    BUILT,
    REPORTED,
    SAVED,
    SHOWN,
    Claim,
    all_relations,
    eventually,
    search_left_no_trace,
)
from tests.demo.place import DemoError, Place, copy_repository, mounts_below, own_directory, prepare, unmount
from tests.demo.work import BUILD, NOISE, SAVE, WRITE_REPORT


@pytest.fixture(scope="module")
def before() -> dict[str, dict[str, list[str]]]:
    """What was known before the search through everything; filled in by `worked`."""
    return {}


@pytest.fixture(scope="module")
def worked(before: dict[str, dict[str, list[str]]]) -> Iterator[Place]:
    """A mounted copy in which all the work was done, each step after what the step before it made known."""
    base = Path(tempfile.mkdtemp(prefix="mycelial-demo-test-")).resolve()
    place = Place(base, base / "live")
    try:
        prepare(place)
        for step, claims in ((BUILD, BUILT), (WRITE_REPORT, REPORTED), (SAVE, SAVED)):
            place.shell(step.command)
            for claim in claims:
                eventually(claim, place)
        before.update(all_relations(place))
        place.shell(NOISE.command)
        yield place
    finally:
        for mountpoint in mounts_below(base):
            unmount(mountpoint)
        shutil.rmtree(base)


@pytest.mark.parametrize("claim", [*BUILT, *REPORTED, *SAVED, *SHOWN], ids=lambda claim: claim.check.__name__)
def test_what_the_demo_says_is_so(claim: Claim, worked: Place) -> None:
    eventually(claim, worked)


def test_a_search_through_everything_leaves_no_trace(
    before: dict[str, dict[str, list[str]]], worked: Place
) -> None:
    eventually(search_left_no_trace(before), worked)


def test_the_copy_holds_the_tracked_files(tmp_path: Path) -> None:
    copy_repository(tmp_path)
    assert (tmp_path / "tests/demo/core.mk").is_file()
    assert not (tmp_path / ".git").exists()


def test_the_copy_needs_no_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a tarball that somebody unpacked."""
    tree = tmp_path / "tree"
    copy_repository(tree)
    (tree / ".venv").mkdir()
    (tree / ".venv/secret").touch()
    monkeypatch.setattr(places, "REPOSITORY", tree)
    copy_repository(tmp_path / "copy")
    assert (tmp_path / "copy/tests/demo/core.mk").is_file()
    assert not (tmp_path / "copy/.venv").exists()


def test_a_second_demo_does_not_sweep_the_first_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with own_directory() as base:
        (base / "file").touch()
        with pytest.raises(DemoError, match="under way"), own_directory():
            pass
        assert (base / "file").exists()
    with own_directory() as base:
        assert list(base.iterdir()) == []
