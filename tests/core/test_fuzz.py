"""The C core's table and its reading of /proc, played with at random under sanitizers.

The harnesses are tests/core/fuzz/*.c. With -DLIBFUZZER and clang -fsanitize=fuzzer the same files are fuzzers
that look for new paths; what they kept is played again here (*.corpus). Then reproducible dice decide: a
seed that was found is a test.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

HARNESSES = Path(__file__).parent / "fuzz"
CORE = Path(__file__).parents[2] / "mycelial" / "core" / "src"
WRAPPED = "-Wl,--wrap=open,--wrap=readlink,--wrap=nanosleep,--wrap=clock_gettime"
PARTS = {
    "inodes": ("inode.c", "share.c", "stat.c", "configuration.c"),
    "lineage": (
        "lineage.c",
        "processes.c",
        "pipeline.c",
        "starting.c",
        "watch.c",
        "proc.c",
        "rights.c",
        "ring.c",
    ),
}


def environment() -> dict[str, str]:
    """Without what another run's sanitizers want of every program."""
    return {name: value for name, value in os.environ.items() if name not in ("LD_PRELOAD", "ASAN_OPTIONS")}


def pkg_config(what: str) -> list[str]:
    asked = subprocess.run(
        ["pkg-config", what, "fuse3"], check=True, capture_output=True, text=True, env=environment()
    )
    return shlex.split(asked.stdout)


def build(name: str, directory: Path, core: Path = CORE) -> Path:
    program = directory / name
    sanitizers = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    command = [
        *("gcc", "-std=gnu11", "-g", "-O1", "-Wall", "-Wextra", "-Werror", *sanitizers),
        *pkg_config("--cflags"),
        *(f"-I{CORE}", str(HARNESSES / f"{name}.c")),
        *(str(core / part) for part in PARTS[name]),
        *([WRAPPED] if name == "lineage" else []),
        *("-lpthread", "-o", str(program)),
    ]
    built = subprocess.run(command, capture_output=True, text=True, check=False, env=environment())
    assert built.returncode == 0, built.stderr
    return program


def play(program: Path, seconds: int, seed: int) -> str:
    quick = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # a game that ends badly leaves its files
    with tempfile.TemporaryDirectory(prefix="mycelial-fuzz-", dir=quick) as place:
        played = subprocess.run(
            [program, str(seconds), str(seed), HARNESSES / f"{program.name}.corpus"],
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=seconds + 120,
            env=environment() | {"TMPDIR": place},
        )
    assert played.returncode == 0, f"from seed {seed}: {played.stderr[-4000:]}"
    assert re.match(r"[1-9]\d+ games of the corpus\n[1-9]\d* games", played.stdout)
    return played.stdout


@pytest.mark.parametrize("name", PARTS)
def test_a_short_game_finds_nothing(name: str, tmp_path: Path) -> None:
    play(build(name, tmp_path), 2, 1)


@pytest.mark.slow
@pytest.mark.parametrize("name", PARTS)
def test_five_minutes_of_new_games_find_nothing(name: str, tmp_path: Path) -> None:
    print(play(build(name, tmp_path), 300, time.time_ns()))


DEFECTS = {
    "inodes": ("inode.c", "if (!error && !inode_is(inode, &stx)) error = ESTALE;", ""),
    "lineage": ("lineage.c", "if (!size || text->size + size > text->room) return;", ""),
}


@pytest.mark.parametrize("name", PARTS)
def test_the_game_would_find_a_defect(name: str, tmp_path: Path) -> None:
    """With a check taken out of the core, it ends badly within the same time."""
    for part in PARTS[name]:
        text = (CORE / part).read_text()
        if part == DEFECTS[name][0]:
            assert DEFECTS[name][1] in text
            text = text.replace(*DEFECTS[name][1:])
        (tmp_path / part).write_text(text)
    program = build(name, tmp_path, tmp_path)
    with pytest.raises(AssertionError, match="from seed 1"):
        play(program, 5, 1)
