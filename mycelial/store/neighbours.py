"""Reading evidence: what is known about the pairs that one file is part of, on behalf of one user or all.

Evidence of the episode that is still going on is not in the tables yet; it is worked out here from the
episode's touches, by the same formula, so that a relation shows as soon as its event is committed.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from heapq import nlargest

from mycelial.store.connection import Database
from mycelial.store.evidence import open_touches
from mycelial.store.files import ROOT
from mycelial.store.names import from_column
from mycelial.store.succession import successions
from mycelial.store.weighing import EpisodeEvidence, Touch, growth, habit

_GIVEN = "(SELECT value FROM json_each(?))"  # numbers, as JSON: the statement stays the same and is kept

MANY = 100
"""Sources or products beyond which their number makes little difference, and is not counted further."""


MOSTLY = 0.5
"""Share of a file's episodes in which nothing but habit took it up, beyond which nobody chose it."""

LATEST = 20
"""Episodes of a file that tell whether writing it is a habit, too."""


@dataclass(slots=True)
class Bond:
    """Evidence for one pair: its present weight, the number of times, the latest (seconds), and which
    episode that was (0 for evidence that is not of episodes); `made` if the one was made from the other;
    for a single file, in how many episodes only habit took it up, and in how many version control did."""

    weight: float = 0.0
    count: int = 0
    last: float = 0.0
    episode: int = 0
    program: str = ""
    made: bool = False
    habitual: float = 0.0
    kept: int = 0

    @property
    def by_habit(self) -> float:
        """The share of its episodes in which nothing but a program's habit took it up."""
        return habit(self.habitual, self.count)


@dataclass(frozen=True, slots=True)
class OpenEpisode:
    """An episode that is still going on: its latest event, how far its weight has faded until now (more
    than nothing if its user has been away), what it says, and of what touches."""

    number: int
    ended: float
    fading: float
    evidence: EpisodeEvidence
    touches: Mapping[tuple[int, int], Touch]


class Neighbours:
    """Looks up evidence for one reader.

    Attributes
    ----------
    now : float
        Time of the latest event that counts, in seconds since the epoch: all ages are measured from it.
    """

    def __init__(self, database: Database, uid: int | None) -> None:
        self._connection = database.conn
        self._execute = database.conn.execute
        self._whose = "" if uid is None else f" AND uid = {int(uid)}"
        self._joining: dict[int, list[OpenEpisode]] = {}
        self._fading = 1.0
        self._using: dict[int, Bond] = {}
        self._said: dict[tuple[int, int], tuple[tuple[int, float], ...]] = {}
        self._after: dict[int, dict[int, list[tuple[int, Touch]]]] = {}  # by episode and file
        self.now = 0.0

    def refresh(self) -> None:
        """Look at the open episodes anew: the database has changed."""
        landmark = self._execute("SELECT value FROM meta WHERE key = 'landmark'").fetchone()
        touches = open_touches(self._connection, self._whose)
        ends = dict(self._execute(f"SELECT id, ended FROM episode WHERE open{self._whose} ORDER BY id"))
        self.now = now = max(ends.values(), default=0.0)
        if landmark is not None:
            self._fading = 1.0 / growth(now, landmark[0])
        self._using, self._joining, self._said, self._after = {}, {}, {}, {}
        for number, touched in touches.items():
            evidence = EpisodeEvidence(touched)
            episode = OpenEpisode(number, ends[number], growth(ends[number], now), evidence, touched)
            for file, weight in evidence.weights.items():
                self._joining.setdefault(file, []).append(episode)
                kept = int(evidence.is_kept(file))
                _add(self._using, file, Bond(weight * episode.fading, 1, episode.ended, kept=kept))
            whole = math.fsum(evidence.weights.values())
            kept = int(evidence.has_changes)
            _add(self._using, ROOT, Bond(whole * episode.fading, 1, episode.ended, kept=kept))

    def together(self, file: int, most: int | None = None) -> dict[int, Bond]:
        """Return the files used together with `file`; of many `most`, the strongest, or somewhat more."""
        found: dict[int, Bond] = {}
        rows = self._execute(
            f"SELECT b, weight, episodes, last, episode FROM together WHERE a = ?{self._whose}", (file,)
        ).fetchall()
        if most is not None and len(rows) > most and self._whose:  # else several rows may be of one file
            fading = self._fading
            strongest = nlargest(most, rows, key=lambda row: (row[1] * fading, -row[0]))
            kept = {row[0] for row in strongest}
            for open_episode in self._joining.get(file, ()):
                kept.update(other for other, _ in self._partners(open_episode, file))
            rows = [row for row in rows if row[0] in kept]
        for b, weight, count, last, episode in rows:
            _add(found, b, Bond(weight * self._fading, count, last, episode))
        for open_episode in self._joining.get(file, ()):
            for other, weight in self._partners(open_episode, file):
                bond = Bond(weight * open_episode.fading, 1, open_episode.ended, open_episode.number)
                _add(found, other, bond)
        return found

    def steps(self, files: Iterable[int], least: float) -> dict[int, dict[int, float]]:
        """Return, for each of `files`, the weights of its bonds that are not below `least`."""
        found: dict[int, dict[int, float]] = {file: {} for file in files}
        for a, b, weight in self._execute(
            f"SELECT a, b, weight FROM together WHERE a IN {_GIVEN} AND weight >= ?{self._whose}",
            (json.dumps(list(found)), least / self._fading),
        ):
            found[a][b] = found[a].get(b, 0.0) + weight * self._fading
        for file, ends in found.items():
            for episode in self._joining.get(file, ()):
                for other, weight in self._partners(episode, file):
                    if weight * episode.fading >= least:
                        ends[other] = ends.get(other, 0.0) + weight * episode.fading
        return found

    def following(self, file: int) -> dict[int, Bond]:
        """Return the files taken up soon after this one."""
        found: dict[int, Bond] = {}
        for b, weight, count, last, program in self._execute(
            f"SELECT b, weight, count, last, program FROM next WHERE a = ?{self._whose}", (file,)
        ):
            _add(found, b, Bond(weight * self._fading, count, last, program=from_column(program)))
        for episode in self._joining.get(file, ()):
            self._follow_open(file, episode, found)
        return found

    def sources(self, file: int) -> dict[int, Bond]:
        """Return what the file was made from; the sources of a source that is gone stand in its place."""
        return self._made(file, "product", "source")

    def products(self, file: int) -> dict[int, Bond]:
        """Return what was made from the file, through products that are gone as well."""
        return self._made(file, "source", "product")

    def numbers_of_sources(self, files: Iterable[int]) -> dict[int, int]:
        """Return from how many files each of `files` was made, `MANY` at most."""
        return self._numbers(files, "product")

    def numbers_of_products(self, files: Iterable[int]) -> dict[int, int]:
        """Return how many files were made from each of `files`, `MANY` at most."""
        return self._numbers(files, "source")

    def _numbers(self, files: Iterable[int], column: str) -> dict[int, int]:
        rows = f"SELECT 1 FROM source WHERE {column} = value{self._whose} LIMIT {MANY}"
        return dict(
            self._execute(
                f"SELECT value, (SELECT count(*) FROM ({rows})) FROM json_each(?)", (json.dumps(list(files)),)
            )
        )

    def usage(self, files: Iterable[int]) -> dict[int, Bond]:
        """Return the present weight, the episodes and the latest use of each of `files`.

        That of the root is of all files together.
        """
        found: dict[int, Bond] = {}
        wanted = list(files)
        for file, weight, count, last, habitual, kept in self._execute(
            "SELECT file, weight, episodes, last, habitual, kept FROM usage"
            f" WHERE file IN {_GIVEN}{self._whose}",
            (json.dumps(wanted),),
        ):
            _add(found, file, Bond(weight * self._fading, count, last, 0, "", False, habitual, kept))
        for file in wanted:
            if file not in found:
                found[file] = Bond()
        for file in self._using.keys() & found.keys():
            _add(found, file, self._using[file])
        return found

    def habitual(self, files: Iterable[int]) -> set[int]:
        """Return those of `files` that were mostly taken up by nothing but habit."""
        return {file for file, bond in self.usage(files).items() if bond.by_habit > MOSTLY}

    def is_seldom_written(self, file: int) -> bool:
        """Whether the file was not written in most of the latest episodes with it."""
        (share,) = self._execute(
            "SELECT avg(written) FROM (SELECT max(writes > 0) AS written"
            f" FROM touch JOIN episode ON episode.id = touch.episode WHERE file = ?{self._whose}"
            " GROUP BY touch.episode ORDER BY touch.episode DESC LIMIT ?)",
            (file, LATEST),
        ).fetchone()
        return share is not None and share < MOSTLY

    def programs(self, episode: int, files: tuple[int, ...]) -> tuple[str, ...]:
        """Return what used these files in an episode, sorted."""
        marks = ",".join(map(str, files))
        rows = self._execute(
            f"SELECT DISTINCT program FROM touch WHERE episode = ? AND file IN ({marks})", (episode,)
        )
        return tuple(sorted(from_column(program) for (program,) in rows))

    def _partners(self, episode: OpenEpisode, file: int) -> tuple[tuple[int, float], ...]:
        """Return what an open episode says of a file; it is asked for the same ones again and again."""
        key = episode.number, file
        if key not in self._said:
            self._said[key] = tuple(episode.evidence.partners(file).items())
        return self._said[key]

    def _made(self, file: int, given: str, wanted: str) -> dict[int, Bond]:
        found: dict[int, Bond] = {}
        seen, waiting = {file}, [file]
        while waiting:
            for other, count, t, program, hidden in self._execute(
                f"SELECT {wanted}, count, t, program, gone OR transient FROM source"
                f" JOIN file ON file.id = {wanted} WHERE {given} = ?{self._whose}",
                (waiting.pop(),),
            ):
                if other in seen:
                    continue
                seen.add(other)
                if hidden:
                    waiting.append(other)
                else:
                    found[other] = Bond(1.0, count, t, program=from_column(program), made=True)
        return found

    def _follow_open(self, file: int, episode: OpenEpisode, found: dict[int, Bond]) -> None:
        if episode.number not in self._after:
            after: dict[int, list[tuple[int, Touch]]] = {}
            for before, other, touch in successions(episode.touches):
                after.setdefault(before, []).append((other, touch))
            self._after[episode.number] = after
        for other, touch in self._after[episode.number].get(file, ()):
            _add(found, other, Bond(episode.fading, 1, touch.first, program=touch.program))


def _add(found: dict[int, Bond], file: int, bond: Bond) -> None:
    known = found.get(file)
    if known is None:
        found[file] = bond
        return
    known.weight += bond.weight
    known.count += bond.count
    known.habitual += bond.habitual
    known.kept += bond.kept
    if bond.last >= known.last:
        known.last, known.episode, known.program = bond.last, bond.episode, bond.program
