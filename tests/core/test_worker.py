"""The threads of the core for what may take long: who waits for whom."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.core.test_fuzz import CORE, environment, pkg_config
from tests.mount.mounted import PATIENCE


def test_neither_one_filesystem_nor_some_users_take_all_threads(tmp_path: Path) -> None:
    program = tmp_path / "worker"
    command = [
        *("gcc", "-std=gnu11", "-g", "-Wall", "-Wextra", "-Werror", "-fsanitize=address,undefined"),
        *pkg_config("--cflags"),
        *(f"-I{CORE}", str(Path(__file__).with_name("worker.c")), str(CORE / "worker.c")),
        *("-lpthread", "-o", str(program)),
    ]
    built = subprocess.run(command, capture_output=True, text=True, check=False, env=environment())
    assert built.returncode == 0, built.stderr
    ran = subprocess.run(
        [program], capture_output=True, text=True, check=False, env=environment(), timeout=PATIENCE
    )
    assert ran.returncode == 0, ran.stderr
