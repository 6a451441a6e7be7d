"""The documents and the program say the same of every command, option, setting and view."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import click
import pytest

from mycelial.cli import main, options
from mycelial.record.exclude import DEFAULT_PATTERNS
from mycelial.record.settings import Settings, parse_settings
from mycelial.store.errors import StoreError
from mycelial.views import tree
from mycelial.views.node import Directory
from tests.unit.recorded import BO, MemorySource

CONTEXT = click.Context(main.mycelial)
COMMANDS = {name: main.mycelial.get_command(CONTEXT, name) for name in main.COMMANDS}


def sections(document: Path) -> dict[str, str]:
    """Return the text under each heading of a document, in one line each."""
    parts = re.split(r"^#+ (.*)$", document.read_text("utf-8"), flags=re.MULTILINE)
    return {heading: " ".join(text.split()) for heading, text in zip(parts[1::2], parts[2::2], strict=True)}


@pytest.fixture(scope="module")
def cli(repository: Path) -> dict[str, str]:
    return sections(repository / "docs/cli.md")


def heading_of(command: str, option: click.Option) -> str:
    """Return an option's heading: its own if it has words of its own, else the shared one."""
    words = f"{option.opts[0]} {option.metavar}" if option.metavar else option.opts[0]
    shared = option.help in SHARED_HELP
    return words if shared else f"{command} {words}"


def _shared_help() -> set[str | None]:
    @options.as_json
    @options.limit
    @options.database
    @options.uid
    def _all() -> None: ...

    declared: list[click.Option] = _all.__click_params__  # type: ignore[attr-defined]
    related = COMMANDS["related"]
    assert related is not None
    batch = [
        param.help for param in related.params if isinstance(param, click.Option) and param.name == "batch"
    ]
    return {option.help for option in declared} | set(batch)


SHARED_HELP = _shared_help()


@pytest.mark.parametrize("name", main.COMMANDS)
def test_every_command_is_described_in_the_words_of_its_help(cli: dict[str, str], name: str) -> None:
    command = COMMANDS[name]
    assert command is not None
    for paragraph in (command.help or "").split("\n\n"):
        assert " ".join(paragraph.split()) in cli[f"mycelial {name}"]


@pytest.mark.parametrize("name", main.COMMANDS)
def test_every_option_is_described_in_the_words_of_its_help(cli: dict[str, str], name: str) -> None:
    command = COMMANDS[name]
    assert command is not None
    for option in command.params:
        if isinstance(option, click.Option):
            assert option.help is not None
            assert " ".join(option.help.split()) in cli[heading_of(name, option)]


def test_the_commands_own_options_are_described(cli: dict[str, str]) -> None:
    for option in main.mycelial.get_params(CONTEXT):
        assert isinstance(option, click.Option)
        assert option.help is not None
        assert option.help in cli[max(option.opts, key=len)]


def test_nothing_is_described_that_is_not_there(cli: dict[str, str]) -> None:
    described = {heading for heading in cli if "mycelial " in heading and "`" not in heading}
    assert described == {f"mycelial {name}" for name in main.COMMANDS}
    headings = {heading_of(name, option) for name, option in _all_options()}
    own = {max(option.opts, key=len) for option in main.mycelial.get_params(CONTEXT)}
    assert {heading for heading in cli if "--" in heading} == headings | own


def _all_options() -> list[tuple[str, click.Option]]:
    return [
        (name, option)
        for name, command in COMMANDS.items()
        if command is not None
        for option in command.params
        if isinstance(option, click.Option)
    ]


def test_every_setting_is_described_with_its_default(repository: Path) -> None:
    described = sections(repository / "docs/configuration.md")
    keys = {"exclude": "None", "default_excludes": "`true`", "record_arguments": "`true`"}
    for field in dataclasses.fields(Settings):
        if field.name.startswith("retention_"):
            keys[field.name.replace("_", ".")] = str(field.default)
        else:
            assert field.name in keys
    for key, default in keys.items():
        assert f"{default} by default." in described[key]
    assert set(described) - set(keys) == {"The configuration file"}


def test_the_documents_example_is_a_configuration(repository: Path) -> None:
    text = (repository / "docs/configuration.md").read_text("utf-8")
    example = "\n".join(line[4:] for line in text.splitlines() if line.startswith("    "))
    assert parse_settings(example) == Settings(exclude=("*.iso", "/private/", "!.git/"), retention_days=365)


@pytest.mark.parametrize("secret", [".ssh", ".gnupg", ".password-store"])
def test_the_secrets_that_the_document_promises_are_left_out(repository: Path, secret: str) -> None:
    assert f"`{secret}`" in sections(repository / "docs/configuration.md")["default_excludes"]
    assert f"{secret}/" in DEFAULT_PATTERNS


def test_the_list_of_commands_has_room_for_what_each_is() -> None:
    listed = CONTEXT.command.get_help(click.Context(main.mycelial, terminal_width=78)).partition("Commands:")[
        2
    ]
    assert len(listed.split("\n")) > len(COMMANDS)
    assert "..." not in listed


def test_every_view_and_every_attribute_is_described(repository: Path) -> None:
    def nothing(uid: int) -> None:
        raise StoreError("no database")

    described = set(sections(repository / "docs/views.md")) - {"The virtual tree", "Virtual attributes"}
    shown = tree.Tree(open_answers=nothing, source=MemorySource(), status=lambda _: {})  # type: ignore[arg-type]
    top = shown.find((), BO)
    assert isinstance(top, Directory)
    views = {name.decode() for name, _kind in top.children()}
    attributes = {
        "user.mycelial." + name for name in ("related", "sources", "products", "cluster", "how", "status")
    }
    assert described == views | attributes
