"""Tables on a terminal."""

from __future__ import annotations

import pytest

from mycelial.cli.output import print_table


def test_columns_stand_below_one_another_whatever_the_alphabet(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(["label", "files"], [["日本", "1"], ["plain", "2"], ["cafe\N{COMBINING ACUTE ACCENT}", "3"]])
    heading, wide, plain, accented = capsys.readouterr().out.splitlines()
    assert heading == "label  files"
    assert wide == "日本   1"  # four columns and three blanks
    assert plain == "plain  2"
    assert accented == "cafe\N{COMBINING ACUTE ACCENT}   3"
