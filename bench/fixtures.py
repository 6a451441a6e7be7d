"""The files that the workloads work on, made from fixed seeds, so that two runs do the same work."""

from __future__ import annotations

import itertools
import os
import random
import shutil
import subprocess
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

BLOCK = 4096
MIB = 1 << 20
_NOT_IN_THE_TREE = {"__pycache__", "site-packages", "dist-packages", "test", "tests", "idlelib"}


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much work one timed run is. Large enough that the clock's own cost (0.1 µs) vanishes."""

    calls: int  # metadata operations
    directories: int  # of 100 entries each
    file_mib: int  # the large file
    blocks: int  # reads or writes of 4 KiB
    tree_files: int  # in the tree that git, grep, tar, cp and find walk
    objects: int  # C files in the project that make builds
    processes: int  # short programs, one after the other
    client_calls: int  # opens by each of several clients


DEFAULT = Sizes(
    calls=500,
    directories=5,
    file_mib=64,
    blocks=4000,
    tree_files=400,
    objects=8,
    processes=100,
    client_calls=400,
)
SHORT = Sizes(
    calls=50, directories=1, file_mib=4, blocks=200, tree_files=40, objects=2, processes=5, client_calls=20
)


def make_fixtures(source: Path, sizes: Sizes, owners: list[str]) -> None:
    """Fills `source`: small files, listings of 100, a large file, and a tree and a C project for each owner.

    The programs' trees are one a subject because git's index and make's products remember inode numbers and
    times, and those of one subject would mislead the next.
    """
    block = random.Random(1).randbytes(BLOCK)
    for index in range(sizes.calls):
        _write(source / "small" / f"d{index % 10}" / f"f{index}", block)
    for directory, index in itertools.product(range(sizes.directories), range(100)):
        _write(source / "listing" / f"d{directory}" / f"f{index}", b"")
    _write(source / "large", random.Random(2).randbytes(MIB) * sizes.file_mib)
    for owner in owners:
        copy_real_tree(source / "tree" / owner, sizes.tree_files)
        make_c_project(source / "project" / owner, sizes.objects)
    os.sync()


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def copy_real_tree(target: Path, count: int) -> None:
    """A tree that people really work in, found on each machine: the first `count` modules of Python's own
    library, as a git repository with one commit."""
    library = Path(sysconfig.get_paths()["stdlib"])
    for path in itertools.islice(_modules(library), count):
        copy = target / path.relative_to(library)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
    if shutil.which("git"):
        for words in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "Start"]):
            subprocess.run(["git", *words], cwd=target, env=git_environment(), check=True)


def _modules(library: Path) -> Iterator[Path]:
    for directory, names, files in os.walk(library):
        names[:] = sorted(set(names) - _NOT_IN_THE_TREE)
        yield from (Path(directory, name) for name in sorted(files) if name.endswith(".py"))


def git_environment() -> dict[str, str]:
    """git as if on a fresh account: no configuration of the user's, no daemon, no complaint about owners."""
    settings = {
        "user.name": "bench",
        "user.email": "bench@localhost",
        "safe.directory": "*",
        "core.fsmonitor": "false",
        "core.untrackedCache": "false",
        "gc.auto": "0",
    }
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    environment |= {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull}
    environment["GIT_CONFIG_COUNT"] = str(len(settings))
    for index, (key, value) in enumerate(settings.items()):
        environment |= {f"GIT_CONFIG_KEY_{index}": key, f"GIT_CONFIG_VALUE_{index}": value}
    return environment


def make_c_project(target: Path, count: int) -> None:
    """A C program of `count` files, each with a header of its own and two that all share, and a Makefile."""
    common = "#ifndef COMMON_H\n#define COMMON_H\n#include <stdio.h>\n#include <string.h>\n#endif\n"
    _write(target / "common.h", common.encode())
    table = "\n".join(f"int part_{index}(int);" for index in range(count))
    _write(target / "parts.h", f'#include "common.h"\n{table}\n'.encode())
    for index in range(count):
        body = "\n".join(
            f"static int step_{index}_{step}(int x) {{ return x * {step} + {index}; }}" for step in range(40)
        )
        calls = " + ".join(f"step_{index}_{step}(x)" for step in range(40))
        _write(target / f"part{index}.h", f"#define PART {index}\n".encode())
        _write(
            target / f"part{index}.c",
            f'#include "parts.h"\n#include "part{index}.h"\n{body}\n'
            f"int part_{index}(int x) {{ return PART + {calls}; }}\n".encode(),
        )
    total = " + ".join(f"part_{index}(argc)" for index in range(count)) or "0"
    _write(
        target / "main.c",
        f'#include "parts.h"\nint main(int argc, char **argv)\n'
        f"{{ (void)argv; return ({total}) == 0; }}\n".encode(),
    )
    _write(
        target / "Makefile",
        b"OBJECTS := $(patsubst %.c,%.o,$(wildcard *.c))\n"
        b"program: $(OBJECTS)\n\t$(CC) -o $@ $(OBJECTS)\n"
        b"%.o: %.c $(wildcard *.h)\n\t$(CC) -O0 -c -o $@ $<\n"
        b"clean:\n\trm -f program *.o\n",
    )
