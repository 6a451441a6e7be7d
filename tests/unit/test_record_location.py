"""Where databases and the configuration are, and what a configuration may say."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mycelial.record.location import config_path, database_path, seen_from, state_dir
from mycelial.record.settings import Settings, load_settings, parse_settings
from tests.unit.refusal import taken_or_refused


@pytest.fixture
def user(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An ordinary user's home directory."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    return tmp_path


def test_a_user_keeps_state_and_configuration_at_home(user: Path) -> None:
    assert state_dir() == user / ".local/state/mycelial"
    assert config_path() == user / ".config/mycelial/config.toml"


def test_the_xdg_variables_are_followed_if_absolute(user: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/elsewhere")
    monkeypatch.setenv("XDG_CONFIG_HOME", "relative")
    assert state_dir() == Path("/elsewhere/mycelial")
    assert config_path() == user / ".config/mycelial/config.toml"


def test_root_uses_the_directories_of_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert state_dir() == Path("/var/lib/mycelial")
    assert config_path() == Path("/etc/mycelial/config.toml")


def test_a_source_has_one_database_by_whatever_path(user: Path) -> None:
    (user / "docs").mkdir()
    (user / "link").symlink_to("docs")
    digest = hashlib.sha256(os.fsencode(os.path.realpath(user / "docs"))).hexdigest()[:12]
    expected = state_dir() / f"docs-{digest}.db"
    assert {database_path(str(user / path)) for path in ("docs", "link", "docs/", "docs/../docs")} == {
        expected
    }


@pytest.mark.usefixtures("user")
@given(st.binary(min_size=1, max_size=300).filter(lambda raw: b"\0" not in raw))
def test_the_database_of_any_source_is_one_file_in_the_state_directory(raw: bytes) -> None:
    path = database_path(os.fsdecode(b"/" + raw))
    assert path.parent == state_dir()
    assert len(os.fsencode(path.name)) <= 255


@pytest.mark.usefixtures("user")
def test_the_root_directory_has_a_name_too() -> None:
    assert database_path("/").name.startswith("root-")


@pytest.mark.parametrize(
    ("root", "path", "seen"),
    [
        ("/mnt", "/mnt", "."),
        ("/mnt", "/mnt/a/b", "a/b"),
        ("/mnt", "/mnt2/a", "/mnt2/a"),
        ("/", "/a", "a"),
        ("/mnt", "/", "/"),
    ],
)
def test_a_directory_inside_is_told_as_seen_from_the_root(root: str, path: str, seen: str) -> None:
    assert seen_from(root, path) == seen


def test_no_file_means_the_defaults(tmp_path: Path) -> None:
    assert load_settings(tmp_path / "none.toml") == Settings()


def test_settings_are_read() -> None:
    settings = parse_settings(
        'exclude = ["*.iso"]\ndefault_excludes = false\n[retention]\ndays = 30.5\nevents = 1000\n'
    )
    assert settings == Settings(
        ("*.iso",), default_excludes=False, retention_days=30.5, retention_events=1000
    )


def test_exclusion_comes_from_defaults_file_and_command_line_in_this_order() -> None:
    rules = parse_settings('exclude = ["!.git/", "*.iso"]').exclusion_rules(("!keep.iso",))
    assert not rules.excludes(".git/index")
    assert rules.excludes("a.iso")
    assert not rules.excludes("keep.iso")


def test_the_defaults_can_be_turned_off() -> None:
    assert not parse_settings("default_excludes = false").exclusion_rules().excludes(".git/index")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('exlcude = ["a"]', "unknown key 'exlcude' \\(known: exclude"),
        ("[retention]\nyears = 1", "unknown key 'retention.years'"),
        ("retention = 1", "'retention' must be a table"),
        ('exclude = "a"', "'exclude' must be a list"),
        ("exclude = [1]", "'exclude' must be a list"),
        ('exclude = ["!"]', "bad exclusion pattern '!'"),
        ("default_excludes = 1", "must be true or false"),
        ("record_arguments = 'no'", "must be true or false"),
        ("[retention]\ndays = -1", "'retention.days' must be a number"),
        ("[retention]\nevents = true", "'retention.events' must be a number"),
        ("[retention]\nevents = nan", "'retention.events' must be a number"),
        ("exclude = ", "not TOML"),
        ("a = " + "[" * 100_000, "not TOML"),
    ],
)
def test_what_means_nothing_is_refused_by_name(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse_settings(text)


@given(st.text(max_size=40))
def test_any_text_is_settings_or_one_clear_line(text: str) -> None:
    taken_or_refused(lambda: parse_settings(text))


@pytest.mark.parametrize("content", [b"\xff\xfe", b"exclude = ["])
def test_a_bad_file_is_named(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "config.toml"
    file.write_bytes(content)
    with pytest.raises(ValueError, match=r"\A[^\n]*config.toml: [^\n]+\Z"):
        load_settings(file)


def test_a_directory_in_the_files_place_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="Is a directory"):
        load_settings(tmp_path)
