"""Fixtures of the tests without a mount."""

from __future__ import annotations

import pytest

from tests.unit.terminal import Terminal


@pytest.fixture
def terminal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """The `mycelial` command, to run in this process."""
    return Terminal(capsys, monkeypatch)
