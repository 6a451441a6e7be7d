"""How good `related` is: our answers beside the baselines', and what each part of the method is worth."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

from bench.quality.baselines import METHODS, Log, answering, count
from bench.quality.history import Commit, files, load
from bench.quality.home import Din, home
from bench.quality.questions import DEPTH, Marks, Question, judge, macro, questions, split
from bench.quality.work import ALL_NOISE, Noise, events
from mycelial.graph import bursts, habits
from mycelial.graph.rebuild import replay
from mycelial.record.events import Event
from mycelial.store import blend, ranking, weighing
from mycelial.store.answers import Answers

OURS = "Mycelial"
CENTURY = 100 * 365.25 * 86400.0


@dataclass(frozen=True, slots=True)
class Trial:
    """A history made ready: its known part, and what the later part asks."""

    name: str
    known: Sequence[Commit]
    asked: Sequence[Question]


def trial(name: str, history: Sequence[Commit] | None = None) -> Trial:
    """Make a history ready, by default one of those that come with the benchmark."""
    known, later = split(load(name) if history is None else history)
    return Trial(name, known, questions(known, later))


def ours(case: Trial, directory: Path, seed: int = 0, noise: frozenset[Noise] = ALL_NOISE) -> Marks:
    """Replay the log of a history into a new database below `directory`, and ask it."""
    return _ask(directory / f"{case.name}.db", events(case.known, seed, noise), case.asked)


def at_home(directory: Path, seeds: Iterable[int], din: frozenset[Din]) -> tuple[Marks, Marks]:
    """Return how good our answers are about homes, and plain counting's on the same logs."""
    own, plain = [], []
    for seed in seeds:
        log, asked = home(seed, din)
        own.append(_ask(directory / "home.db", log, asked))
        plain.append(judge(asked, answering(count, Log(log, {event.path for event in log}))))
    return macro(own), macro(plain)


def _ask(database: Path, log: Iterable[Event], asked: Iterable[Question]) -> Marks:
    replay(database, log)
    try:
        with Answers.open(database, None) as answers:
            return judge(asked, lambda path: [r.path for r in answers.related(path, DEPTH + 1)])
    finally:
        for file in database.parent.glob(f"{database.name}*"):
            file.unlink()


def baselines(case: Trial, seed: int = 0) -> dict[str, Marks]:
    """Return how good each plain method is where it sees the work without any noise."""
    log = Log(events(case.known, seed, frozenset()), files(case.known))
    return {name: judge(case.asked, answering(method, log)) for name, method in METHODS.items()}


def counting(case: Trial, seed: int = 0, noise: frozenset[Noise] = ALL_NOISE) -> Marks:
    """Return how good plain counting is on a log as it is, whatever it names."""
    seen = events(case.known, seed, noise)
    return judge(case.asked, answering(count, Log(seen, {event.path for event in seen})))


@contextmanager
def _set(module: ModuleType, **values: Any) -> Iterator[None]:
    before = {name: getattr(module, name) for name in values}
    try:
        for name, value in values.items():
            setattr(module, name, value)
        yield
    finally:
        for name, value in before.items():
            setattr(module, name, value)


@contextmanager
def _weights(**values: float) -> Iterator[None]:
    def weights_for(kept: int, share: float) -> blend.Weights:
        return replace(blend.weights_for(kept, share), **values)

    with _set(ranking, weights_for=weights_for):
        yield


LEFT_OUT: dict[str, Callable[[], Any]] = {
    "nothing": lambda: _weights(),
    "finding habits": lambda: _set(habits, LEAST=2.0, FULL=3.0, LEAST_HIDDEN=2.0, FULL_HIDDEN=3.0),
    "finding sweeps": lambda: _set(bursts, BREADTH=10**9),
    "changes of version control": lambda: _set(weighing, CHANGE_WEIGHT=0.0, APART_WEIGHT=1.0),
    "… that they set files apart": lambda: _set(weighing, APART_WEIGHT=1.0),
    "moments": lambda: _set(weighing, MOMENT_WEIGHT=0.0),
    "that reading weighs less": lambda: _set(weighing, READ_WEIGHT=1.0, READ_ALONE=1.0),
    "ageing": lambda: _set(weighing, HALF_LIFE=CENTURY),
    "recent use": lambda: _weights(used_lately=0.0),
    "the prior as a whole": lambda: _weights(popularity=0.0, nearness=0.0, names=0.0, walk=0.0),
    "… popularity": lambda: _weights(popularity=0.0),
    "… the same directory": lambda: _weights(nearness=0.0),
    "… names": lambda: _weights(names=0.0),
    "… the walk": lambda: _weights(walk=0.0),
    "what is together again and again": lambda: _weights(again=0.0),
    "what comes next": lambda: _weights(next=0.0),
}
"""What an ablation leaves out, one at a time."""
