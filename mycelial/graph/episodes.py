"""Episodes: the unit of evidence for `together` and `next`.

An episode is one user's burst of work, ended by a gap.  While it goes on, its touches are rows that
readers add by themselves; what it says about pairs is added to the evidence when it is over.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from mycelial.graph.actors import Actor
from mycelial.graph.bursts import Burst, Bursts
from mycelial.graph.habits import VISIBLE, Habits, is_hidden
from mycelial.graph.pairs import pairs_of
from mycelial.graph.programs import Kind, is_guide_of_versions
from mycelial.store.evidence import EvidenceWriter
from mycelial.store.files import ROOT, FileTable
from mycelial.store.succession import successions
from mycelial.store.weighing import EpisodeEvidence, Touch, growth

GAP = 300.0
"""Seconds without an access that end an episode."""

LONGEST = 3600.0
"""Seconds after which an episode ends in any case."""

MOST = 20_000
"""Touches after which an episode ends in any case: while it is closed, all else waits."""

EVERYTHING = ROOT
"""The usage of the mount root is that of all files."""


_VERSIONS, _WATCHER = Kind.VERSIONS, Kind.WATCHER


@dataclass(slots=True)
class Episode:
    """One that is going on."""

    number: int
    uid: int
    started: float
    ended: float
    touches: dict[tuple[int, int], Touch] = field(default_factory=dict)  # (file, burst)
    _bursts: dict[int, dict[int, None]] = field(default_factory=dict)  # of a file; may tell of removed ones
    _files: dict[int, dict[int, None]] = field(default_factory=dict)  # of a burst; the same
    _written: dict[int, dict[int, None]] = field(
        default_factory=dict
    )  # bursts of a file that `make` concerns

    def __post_init__(self) -> None:
        for (file, burst), touch in self.touches.items():
            self._note(file, burst)
            if touch.writes > touch.made:
                self.note_write(file, burst)

    def add(self, file: int, burst: int, touch: Touch) -> None:
        """Add a touch; there is none of this file in this burst."""
        self.touches[file, burst] = touch
        self._note(file, burst)

    def note_write(self, file: int, burst: int) -> None:
        """Note that the file was written in this burst, by whatever means."""
        self._written.setdefault(file, {})[burst] = None

    def is_to_be_kept(self, file: int, is_guide: Callable[[int], bool]) -> bool:
        """Whether the file was written by hand in this episode since version control took it up last,
        together with something that it does not ask what to do."""
        used = {
            b: touch for b in self._bursts.get(file, ()) if (touch := self.touches.get((file, b))) is not None
        }
        written = [touch.last for touch in used.values() if touch.writes > touch.made and not touch.versions]
        if not written:
            return False
        since = max(written)
        return not any(
            touch.versions
            and touch.first >= since
            and any((other, b) in self.touches and not is_guide(other) for other in self._files[b])
            for b, touch in used.items()
        )

    def make(self, file: int) -> list[tuple[int, int]]:
        """Say that the file was made from others, whoever created it; return the keys of what changed."""
        found = [key for burst in self._written.pop(file, ()) if (key := (file, burst)) in self.touches]
        for key in found:
            self.touches[key].made = self.touches[key].writes
        return found

    def remove_file(self, file: int) -> list[tuple[int, int]]:
        """Remove the touches of a file, and return their keys."""
        self._written.pop(file, None)
        return self._remove([(file, burst) for burst in self._bursts.pop(file, ())])

    def remove_burst(self, burst: int) -> list[tuple[int, int]]:
        """Remove the touches of a burst, and return their keys."""
        return self._remove([(file, burst) for file in self._files.pop(burst, ())])

    def _note(self, file: int, burst: int) -> None:
        self._bursts.setdefault(file, {})[burst] = None
        self._files.setdefault(burst, {})[file] = None

    def _remove(self, keys: list[tuple[int, int]]) -> list[tuple[int, int]]:
        return [key for key in keys if self.touches.pop(key, None) is not None]


class Episodes:
    """The open episode of each user, and the evidence of those that ended."""

    def __init__(self, evidence: EvidenceWriter, files: FileTable, bursts: Bursts, habits: Habits) -> None:
        self._evidence = evidence
        self._files = files
        self._bursts = bursts
        self._habits = habits
        self._next = 1
        self._open: dict[int, Episode] = {}
        self._grown: dict[int, Episode] = {}  # since the last dump
        self.landmark = 0.0
        self.sweeps = 0

    def dump(self) -> Iterator[tuple[str, int]]:
        """Yield (key, state); the open episodes themselves are rows, brought up to date here."""
        for number, episode in self._grown.items():
            self._evidence.episode(number, episode.uid, episode.started, episode.ended, "open")
        self._grown.clear()
        yield "", self._next

    def load(self, states: Iterator[tuple[str, Any]]) -> None:
        """Take up what :meth:`dump` gave, and the episodes that were going on."""
        for _, state in states:
            self._next = state
        touches = self._evidence.read_open_touches()
        for number, uid, started, ended in self._evidence.read_open_episodes():
            self._open[uid] = Episode(number, uid, started, ended, touches.get(number, {}))

    def working_since(self, uid: int, t: float) -> float:
        """Return when the user's present episode began; `t` if none is going on at that time."""
        episode = self._open.get(uid)
        return t if episode is None or _is_over(episode, t) else episode.started

    def access(self, actor: Actor, file: int, t: float, *, reads: int = 0, writes: int = 0) -> None:
        """Add an access of the file."""
        burst, became_sweep = self._bursts.access(actor, file, t)
        if burst.swept:
            self._evidence.sweep(burst.number, actor.uid, actor.comm, burst.started, burst.last, burst.swept)
            if became_sweep:
                self.sweeps += 1
                self._drop_burst(actor.uid, burst)
            return
        if not writes and actor.kind is _WATCHER:
            return
        episode = self._open.get(actor.uid)
        is_asked = not writes and actor.kind is _VERSIONS and self._guides_versions(file)
        if (
            episode is None
            or t - episode.ended > GAP
            or t - episode.started > LONGEST
            or len(episode.touches) >= MOST
        ):
            if is_asked:
                return
            if episode is not None:
                self._close(episode)
            episode = self._open[actor.uid] = Episode(self._next, actor.uid, t, t)
            self._next += 1
        key = file, burst.number
        touch = episode.touches.get(key)
        if is_asked and touch is None and not episode.is_to_be_kept(file, self._guides_versions):
            return
        if t > episode.ended:
            episode.ended = t
        self._grown[episode.number] = episode
        if touch is None:
            touch = Touch(actor.comm, t, t, 0, 0, actor.kind is _VERSIONS, actor.tree)
            episode.add(file, burst.number, touch)
        elif t > touch.last:
            touch.last = t
        touch.reads += reads
        if writes:
            touch.writes += writes
            episode.note_write(file, burst.number)
        self._evidence.touch(episode.number, file, burst.number, touch)

    def _guides_versions(self, file: int) -> bool:
        """Whether version control only looks there for what to do: nobody changes it whenever he commits."""
        return is_guide_of_versions(self._files.path(file))

    def make(self, uid: int, file: int) -> None:
        """What was written of the file in the user's open episode made it from others, as it is now."""
        episode = self._open.get(uid)
        if episode is not None:
            for key in episode.make(file):
                self._evidence.touch(episode.number, *key, episode.touches[key])

    def discard(self, file: int) -> None:
        """Forget that the file was touched in any open episode: it was a transient."""
        for episode in self._open.values():
            self._drop(episode, episode.remove_file(file))

    def _drop_burst(self, uid: int, burst: Burst) -> None:
        episode = self._open.get(uid)
        if episode is not None:
            self._drop(episode, episode.remove_burst(burst.number))

    def _drop(self, episode: Episode, keys: list[tuple[int, int]]) -> None:
        for key in keys:
            self._evidence.touch(episode.number, *key, None)

    def _close(self, episode: Episode) -> None:
        evidence, uid, t = self._evidence, episode.uid, episode.ended
        self._grown.pop(episode.number, None)
        if not episode.touches:
            evidence.episode(episode.number, uid, episode.started, t, "empty")
            return
        evidence.episode(episode.number, uid, episode.started, t, "closed")
        grown = growth(t, self.landmark)
        habitual = self._habitual(episode)
        said = EpisodeEvidence(episode.touches, habitual)
        for file, weight in said.weights.items():
            by_habit, kept = habitual.get(file, 0.0), said.is_kept(file)
            evidence.add_usage(file, uid, weight * grown, t, by_habit, kept=kept)
        chosen = math.fsum(w * (1.0 - habitual.get(file, 0.0)) for file, w in said.weights.items())
        evidence.add_usage(EVERYTHING, uid, chosen * grown, t, kept=said.has_changes)
        pairs = pairs_of(said, episode.touches)
        shared = {pair: weight for pair, once in pairs.items() if (weight := once * grown) > 0.0}
        if habitual:
            chosen_share = _choices(episode.touches, habitual)
            shared = {p: weight for p, whole in shared.items() if (weight := whole * chosen_share(*p)) > 0.0}
        evidence.add_together(uid, shared, t, episode.number)
        self._close_successions(episode, grown, habitual)
        evidence.crowd_out(uid, list(said.weights))
        self._files.settle(list(said.weights))

    def _habitual(self, episode: Episode) -> dict[int, float]:
        """Return how much its files were taken up by habit: none that version control took up as well."""
        used: dict[str, dict[int, None]] = {}
        kept = set()
        for (file, _), touch in sorted(episode.touches.items()):
            used.setdefault(touch.program, {})[file] = None
            if touch.versions:
                kept.add(file)
        hidden = {file for file, _ in episode.touches if is_hidden(self._files.path(file))}
        found = self._habits.observe(episode.uid, used, hidden)
        return {
            file: degree if file in hidden else degree * VISIBLE
            for file, degree in found.items()
            if file not in kept
        }

    def _close_successions(self, episode: Episode, grown: float, habitual: Mapping[int, float]) -> None:
        found = successions(episode.touches, lambda f: habitual.get(f, 0.0) < 1.0)
        steps = ((before, file, touch.first, touch.program) for before, file, touch in found)
        self._evidence.add_next(episode.uid, grown, steps)


def _choices(
    touches: Mapping[tuple[int, int], Touch], habitual: Mapping[int, float]
) -> Callable[[int, int], float]:
    """Return a function that tells how much of what joins two files is not owed to one program's habit.

    What an editor notes down with any file that it saves says nothing about this one.
    """
    programs: dict[int, set[str]] = {}
    for (file, _), touch in touches.items():
        programs.setdefault(file, set()).add(touch.program)

    def choice(a: int, b: int) -> float:
        if (a in habitual) == (b in habitual):
            return 1.0
        noted, other = (a, b) if a in habitual else (b, a)
        return 1.0 - habitual[noted] if programs[noted] <= programs[other] else 1.0

    return choice


def _is_over(episode: Episode, t: float) -> bool:
    return t - episode.ended > GAP or t - episode.started > LONGEST
