"""What is never recorded, and what of an event remains that crosses the border."""

from __future__ import annotations

import pathspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mycelial.record.events import Event, Op, Process
from mycelial.record.exclude import DEFAULT_PATTERNS, ExclusionRules

PARTS = (
    "top",
    "deep",
    "x",
    "y.c",
    "keep.iso",
    "b.iso",
    "a|b",
    "a",
    "b",
    "build",
    "foo",
    "bar",
    "#c",
    "ab\nc",
)
SHELL = Process(pid=7, ppid=1, comm="sh")


@pytest.mark.parametrize(
    "path",
    [
        ".git/index",
        "sub/.git/HEAD",
        "a/__pycache__/x.pyc",
        "x.pyc",
        "web/node_modules/left/pad.js",
        ".cache/x",
        ".ssh/id",
    ],
)
def test_version_control_caches_and_secrets_are_left_out_by_default(path: str) -> None:
    assert ExclusionRules().excludes(path)


@pytest.mark.parametrize(
    "path", ["src/a.c", ".gitignore", "gitlog/x", ".main.c.swp", "cache/x", "a\n.c", "x\udcff"]
)
def test_work_is_recorded_by_default(path: str) -> None:
    assert not ExclusionRules().excludes(path)


def test_patterns_are_those_of_gitignore() -> None:
    rules = ExclusionRules(["*.iso", "/top", "deep/**/x", "!keep.iso"])
    excluded = {"a/b.iso": True, "keep.iso": False, "top/a": True, "sub/top": False, "deep/a/b/x": True}
    assert {path: rules.excludes(path) for path in excluded} == excluded


PATTERNS = (
    "*.iso",
    "/top",
    "deep/**/x",
    "!keep.iso",
    "a|b",
    "[xy].c",
    "build/",
    "a*/",
    "foo/",
    "!foo/bar",
    "\\#c",
)


@given(
    st.lists(st.sampled_from(PATTERNS), max_size=5), st.lists(st.sampled_from(PARTS), min_size=1, max_size=4)
)
def test_every_path_is_decided_as_gitignore_decides(patterns: list[str], parts: list[str]) -> None:
    path = "/".join(parts)
    decided = pathspec.GitIgnoreSpec.from_lines(patterns).match_file(path)
    assert ExclusionRules(patterns).excludes(path) is bool(decided)


def test_a_later_pattern_overrules_a_default() -> None:
    assert not ExclusionRules([*DEFAULT_PATTERNS, "!.git/"]).excludes(".git/index")


def test_names_that_are_not_utf8_can_be_excluded() -> None:
    assert ExclusionRules(["*.o"]).excludes("x\udcff.o")


@pytest.mark.parametrize("pattern", ["!", "a\nb", "a\\", "\0"])
def test_a_bad_pattern_is_named(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"\Abad exclusion pattern [^\n]+\Z"):
        ExclusionRules([pattern])


def event(op: Op, path: str, to: str | None = None) -> Event:
    return Event(1.0, op, path, SHELL, to)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (event(Op.OPEN, "a"), [event(Op.OPEN, "a")]),
        (event(Op.OPEN, ".git/a"), []),
        (event(Op.RENAME, "a", "b"), [event(Op.RENAME, "a", "b")]),
        (event(Op.RENAME, ".git/a", ".git/b"), []),
        (event(Op.RENAME, "a", ".git/b"), [event(Op.UNLINK, "a")]),
        (event(Op.RENAME, ".cache/a", "b"), [event(Op.CREATE, "b"), event(Op.WRITE, "b")]),
        (event(Op.LINK, "a", ".git/b"), []),
        (event(Op.LINK, ".git/a", "b"), [event(Op.CREATE, "b"), event(Op.WRITE, "b")]),
    ],
)
def test_an_excluded_name_reaches_the_log_in_no_role(before: Event, after: list[Event]) -> None:
    assert list(ExclusionRules().admit(before)) == after


def test_directories_are_told_below_which_all_is_left_out() -> None:
    rules = ExclusionRules([*DEFAULT_PATTERNS, "build/", "/top/", "a/b/", "*.d/", "x.o", "# c/"])
    assert {".git", "node_modules", "build"} <= set(rules.directories)
    assert not {"top", "a/b", "b", "*.d", "x.o", "# c", ".Trash-*"} & set(rules.directories)
    assert all(rules.excludes(f"some/{name}/deep/file") for name in rules.directories)
    assert ExclusionRules([*DEFAULT_PATTERNS, "!.git/hooks/"]).directories == ()
