"""From a history to an event log: the work that may have led to each commit, as a mount would see it.

What is known of a commit is who made it when and which files it changed.  Around it this simulates a terminal
with editors that save in the ways editors do, looks at other files, builds and searches, and git's own
commit; between commits what walks over everything.  A seed decides the details, so a history gives as many
different logs as one likes; the same seed gives the same log.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterable
from enum import StrEnum

from bench.quality.history import Commit
from mycelial.record.events import Event, Op, Process

FIRST_UID = 1000
QUIET = 6 * 3600.0
"""Seconds between two commits beyond which something may have walked over everything."""


class Noise(StrEnum):
    """What runs beside the work and says nothing about what belongs together."""

    INDEXER = "indexer"
    BACKUP = "backup"
    GREP = "grep -r"
    THUMBNAILER = "thumbnailer"
    GIT = "git's own files"


ALL_NOISE = frozenset(Noise)


def events(
    commits: Iterable[Commit], seed: int = 0, noise: frozenset[Noise] = ALL_NOISE, first_pid: int = 2000
) -> list[Event]:
    """Return the log of the work that led to `commits`, in order of time."""
    worker = _Worker(seed, noise, first_pid)
    for commit in commits:
        worker.commit(commit)
    return sorted(worker.events, key=lambda event: event.t)


class _Worker:
    """Draws the work for one commit after the other.

    The work itself and each kind of noise draw from generators of their own, so that a log without some
    noise holds the same work.
    """

    def __init__(self, seed: int, noise: frozenset[Noise], first_pid: int) -> None:
        self.events: list[Event] = []
        self._seed = seed
        self._draw = random.Random(f"{seed} work")
        self._noises = {kind: random.Random(f"{seed} {kind}") for kind in Noise}
        self._noise = noise
        self._pid = first_pid
        self._tree: dict[str, None] = {}  # in order of arrival
        self._lately: list[str] = []
        self._terminals: dict[int, tuple[int, float]] = {}  # pid of the shell, time of its last commit
        self._last = -math.inf

    def commit(self, commit: Commit) -> None:
        """Add the work that led to it, the commit itself, and what ran since the one before."""
        self._between(commit.t)
        draw, t = self._draw, commit.t
        shell = self._terminal(commit)
        known = [path for path in commit.written if path in self._tree]
        window = draw.lognormvariate(math.log(240.0 + 90.0 * min(len(commit.written), 10)), 0.7)
        start = t - min(max(5.0, window), max(5.0, 0.9 * (t - self._last)))
        for old, new in commit.renamed:
            self._move(commit.author, shell, old, new, start + draw.random() * (t - start) * 0.3)
        imported = len(commit.written) > 60
        if imported:
            self._check_out(commit, shell)
        else:
            for path in commit.written:
                self._edit(commit.author, shell, path, start, t)
            self._look_around(commit, shell, known, start)
        for path in commit.removed:
            at = start + draw.random() * (t - start)
            self._add(at, Op.UNLINK, path, self._process(shell, "rm", commit.author))
            self._tree.pop(path, None)
        self._tree.update(dict.fromkeys(commit.written))
        if not imported:
            self._record_change(commit, shell)
        self._lately = [*self._lately, *commit.written][-40:]
        self._last = t

    # The parts of a piece of work.

    def _terminal(self, commit: Commit) -> int:
        shell, last = self._terminals.get(commit.author, (0, -math.inf))
        if commit.t - last > 4 * 3600.0:
            shell = self._new_pid()
        self._terminals[commit.author] = shell, commit.t
        return shell

    def _edit(self, author: int, shell: int, path: str, start: float, end: float) -> None:
        draw = self._draw
        # Each author has a favourite and now and then takes something else.
        favourite = random.Random(f"{self._seed} {author}").choice(
            ("vim", "nano", "code", "emacs", "soffice")
        )
        program = favourite if draw.random() < 0.85 else draw.choice(("vim", "nano", "code"))
        editor = self._process(shell, program, author)
        opened = start + draw.random() * 0.6 * (end - start)
        self._notice(path, opened)
        if path in self._tree:
            self._add(opened, Op.READ, path, editor)
        saves = 1 + min(4, int(draw.expovariate(1.0)))
        times = sorted(opened + draw.random() * 0.95 * (end - opened) for _ in range(saves))
        folder, slash, name = path.rpartition("/")
        beside = folder + slash
        if program == "vim":
            self._make(opened + 0.05, f"{beside}.{name}.swp", editor)
        for t in times:
            self._save(program, path, beside, name, t, editor)
            self._tree.setdefault(path)
            self._notice(path, t)
        if program == "vim":
            self._add(end - 0.01, Op.UNLINK, f"{beside}.{name}.swp", editor)

    def _save(self, program: str, path: str, beside: str, name: str, t: float, editor: Process) -> None:
        if program == "code":
            temporary = f"{beside}.{name}.{self._draw.randrange(10**6):06d}"
            self._make(t, temporary, editor)
            self._add(t + 0.02, Op.RENAME, temporary, editor, path)
        elif program in ("emacs", "soffice") and path in self._tree:
            self._add(t, Op.RENAME, path, editor, f"{path}~")
            self._make(t + 0.01, path, editor)
            self._add(t + 0.03, Op.UNLINK, f"{path}~", editor)
        else:
            self._add(t, Op.WRITE if path in self._tree else Op.CREATE, path, editor)
            self._add(t + 0.01, Op.WRITE, path, editor)

    def _look_around(self, commit: Commit, shell: int, known: list[str], start: float) -> None:
        """Other files that were looked at on the way, a search, a build, or tests."""
        draw, t, files = self._draw, commit.t, list(self._tree)
        if not files:
            return
        for _ in range(min(6, int(draw.expovariate(0.5)))):
            near = [path for path in files if known and _folder(path) == _folder(known[0])]
            chosen = draw.choice(draw.choice((near or files, self._lately or files, files)))
            program = draw.choice(("cat", "less", "vim", "nano"))
            self._add(
                start + draw.random() * (t - start),
                Op.READ,
                chosen,
                self._process(shell, program, commit.author),
            )
        if draw.random() < 0.12:
            self._walk(draw.choice(("grep", "rg")), commit.author, shell, t - 3.0, _part(draw, files), 250.0)
        if draw.random() < 0.15:
            make = self._process(shell, "make", commit.author)
            at = t - 0.5 * (t - start)
            for path in known[:8]:
                compiler = self._process(make.pid, "cc1", commit.author)
                for number, read in enumerate([path, *draw.sample(files, min(2, len(files)))]):
                    self._add(at + 0.004 * number, Op.READ, read, compiler)
                at += 0.4
        if draw.random() < 0.08:
            self._walk("python3", commit.author, shell, t - 5.0, _part(draw, files)[:40], 20.0)

    def _record_change(self, commit: Commit, shell: int) -> None:
        git = self._process(shell, "git", commit.author)
        for path in self._draw.sample(commit.written, len(commit.written)):
            self._add(commit.t, Op.READ, path, git)
        if Noise.GIT in self._noise:
            draw = self._noises[Noise.GIT]
            self._add(commit.t + 0.1, Op.READ, ".git/index", git)
            self._make(commit.t + 0.2, ".git/index.lock", git)
            self._add(commit.t + 0.22, Op.RENAME, ".git/index.lock", git, ".git/index")
            self._add(commit.t + 0.3, Op.WRITE, ".git/COMMIT_EDITMSG", git)
            for _ in commit.written[:5]:
                self._make(
                    commit.t + 0.4,
                    f".git/objects/{draw.randrange(256):02x}/{draw.getrandbits(152):038x}",
                    git,
                )
            self._add(commit.t + 0.5, Op.WRITE, ".git/logs/HEAD", git)

    def _check_out(self, commit: Commit, shell: int) -> None:
        git = self._process(shell, "git", commit.author)
        for number, path in enumerate(commit.written):
            self._make(commit.t + 0.002 * number, path, git)

    def _move(self, author: int, shell: int, old: str, new: str, t: float) -> None:
        self._add(t, Op.RENAME, old, self._process(shell, "mv", author), new)
        if old in self._tree:
            del self._tree[old]
        self._tree[new] = None

    # Noise.

    def _between(self, t: float) -> None:
        """What walked over everything in the quiet before a commit."""
        files = list(self._tree)
        if not files or t - self._last < QUIET:
            return
        root = 0 - FIRST_UID  # the author whose uid is 0
        for kind, chance, programs in (
            (Noise.BACKUP, 0.12, (("rsync", 120.0), ("borg", 25.0), ("tar", 300.0))),
            (Noise.INDEXER, 0.06, (("tracker-miner-f", 15.0), ("updatedb", 800.0), ("clamscan", 6.0))),
            (Noise.GREP, 0.10, (("grep", 250.0), ("rg", 900.0))),
            (Noise.THUMBNAILER, 0.06, (("tumblerd", 8.0), ("thumbnailer", 20.0))),
        ):
            draw = self._noises[kind]
            program, pace = draw.choice(programs)
            at = t - draw.uniform(0.2, 0.6) * QUIET
            if draw.random() >= chance or kind not in self._noise:
                continue
            author = root if kind in (Noise.BACKUP, Noise.INDEXER) else 0
            walked = [path for path in files if "." in path] if kind is Noise.THUMBNAILER else files
            self._walk(program, author, 1, at, walked, pace)

    def _notice(self, path: str, t: float) -> None:
        """An indexer takes up each file that was just written."""
        if Noise.INDEXER in self._noise and path in self._tree:
            draw = self._noises[Noise.INDEXER]
            self._add(
                t + draw.uniform(0.4, 3.0), Op.READ, path, Process(1200, 1, "tracker-miner-f", FIRST_UID)
            )

    def _walk(self, program: str, author: int, parent: int, t: float, files: list[str], pace: float) -> None:
        walker = self._process(parent, program, author)
        for number, path in enumerate(sorted(files)):
            self._add(t + number / pace, Op.READ, path, walker)

    # Events and processes.

    def _make(self, t: float, path: str, process: Process) -> None:
        self._add(t, Op.CREATE, path, process)
        self._add(t + 0.005, Op.WRITE, path, process)

    def _add(self, t: float, op: Op, path: str, process: Process, to: str | None = None) -> None:
        self.events.append(Event(round(t, 3), op, path, process, to))

    def _process(self, parent: int, program: str, author: int) -> Process:
        return Process(self._new_pid(), parent, program, FIRST_UID + author)

    def _new_pid(self) -> int:
        self._pid += 1
        return self._pid


def _folder(path: str) -> str:
    return path.rpartition("/")[0]


def _part(draw: random.Random, files: list[str]) -> list[str]:
    """Return the files below one of the directories, or a handful from everywhere."""
    top = draw.choice(files).partition("/")[0]
    below = [path for path in files if path.partition("/")[0] == top]
    return below if len(below) > 1 else draw.sample(files, min(12, len(files)))
