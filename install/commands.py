"""Print the commands that pyproject.toml declares, one a line: NAME MODULE FUNCTION."""

from __future__ import annotations

import tomllib
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent / "pyproject.toml"

if __name__ == "__main__":
    for name, target in tomllib.loads(PROJECT.read_text("utf-8"))["project"]["scripts"].items():
        print(name, *target.split(":"))
