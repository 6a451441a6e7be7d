"""What `make install` puts in place: it is complete, works from there, and says what the programs say."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from mycelial import __version__
from mycelial.cli.main import COMMANDS, mycelial
from tests.test_project import PROJECT, ROOT

PREFIX = "/usr"


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """DESTDIR, installed into as a packager does."""
    destdir = tmp_path_factory.mktemp("destdir")
    for words in (["program", PREFIX, destdir, "/usr/sbin"], ["files", PREFIX, destdir, f"{PREFIX}/bin"]):
        subprocess.run([ROOT / "install" / words[0], *words[1:]], check=True, timeout=120)
    yield destdir
    shutil.rmtree(destdir)


def options_of(command: click.Command) -> set[str]:
    return {name for param in command.params if isinstance(param, click.Option) for name in param.opts}


def plain(page: str) -> str:
    """The text of a manual page without its markup."""
    text = re.sub(r"\\f[BIR]", "", page).replace(r"\-", "-").replace(r"\(aq", "'").replace(r"\&", "")
    return text.replace(r"\e", "\\")


def test_every_command_is_there_and_runs_with_its_own_modules(staged: Path) -> None:
    for name in PROJECT["scripts"]:
        command = staged / f"usr/bin/{name}"
        # In place its modules would be found; staged, their folder has to be told.
        text = command.read_text().replace(f'"{PREFIX}/lib', f'"{staged}{PREFIX}/lib')
        interpreter, _, program = text.partition("\n")
        run = subprocess.run(
            [*interpreter.removeprefix("#!").split(), "-c", program, "--version"],
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert __version__ in run.stdout, run.stderr


def test_helpers_are_where_mount_looks_for_them(staged: Path) -> None:
    for name in ("mount.fuse.mycelial", "mount.mycelial", "umount.fuse.mycelial", "umount.mycelial"):
        assert (staged / "usr/sbin" / name).readlink() == Path(f"../bin/{name}")


def test_where_sbin_is_a_link_to_bin_the_helpers_are_the_commands(tmp_path: Path) -> None:
    (tmp_path / "usr/bin").mkdir(parents=True)
    (tmp_path / "usr/sbin").symlink_to("bin")
    subprocess.run([ROOT / "install" / "program", PREFIX, tmp_path, "/usr/sbin"], check=True, timeout=120)
    for name in ("mount.fuse.mycelial", "umount.fuse.mycelial"):
        assert (tmp_path / "usr/sbin" / name).read_text().startswith("#!")
    shutil.rmtree(tmp_path)


def test_units_name_the_installed_programs(staged: Path) -> None:
    units = [path for path in (staged / "usr/lib/systemd").rglob("*") if path.is_file()]
    assert len(units) >= 3
    for unit in units:
        text = unit.read_text()
        assert "@bindir@" not in text
        for program in re.findall(r"^Exec\w+=[-+]?(/usr/bin/\S+)", text, re.MULTILINE):
            assert (staged / program[1:]).exists(), program


def test_the_manual_says_what_the_commands_say(staged: Path) -> None:
    page = plain((staged / "usr/share/man/man1/mycelial.1").read_text())
    context = click.Context(mycelial)
    for name in COMMANDS:
        command = mycelial.get_command(context, name)
        assert command is not None
        section = page.partition(f"\n.SS mycelial {name}")[2].partition("\n.SS ")[0]
        for option in options_of(command):
            assert option in section, f"{name} {option}"
        for paragraph in (command.help or "").split("\n\n"):
            assert " ".join(paragraph.split()) in section


def test_the_manual_of_the_mount_has_all_of_its_options(staged: Path) -> None:
    said = subprocess.run(
        [Path(sys.executable).parent / "mycelial-mount", "--help"], capture_output=True, text=True, check=True
    ).stdout
    page = plain((staged / "usr/share/man/man8/mycelial-mount.8").read_text())
    listed = set(re.findall(r"(?m)^\.TP\n(.*)$", page))
    for line in re.findall(r"(?m)^ +(-.*?)  ", said):
        assert any(line.split(" ")[-1] in entry for entry in listed), line
    assert set(re.findall(r"--[a-z][a-z-]*", said)) <= set(re.findall(r"--[a-z][a-z-]*", page))


def test_manual_pages_are_roff_without_loose_ends(staged: Path) -> None:
    for page in (staged / "usr/share/man").rglob("*.[18]"):
        for line in page.read_text().splitlines():
            if line.startswith("."):
                assert re.match(r"\.(TH|SH|SS|PP|TP|EX|EE|so)\b", line), f"{page.name}: {line}"
            assert "@bindir@" not in line


def test_bash_completes_commands_and_their_options(staged: Path) -> None:
    folder = staged / "usr/share/bash-completion/completions"
    script = f""". {folder}/mycelial; . {folder}/mycelial-mount
    try() {{ COMP_WORDS=("${{@:2}}"); COMP_CWORD=$(($# - 2)); "$1" 2>/dev/null; echo "${{COMPREPLY[*]}}"; }}
    try _mycelial mycelial rebu
    try _mycelial mycelial related --ba
    try _mycelial_mount mycelial-mount --no-rec"""
    run = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=60)
    assert run.stdout.split("\n") == ["rebuild", "--batch", "--no-record", ""]


@pytest.mark.parametrize("name", ["bash-completion/completions/mycelial", "zsh", "fish"])
def test_completions_know_every_command(staged: Path, name: str) -> None:
    place = staged / "usr/share" / name
    files = [place] if place.is_file() else [path for path in place.rglob("*") if path.is_file()]
    text = "".join(path.read_text() for path in files)
    for command in COMMANDS:
        assert re.search(rf"\b{command}\b", text)


def test_removing_takes_away_what_was_installed_and_nothing_else(staged: Path, tmp_path: Path) -> None:
    shutil.copytree(staged, tmp_path, dirs_exist_ok=True, symlinks=True)
    (tmp_path / "usr/bin/other").touch()
    subprocess.run([ROOT / "install/remove", PREFIX, tmp_path, "/usr/sbin"], check=True, timeout=120)
    assert [path for path in tmp_path.rglob("*") if not path.is_dir()] == [tmp_path / "usr/bin/other"]
