"""Names on a terminal: nothing that a file is called can do anything but be read."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mycelial.record.display import moment, one_line, printable, printable_command, recipe_lines, safe_name
from mycelial.record.events import bytes_of, text_of


@given(st.binary(max_size=30))
def test_whatever_is_shown_prints_on_one_line(raw: bytes) -> None:
    assert printable(text_of(raw)).isprintable()


@given(st.binary(max_size=8), st.binary(max_size=8))
def test_different_names_look_different(one: bytes, other: bytes) -> None:
    assert (printable(text_of(one)) == printable(text_of(other))) == (one == other)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("plain name", "plain name"),
        ("Übung 表", "Übung 表"),
        ("a\nb\tc", "a\\nb\\tc"),
        ("\x1b[2J", "\\x1b[2J"),
        ("\udcff", "\\xff"),
        ("\u202egnp.exe", "\\xe2\\x80\\xaegnp.exe"),
        ("back\\slash", "back\\\\slash"),
    ],
)
def test_what_does_not_print_is_escaped(name: str, shown: str) -> None:
    assert printable(name) == shown


@settings(max_examples=30, deadline=None)
@given(st.lists(st.binary(max_size=6).filter(lambda raw: b"\0" not in raw), min_size=1, max_size=3))
def test_a_command_line_gives_its_arguments_back_to_a_shell(raw: list[bytes]) -> None:
    shown = printable_command(tuple(map(text_of, raw)))
    assert shown.isprintable()
    given_back = subprocess.run(
        ["bash", "-c", "printf '%s\\0' " + shown], env={"LC_ALL": "C.UTF-8"}, capture_output=True, check=True
    )
    assert given_back.stdout.split(b"\0")[:-1] == raw


@given(st.text(max_size=20))
def test_a_message_is_one_line_and_a_printable_one_stays_as_it_is(text: str) -> None:
    message = one_line(text)
    assert message.isprintable()
    assert one_line(message) == message


def test_a_moment_that_no_calendar_has_is_unknown() -> None:
    assert moment(1e300) == "unknown"


def test_a_recipe_in_words() -> None:
    lines = recipe_lines("cc -c 'a b.c'", "src", "cc", 0.0, ("a b.c", "x\n.h"))
    assert lines[:3] == ["command:  cc -c 'a b.c'", "in:       src", "program:  cc"]
    assert lines[4:] == ["from:     a b.c", "          x\\n.h"]


def test_only_surrogates_that_stand_for_bytes_become_bytes() -> None:
    assert bytes_of("\udcff") == b"\xff"
    with pytest.raises(ValueError, match="surrogate"):
        bytes_of("\ud800")


@given(st.text(max_size=100))
def test_a_name_that_was_made_up_can_be_a_directorys_and_does_no_harm(text: str) -> None:
    name = safe_name(text)
    assert name
    assert name.isprintable()
    assert "/" not in name
    assert name not in (".", "..")
    assert len(name.encode()) <= 255
