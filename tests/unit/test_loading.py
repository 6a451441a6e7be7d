"""What each mount begins with is small: libraries that take long to load wait until somebody needs them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from mycelial import store

BESIDE = ("click", "dateutil", "networkx", "sqlite_utils")
"""What no process of a mount needs in order to answer and to record."""


@pytest.mark.parametrize(
    ("process", "unused"),
    [
        ("import mycelial.graph.command", (*BESIDE, "platform", "tempfile", "tomllib")),
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


def test_no_garbage_is_looked_for_while_modules_are_loaded() -> None:
    program = (
        "import gc; from mycelial.record.loading import loading; looks = []; before = gc.get_freeze_count()\n"
        "gc.callbacks.append(lambda phase, _: looks.append(phase))\n"
        "with loading():\n    looks.clear()\n    import mycelial.graph.command\n    assert not looks\n"
        "assert gc.isenabled() and gc.get_freeze_count() > before"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_only_the_check_of_a_database_goes_through_sqlite_utils() -> None:
    """It is tried with the oldest one by a run of its tests alone."""
    users = {path.name for path in Path(store.__file__).parent.rglob("*.py") if ".tables" in path.read_text()}
    assert users == {"check.py"}
