"""Whether `sources` is what a compiler itself says: real builds through a live mount, against gcc -MM."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mycelial.store.answers import Answers

REPOSITORY = Path(__file__).parents[2]
MODULES = 12
MOUNT_SECONDS = 30.0

Truth = Mapping[str, frozenset[str]]

_MAKEFILE = """\
CC := gcc
CFLAGS := -I include
OBJECTS := $(patsubst src/%.c,build/%.o,$(wildcard src/module*.c))

build/program: build/main.o build/libmodules.a
\t$(CC) -o $@ $^
build/libmodules.a: $(OBJECTS)
\tar rc $@ $^
build/%.o: src/%.c include/version.h
\t$(CC) $(CFLAGS) -c -o $@ $<
include/version.h: VERSION
\tsed 's/.*/#define VERSION "&"/' VERSION > $@
"""


@dataclass(frozen=True, slots=True)
class Build:
    """`prepare` fills a directory, `command` builds in it, `truth` says what each product was made from."""

    name: str
    prepare: Callable[[Path], None]
    command: tuple[str, ...]
    truth: Callable[[Path], Truth]


@dataclass(frozen=True, slots=True)
class Agreement:
    """Of the sources named, the share that is right; of the right ones, the share that was named."""

    precision: float
    recall: float
    products: int
    wrong: tuple[str, ...]


def measure(build: Build, directory: Path) -> Agreement:
    """Build through a mount below `directory` and compare; raises CalledProcessError if it cannot."""
    source, database = directory / "source", directory / "state" / "events.db"
    source.mkdir()
    database.parent.mkdir(mode=0o700)
    build.prepare(source)
    with mounted(source, directory / "mountpoint", database) as root:
        subprocess.run(build.command, cwd=root, check=True, stdout=subprocess.DEVNULL)
    truth = build.truth(source)
    with Answers.open(database, None) as answers:
        found = {made: {r.path for r in answers.sources(made, 10_000)} for made in truth}
    named, needed = sum(map(len, found.values())), sum(map(len, truth.values()))
    right = sum(len(found[made] & sources) for made, sources in truth.items())
    wrong = [f"{made}: {name}" for made, sources in truth.items() for name in sorted(found[made] ^ sources)]
    return Agreement(right / max(1, named), right / max(1, needed), len(truth), tuple(wrong))


@contextmanager
def mounted(source: Path, mountpoint: Path, database: Path) -> Iterator[Path]:
    """Mount as long as it takes; afterwards all that was recorded is in the database."""
    mountpoint.mkdir()
    command = Path(sys.executable).with_name("mycelial-mount")
    words: list[str | Path] = [command, "-f", "--db", database, source, mountpoint]
    with subprocess.Popen(words, stdin=subprocess.DEVNULL) as daemon:
        try:
            deadline = time.monotonic() + MOUNT_SECONDS
            while not os.path.ismount(mountpoint):
                if daemon.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"{mountpoint}: mycelial-mount did not mount it")
                time.sleep(0.02)
            yield mountpoint
        finally:
            if daemon.poll() is None:
                subprocess.run(["fusermount3", "-u", mountpoint], check=True)
            daemon.wait(MOUNT_SECONDS)


def _generate(directory: Path) -> None:
    """Write a C project: modules that include some headers, which include others, and a generated one."""
    draw = random.Random(5)
    for folder in ("src", "include", "build"):
        (directory / folder).mkdir()
    (directory / "Makefile").write_text(_MAKEFILE)
    (directory / "VERSION").write_text("1.0\n")
    for number in range(MODULES):
        included = draw.sample(range(number), min(number, draw.randrange(3)))
        lines = [f'#include "h{other}.h"' for other in included]
        guarded = ["#pragma once", *lines, f"int f{number}(void);"]
        (directory / f"include/h{number}.h").write_text("\n".join(guarded) + "\n")
    for number in range(MODULES):
        used = sorted({number, *draw.sample(range(MODULES), 2)})
        lines = [f'#include "h{other}.h"' for other in used]
        if number % 4 == 0:
            lines.append('#include "version.h"')
        body = f"int f{number}(void) {{ return {number}; }}"
        (directory / f"src/module{number}.c").write_text("\n".join([*lines, body]) + "\n")
    calls = " + ".join(f"f{number}()" for number in range(MODULES))
    lines = [f'#include "h{number}.h"' for number in range(MODULES)]
    (directory / "src/main.c").write_text("\n".join([*lines, f"int main(void) {{ return {calls}; }}"]) + "\n")


def _generated_truth(directory: Path) -> Truth:
    objects = {f"build/{path.stem}.o" for path in directory.glob("src/*.c")}
    made = _as_gcc_says(directory, ["-I", "include"], sorted(directory.glob("src/*.c")))
    return {
        **made,
        "include/version.h": frozenset({"VERSION"}),
        "build/libmodules.a": frozenset(objects - {"build/main.o"}),
        "build/program": frozenset({"build/main.o", "build/libmodules.a"}),
    }


def _copy_core(directory: Path) -> None:
    shutil.copytree(REPOSITORY / "mycelial/core/src", directory / "mycelial/core/src")
    shutil.copy(REPOSITORY / "tests/demo/core.mk", directory / "Makefile")


def _core_truth(directory: Path) -> Truth:
    flags = subprocess.run(["pkg-config", "--cflags", "fuse3"], check=True, stdout=subprocess.PIPE, text=True)
    code = "import sysconfig; print(sysconfig.get_path('include'))"
    python = subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.PIPE, text=True)
    sources = sorted(directory.glob("mycelial/core/src/*.c"))
    made = _as_gcc_says(directory, [*flags.stdout.split(), "-I", python.stdout.strip()], sources)
    return {**made, "build/core.so": frozenset(made)}


def _as_gcc_says(directory: Path, flags: list[str], sources: list[Path]) -> dict[str, frozenset[str]]:
    """Return the files of the tree that each object depends on, as gcc -MM prints them."""
    found = {}
    for source in sources:
        name = str(source.relative_to(directory))
        command = ["gcc", *flags, "-MM", name]
        printed = subprocess.run(command, cwd=directory, check=True, stdout=subprocess.PIPE, text=True).stdout
        words = printed.partition(":")[2].replace("\\\n", " ").split()
        own = {os.path.normpath(word) for word in words if not word.startswith("/")}
        found[f"build/{source.stem}.o"] = frozenset(own)
    return found


BUILDS = (
    Build("a generated C project, make -j2", _generate, ("make", "-j2"), _generated_truth),
    Build("our own C core, make -j2", _copy_core, ("make", "-j2", f"PYTHON={sys.executable}"), _core_truth),
)
