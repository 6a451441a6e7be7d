"""Puts a mount under load and samples it, or the engine beside it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from bench.fixtures import SHORT, make_fixtures
from bench.measures.setting import crowd
from bench.profile.flame import flame_graph
from bench.running import running
from bench.subjects import USUAL, Paths, SubjectError
from bench.workspace import default_directory, workspace

SUBJECTS = ("mount", "engine")
_CLIENTS = 2
_HERTZ = 499
_MYCELIAL = next(subject for subject in USUAL if subject.name == "mycelial")
_FRAME = re.compile(r"^\s+[0-9a-f]+ (.+?)(?:\+0x[0-9a-f]+)? \((.*)\)$")


def profile(process: str, picture: Path, seconds: float, parent: Path | None) -> None:
    """Writes the flame graph of `process` ("mount" or "engine") after so many seconds of load.

    Raises
    ------
    SubjectError
        This machine cannot show it; the text says why.
    """
    with workspace(parent or default_directory()) as directory:
        source = directory / "source"
        source.mkdir()
        make_fixtures(source, SHORT, [])
        paths = Paths(source, directory / "mount", directory / "mycelial.db")
        folded = directory / "folded"
        with ExitStack() as stack:
            stack.enter_context(_sampling_engine(directory, folded if process == "engine" else None))
            subject = stack.enter_context(running(_MYCELIAL, paths, directory / "log"))
            stack.enter_context(crowd(_CLIENTS, partial(_work, subject.root)))
            if process == "mount" and subject.pid is not None:
                stacks = _perf(subject.pid, seconds, directory / "perf.data")
            else:
                time.sleep(seconds)
        if process == "engine":
            stacks = _folded(folded)
    title = f"{process}, {_CLIENTS} clients that make, read, rename and remove files"
    picture.write_text(flame_graph(title, stacks))


def _work(root: Path, client: int) -> None:
    """One round of work on files, each client's in a directory of its own."""
    own = root / f"client-{client}"
    own.mkdir(exist_ok=True)
    for index in range(50):
        path = f"{own}/{index}"
        with open(path, "w") as file:
            file.write("x" * 4096)
        for read in (path, f"{root}/small/d{index % 10}/f{index}"):
            with open(read, "rb") as file:
                file.read()
        os.rename(path, f"{path}.renamed")
        os.unlink(f"{path}.renamed")
    with os.scandir(root / "listing" / "d0") as entries:
        for entry in entries:
            entry.stat()
    subprocess.run(["cat", f"{root}/small/d1/f1"], stdout=subprocess.DEVNULL, check=True)


def _perf(pid: int, seconds: float, data: Path) -> Counter[tuple[str, ...]]:
    """What perf sees of a process, on both sides of the system call."""
    if shutil.which("perf") is None:
        raise SubjectError("the mount is profiled with perf, which is not installed")
    words = ["perf", "record", "-q", "-F", str(_HERTZ), "--call-graph", "dwarf,8192", "-o", str(data)]
    recorded = subprocess.run(
        [*words, "-p", str(pid), "--", "sleep", str(seconds)], capture_output=True, text=True, check=False
    )
    if not data.exists() or recorded.returncode:
        said = recorded.stderr.strip().splitlines() or ["it said nothing"]
        raise SubjectError(f"perf cannot look at the mount: {said[0]}")
    script = subprocess.run(
        ["perf", "script", "-i", str(data), "-F", "ip,sym,dso"], capture_output=True, text=True, check=False
    )
    return fold(script.stdout)


def fold(script: str) -> Counter[tuple[str, ...]]:
    """Counts the stacks in what `perf script` prints: samples apart by empty lines, innermost frame first."""
    stacks: Counter[tuple[str, ...]] = Counter()
    for sample in script.split("\n\n"):
        frames = [found for line in sample.splitlines() if (found := _FRAME.match(line))]
        names = [_name(found.group(1), found.group(2)) for found in reversed(frames)]
        if names:
            stacks[tuple(names)] += 1
    return stacks


def _name(symbol: str, library: str) -> str:
    if library in ("[kernel.kallsyms]", "[unknown]") or "/modules/" in library:
        return f"{symbol}_[k]"
    return f"[{Path(library).name}]" if symbol == "[unknown]" else symbol


@contextmanager
def _sampling_engine(directory: Path, output: Path | None) -> Iterator[None]:
    """Has every engine that is started meanwhile sample itself."""
    if output is None:
        yield
        return
    sampler = Path(__file__).with_name("sampler.py")
    (directory / "sitecustomize.py").write_text(
        "import pathlib, runpy, sys\n"
        "if 'mycelial.graph' in sys.orig_argv:\n"
        f"    runpy.run_path({str(sampler)!r})['start'](pathlib.Path({str(output)!r}))\n"
    )
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(directory), before)))
    try:
        yield
    finally:
        if before is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = before


def _folded(path: Path) -> Counter[tuple[str, ...]]:
    """Reads what the sampler wrote."""
    if not path.exists():
        raise SubjectError("the engine has written no samples; did it end by itself?")
    stacks: Counter[tuple[str, ...]] = Counter()
    for line in path.read_text().splitlines():
        stack, _, count = line.rpartition(" ")
        stacks[tuple(stack.split(";"))] += int(count)
    return stacks
