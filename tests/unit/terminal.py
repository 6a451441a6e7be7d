"""Running the command in this process, with what it reads and prints in the test's hands."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from mycelial.cli.main import run


class Terminal:
    """Runs command lines; nothing that is printed on the standard error has more than one line."""

    def __init__(self, capture: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self._capture = capture
        self._monkeypatch = monkeypatch

    def run(self, *args: str, stdin: bytes = b"") -> tuple[int, str, str]:
        """Return exit code, standard output and standard error."""
        with self._monkeypatch.context() as patch:
            patch.setattr("sys.stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(stdin))))
            code = run(args)
        return (code, *self._capture.readouterr())

    def out(self, *args: str, stdin: bytes = b"") -> str:
        """Return the standard output of a command that succeeds and complains about nothing."""
        code, out, err = self.run(*args, stdin=stdin)
        assert (code, err) == (0, "")
        return out

    def json(self, *args: str) -> Any:
        """Return the JSON that a command prints."""
        return json.loads(self.out(*args))

    def error(self, *args: str) -> str:
        """Return the one line of a command that fails."""
        code, out, err = self.run(*args)
        assert (code, out) == (1, "")
        assert err.count("\n") == 1
        return err
