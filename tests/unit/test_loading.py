"""What each mount begins with is small: libraries that take long to load wait until somebody needs them."""

from __future__ import annotations

import subprocess
import sys

import pytest

BESIDE = ("click", "dateutil", "networkx", "sqlite_utils")
"""What no process of a mount needs in order to answer and to record."""


@pytest.mark.parametrize(
    ("process", "unused"),
    [
        ("import mycelial.graph.__main__", (*BESIDE, "platform", "tempfile", "tomllib")),
        (
            "import mycelial.mount.filesystem, mycelial.views.database, mycelial.views.tree",
            (*BESIDE, "mycelial.record.secrecy", "mycelial.graph"),
        ),
        ("import mycelial.graph.looking", (*BESIDE, "pathspec", "mycelial.graph.ingest")),
    ],
    ids=["the engine", "the mount", "who looks at the whole"],
)
def test_a_process_loads_what_it_uses_and_no_more(process: str, unused: tuple[str, ...]) -> None:
    program = f"import sys; {process}; print(*sorted(set(sys.argv[1:]) & set(sys.modules)))"
    command = [sys.executable, "-c", program, *unused]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.split() == []
