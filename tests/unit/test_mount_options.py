"""What a command line means before anything is mounted."""

from __future__ import annotations

import pytest

from mycelial.mount.options import UsageError, parse


@pytest.mark.parametrize(
    ("words", "seconds"),
    [
        ("attr_timeout=0", 0),
        ("entry_timeout=2.5,attr_timeout=5", 2.5),
        ("attr_timeout=5,entry_timeout=0,negative_timeout=7", 0),
        ("timeout=3,attr_timeout=4", 3),
        ("timeout=3,attr_timeout=2", 3),
        ("attr_timeout=2,timeout=3", 3),
    ],
)
def test_the_timeouts_of_other_filesystems_are_understood(words: str, seconds: float) -> None:
    assert parse(["-o", words, "source", "mountpoint"]).timeout == seconds


@pytest.mark.parametrize(
    "word", ["attr_timeout=soon", "entry_timeout=-1", "negative_timeout=", "attr_timeout"]
)
def test_a_timeout_that_is_none_is_refused(word: str) -> None:
    with pytest.raises(UsageError, match=word):
        parse(["-o", word, "source", "mountpoint"])
