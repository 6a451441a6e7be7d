"""Docs, configuration and code hold one another up: what one of them names, the others have."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from mycelial import __version__
from mycelial.cli.main import COMMANDS

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
DOCUMENTS = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "SECURITY.md",
    *sorted((ROOT / "docs").glob("*.md")),
]
OURS = {".ci", ".github"}  # of the hidden folders; the others hold what tools made
BUILT = {"build", "__pycache__", "mycelial_fs.egg-info"}
LONGEST_MODULE = 400  # lines


def texts() -> Iterator[tuple[Path, str]]:
    """Every text file of the project, without what was built."""
    for folder, folders, names in os.walk(ROOT):
        folders[:] = sorted(
            name for name in folders if name in OURS or (name not in BUILT and not name.startswith("."))
        )
        for name in sorted(names):
            path = Path(folder, name)
            try:
                yield path.relative_to(ROOT), path.read_text("utf-8")
            except UnicodeDecodeError:
                continue


def shell_blocks(document: Path) -> Iterator[str]:
    """The blocks of a document that are meant to be typed."""
    yield from re.findall(r"^```sh\n(.*?)^```", document.read_text("utf-8"), re.DOTALL | re.MULTILINE)


def test_no_file_names_a_package_registry() -> None:
    """Which mirror to use is the machine's business: a pinned one breaks where it is not reached."""
    hosts = [".".join(parts) for parts in (("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org"))]
    hosts += [".".join(parts) for parts in (("deb", "debian", "org"), ("crates", "io"), ("npmjs", "com"))]
    found = [f"{path}: {host}" for path, text in texts() for host in hosts if host in text]
    assert not found


def test_the_version_is_the_same_everywhere() -> None:
    assert PROJECT["version"] == __version__
    assert f"## {__version__}" in (ROOT / "CHANGELOG.md").read_text("utf-8")


@pytest.mark.parametrize("name", PROJECT["scripts"])
def test_every_command_is_installed(name: str) -> None:
    command = Path(sys.executable).parent / name
    result = subprocess.run([command, "--version"], capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
    assert __version__ in result.stdout


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_what_the_documents_say_to_type_exists(document: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    for block in shell_blocks(document):
        for command in re.findall(r"\bmycelial ([a-z]+)", block):
            assert command in COMMANDS
        for target in re.findall(r"^make ([a-z]+)", block, re.MULTILINE):
            assert target in targets


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_between_documents_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", document.read_text("utf-8")):
        assert (document.parent / target).exists(), target


def test_the_options_of_the_readme_are_those_of_the_command() -> None:
    said = subprocess.run(
        [Path(sys.executable).parent / "mycelial-mount", "--help"], capture_output=True, text=True, check=True
    ).stdout
    table = (ROOT / "README.md").read_text("utf-8").partition("## Options")[2].partition("\n## ")[0]
    known = set(re.findall(r"--[a-z][a-z-]*", said)) - {"--help", "--version"}
    assert set(re.findall(r"--[a-z][a-z-]*", table)) == known


@pytest.mark.parametrize(
    "path", sorted(ROOT.glob("mycelial/**/*.py")), ids=lambda path: str(path.relative_to(ROOT))
)
def test_no_module_is_two(path: Path) -> None:
    assert len(path.read_text("utf-8").splitlines()) <= LONGEST_MODULE


@pytest.mark.parametrize("path", sorted(ROOT.glob("requirements*.txt")), ids=lambda path: path.name)
def test_pinned_requirements_are_pinned(path: Path) -> None:
    entries = path.read_text("utf-8").replace("\\\n", " ").splitlines()
    assert entries
    for entry in entries:
        assert re.match(r"[a-z0-9-]+==\S+ ", entry)
        assert "--hash=sha256:" in entry


def test_the_pinned_requirements_cover_the_open_ones() -> None:
    pinned = set(re.findall(r"^([a-z0-9-]+)==", (ROOT / "requirements.txt").read_text("utf-8"), re.MULTILINE))
    assert {re.split(r"[<>=]", wish)[0] for wish in PROJECT["dependencies"]} <= pinned


def test_the_nix_package_has_the_same_dependencies() -> None:
    wanted = {re.split(r"[<>=]", wish)[0] for wish in PROJECT["dependencies"]}
    text = (ROOT / "nixos" / "package.nix").read_text("utf-8")
    listed = re.search(r"^  dependencies = .*?\[(.*?)\];", text, re.DOTALL | re.MULTILINE)
    assert listed is not None
    assert set(listed[1].split()) == wanted


def test_a_machine_that_lacks_everything_is_told_what_to_install(tmp_path: Path) -> None:
    for name in ("bash", "cat", "dirname", "env", "sort", "tr"):
        (tmp_path / name).symlink_to(shutil.which(name) or name)
    result = subprocess.run(
        [ROOT / "scripts" / "system-packages", "test"],
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert result.returncode == 1
    for manager, package in {
        "apt-get install": "libfuse3-dev",
        "dnf install": "fuse3-devel",
        "pacman -S": "fuse3",
        "zypper install": "fuse3-devel",
        "apk add": "fuse3-dev",
    }.items():
        assert re.search(rf"{manager} .*\b{package}\b", result.stderr)
