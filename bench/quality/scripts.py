"""Whether `sources` is what shell scripts do that are put together at random, run as people run them.

Each script finds some files and then takes a dozen steps with them, and with what it made; what was made of
which is known as it is written.
"""

from __future__ import annotations

import contextlib
import os
import random
import re
import shutil
import subprocess
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bench.quality.provenance import Agreement, mounted
from bench.quality.steps import STEPS, Step
from mycelial.store.answers import Answers

STEPS_EACH = 12
GIVEN = 7
LINES = 6

MOST = 1000
"""Sources of a file that are looked at."""

PATIENCE = 120
"""Seconds for one script."""

LOG = "log"
"""Where the output of a script goes, if it is led to a file."""

_WORDS = """
    amber birch cedar delta ember fjord glade heron inlet jasper kelp larch maple north ochre pearl
    quartz raven slate thorn umber vale willow yarrow zephyr alder basil clover dune elm fern grove
    hazel iris juniper knoll lotus moss nettle opal pine quince reed sage tulip bramble violet wren yew
    aster bloom cliff dew echo flint gorse hill isle jade kite leaf mint nook oak plum rill sand tarn
    urn vine wolf crane
"""
_NAMES = _WORDS.split()
_ENDINGS = (".txt", ".txt", ".csv", ".log", ".dat", "")
_PARTS = ("part-1.txt", "part-2.txt", "part-3.txt")
_PLACEHOLDER = re.compile(r"\{(\w)\}")
_STATEMENT = re.compile(r"(?P<target>\S+?)(?P<sign>:| \+| ->)(?: (?P<words>.*))?")


@dataclass(frozen=True, slots=True)
class Truth:
    """What a file was made from, and what may be named besides."""

    sources: frozenset[str]
    allowed: frozenset[str]


@dataclass(frozen=True, slots=True)
class Script:
    """Its steps, the files that it finds by their content, and what it makes."""

    steps: tuple[str, ...]
    files: Mapping[str, str]
    made: Mapping[str, Truth]

    @property
    def text(self) -> str:
        return "".join(f"{step}\n" for step in self.steps)


@dataclass(frozen=True, slots=True)
class Way:
    """A way to run a script: the shell that it is written for, and how it is run in a directory."""

    name: str
    shell: str
    run: Callable[[Script, Path], None]


def ways_here() -> list[Way]:
    """Return the ways of which the shell is installed."""
    return [way for way in WAYS if shutil.which(way.shell)]


def script(shell: str, seed: str, steps: int = STEPS_EACH) -> Script:
    """Put a script together, always the same of one seed."""
    return _Writer(shell, random.Random(seed)).script(steps)


@dataclass(eq=False, slots=True)
class _File:
    """A file, whatever it is called by now, or a variable; `ready`: for other steps to use."""

    name: str
    sources: list[_File] = field(default_factory=list)
    allowed: list[_File] = field(default_factory=list)
    ready: bool = True


class _Writer:
    def __init__(self, shell: str, draw: random.Random) -> None:
        self._draw = draw
        self._kinds = [kind for kind in STEPS if shell in kind.shells]
        self._names = [name + draw.choice(_ENDINGS) for name in draw.sample(_NAMES, len(_NAMES))]
        self._given = [_File(self._names.pop()) for _ in range(GIVEN)] + [_File(name) for name in _PARTS]
        self._made = [_File(LOG, ready=False)]
        self._captured: list[_File] = []

    def script(self, steps: int) -> Script:
        texts = tuple(self._step() for _ in range(steps))
        files = {one.name: self._content() for one in self._given}
        return Script(texts, files, {one.name: _truth(one) for one in self._made})

    def _content(self) -> str:
        lines = sorted(f"{self._draw.choice(_NAMES)} {self._draw.randrange(1000)}" for _ in range(LINES))
        return "".join(f"{line}\n" for line in lines)

    def _step(self) -> str:
        while True:
            kind = self._draw.choice(self._kinds)
            keys = set(_PLACEHOLDER.findall(kind.text))
            if ("p" not in keys or self._ready()) and ("w" not in keys or self._captured):
                return self._written(kind, keys)

    def _ready(self) -> list[_File]:
        return [one for one in self._made if one.ready]

    def _written(self, kind: Step, keys: set[str]) -> str:
        found = {key: _File(self._names.pop()) for key in sorted(keys & set("xyztu"))}
        found["v"] = _File(f"v{self._draw.randrange(10**6)}")
        if "w" in keys:
            found["w"] = self._draw.choice(self._captured)
        if "p" in keys:
            found["p"] = self._draw.choice(self._ready())
        pool = [one for one in (*self._given, *self._ready()) if one is not found.get("p")]
        found |= zip("abc", self._draw.sample(pool, 3), strict=True)
        text = kind.text.format(g="part-*.txt", **{key: one.name for key, one in found.items()})
        for statement in kind.made.split("; "):
            self._note(statement, found)
        return text

    def _note(self, statement: str, found: dict[str, _File]) -> None:
        parts = _STATEMENT.fullmatch(statement)
        assert parts is not None, statement
        target, sign, words = parts["target"], parts["sign"].strip(), (parts["words"] or "").split()
        made = self._target(target.removesuffix("*"), found)
        if sign == "->":
            made.name = found[words[0]].name
            return
        if sign == ":":
            made.sources, made.allowed = [], []
        made.ready = made.ready and not target.endswith("*")
        for word in words:
            if word.startswith("?"):
                made.allowed.append(found[word[1:]])
            elif word == "g":
                made.sources += [one for one in self._given if one.name in _PARTS]
            else:
                made.sources += found["w"].sources if word == "w" else [found[word]]

    def _target(self, target: str, found: dict[str, _File]) -> _File:
        if target == "$v":
            self._captured.append(found["v"])
            return found["v"]
        if target in found and found[target] not in self._made:
            self._made.append(found[target])
        name = LOG if target == LOG else found[target[0]].name + target[1:].replace("+", "")
        known = next((one for one in self._made if one.name == name), None)
        if known is None:
            self._made.append(known := _File(name))
        return known


def _truth(file: _File) -> Truth:
    sources = {one.name for one in file.sources if one is not file}
    return Truth(frozenset(sources), frozenset(one.name for one in file.allowed))


def measure(ways: Iterable[Way], seeds: Iterable[int], directory: Path) -> dict[Way, Agreement]:
    """Run a script of each seed in each of these ways on a mount below `directory`, and compare."""
    source, database = directory / "source", directory / "state" / "events.db"
    source.mkdir()
    database.parent.mkdir(mode=0o700)
    scripts = {
        way: {f"{number}-{seed}": script(way.shell, f"{way.name} {seed}") for seed in seeds}
        for number, way in enumerate(ways)
    }
    with mounted(source, directory / "mountpoint", database) as root:
        for way, its in scripts.items():
            for name, one in its.items():
                (place := root / name).mkdir()
                for file, content in one.files.items():
                    (place / file).write_text(content)
                way.run(one, place)
    with Answers.open(database, None) as answers:
        return {way: judge(answers, source, its) for way, its in scripts.items()}


def judge(answers: Answers, root: Path, scripts: Mapping[str, Script]) -> Agreement:
    """Compare what is known of what these scripts, each in the directory below `root` of its name, made."""
    named = needed = right = products = 0
    wrong = []
    for place, one in scripts.items():
        for file, truth in one.made.items():
            if not (root / place / file).exists():
                continue
            sources = answers.sources(f"{place}/{file}", MOST)
            found = {source.path.removeprefix(f"{place}/") for source in sources}
            found -= truth.allowed - truth.sources
            products += 1
            named, needed = named + len(found), needed + len(truth.sources)
            right += len(found & truth.sources)
            signs = {name: "+" if name in found else "-" for name in found ^ truth.sources}
            wrong += [f"{place}/{file}: {sign}{name}" for name, sign in sorted(signs.items())]
    return Agreement(right / max(1, named), right / max(1, needed), products, tuple(wrong))


def _call(words: list[str], place: Path, text: str | None = None) -> None:
    """Run a shell; what it complains of is part of the game."""
    given = (text or "").encode()
    subprocess.run(words, cwd=place, input=given, timeout=PATIENCE, capture_output=True, check=False)


def _from_file(command: str) -> Callable[[Script, Path], None]:
    """Return what runs a script that lies beside the files, as this command says."""

    def run(one: Script, place: Path) -> None:
        (place / "run.sh").write_text(one.text)
        _call(["sh", "-c", command], place)

    return run


def _behind_c(one: Script, place: Path) -> None:
    _call(["bash", "-c", one.text], place)


def _on_input(one: Script, place: Path) -> None:
    _call(["bash"], place, one.text)


def _typed(one: Script, place: Path) -> None:
    """Type the steps at the prompt of a terminal, each when the one before is done."""
    prompt = b"(ready)"
    terminal, its = os.openpty()
    env = {**os.environ, "PS1": prompt.decode(), "PS2": "", "HISTFILE": "", "TERM": "dumb"}
    words = ["setsid", "--ctty", "bash", "--norc", "-i"]
    with (
        os.fdopen(terminal, "r+b", buffering=0) as typed,
        subprocess.Popen(words, cwd=place, env=env, stdin=its, stdout=its, stderr=its) as shell,
    ):
        os.close(its)
        for step in (*one.steps, "exit"):
            shown = b""
            while not shown.endswith(prompt):
                shown += typed.read(4096)
            typed.write(f"{step}\n".encode())
        with contextlib.suppress(OSError):  # that is how the end of a terminal shows
            while typed.read(4096):
                pass
        shell.wait(PATIENCE)


WAYS = (
    Way("sh FILE", "sh", _from_file("sh run.sh")),
    Way("bash FILE", "bash", _from_file("bash run.sh")),
    Way("bash FILE > log 2>&1", "bash", _from_file("bash run.sh > log 2>&1")),
    Way("zsh FILE | tee log", "zsh", _from_file("zsh run.sh 2>&1 | tee log")),
    Way("bash -c TEXT", "bash", _behind_c),
    Way("TEXT | bash", "bash", _on_input),
    Way("bash < FILE", "bash", _from_file("bash < run.sh")),
    Way("at a terminal", "bash", _typed),
)
