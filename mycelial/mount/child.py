"""Starting Python for the mount's own work, however Python came to be found here."""

from __future__ import annotations

import os
import sys
from typing import Any


def command(module: str, *words: str) -> list[str]:
    """Return the command line that runs a module of ours."""
    return [sys.executable, "-m", module, *words]


def surroundings() -> dict[str, Any]:
    """Return what `subprocess.Popen` needs for it besides."""
    return {
        # Not by its name: that could lie inside the mount, which must answer while this call waits.
        "executable": "/proc/self/exe",
        "cwd": "/",
        # Where programs are wrapped, as on NixOS, Python alone does not know where the modules are.
        "env": {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        "start_new_session": True,
    }
