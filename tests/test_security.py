"""SECURITY.md promises nothing that no test holds."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PROMISES = (ROOT / "SECURITY.md").read_text("utf-8").partition("## What is promised")[2].partition("\n## ")[0]
TESTS = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PROMISES)
SPEAKING = {"http", "urllib.request", "ftplib", "smtplib", "socketserver", "asyncio", "requests", "ssl"}


def test_every_promise_names_tests() -> None:
    promises = [part for part in PROMISES.split("\n\n") if part.startswith("**")]
    assert len(promises) > 5
    for promise in promises:
        assert "::test_" in promise, promise


@pytest.mark.parametrize(("file", "name"), TESTS, ids=["::".join(test) for test in TESTS])
def test_the_tests_that_hold_a_promise_are_there(file: str, name: str) -> None:
    tree = ast.parse((ROOT / file).read_text("utf-8"))
    assert any(isinstance(node, ast.FunctionDef) and node.name == name for node in tree.body)


def test_nothing_speaks_to_a_network() -> None:
    for path in ROOT.glob("mycelial/**/*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module]
            assert not SPEAKING.intersection(names), path
            if isinstance(node, ast.Attribute):
                assert node.attr not in ("AF_INET", "AF_INET6"), path
