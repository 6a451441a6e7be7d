"""A home directory in which several things go on: documents, photographs, downloads, notes, a program.

No repository knows what belongs together there, so the truth is given: the files of a task belong together.
Each task is worked on again and again with some of its files, in programs that save in the ways they do;
sometimes two tasks in one sitting.  Beside the work a home has noise of its own: programs that note what was
opened, a browser that is never done with its journals, thumbnails of every folder that is looked at, lock
files, a synchronisation that takes up each file that was saved, backups.  A seed decides the details.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from bench.quality.questions import Question
from mycelial.record.events import Event, Op, Process

UID = 1000
START = 1_700_000_000.0
DAYS = 240
PLACES = ("Alma", "Brno", "Cork", "Delft", "Evora", "Fano", "Graz", "Hilo")
SUBJECTS = ("roof", "garden", "choir", "allotment", "insurance", "school", "kitchen", "loan")


class Din(StrEnum):
    """What runs beside the work in a home."""

    DESKTOP = "lists of what was opened"
    BROWSER = "a browser's journals"
    THUMBNAILER = "thumbnails of folders"
    SYNC = "synchronisation of what was saved"
    BACKUP = "a nightly backup"


ALL_DIN = frozenset(Din)


@dataclass(frozen=True, slots=True)
class Task:
    """Files that belong together: in `core` those that are used nearly always, in `rest` now and then."""

    core: tuple[str, ...]
    rest: tuple[str, ...]

    @property
    def files(self) -> tuple[str, ...]:
        """All of them."""
        return self.core + self.rest


def tasks(seed: int) -> list[Task]:
    """Return the tasks of one home."""
    draw = random.Random(f"{seed} tasks")
    places, subjects = draw.sample(PLACES, 4), draw.sample(SUBJECTS, 4)
    found = []
    for subject in subjects[:2]:  # letters: scans and what was downloaded lie elsewhere
        folder = f"Documents/{subject.capitalize()}"
        scans = tuple(f"Documents/Scans/scan{draw.randrange(1000, 9999)}.pdf" for _ in range(3))
        got = tuple(f"Downloads/{subject}_{draw.randrange(100)}.pdf" for _ in range(2))
        core = (f"{folder}/letter.odt", f"{folder}/costs.ods")
        found.append(Task(core, (*scans, *got, f"{folder}/notes.txt", "Documents/addresses.ods")))
    for place in places[:2]:  # journeys
        folder = f"Documents/Trips/{place}"
        tickets = tuple(f"Downloads/{draw.randrange(10**7):07d}.pdf" for _ in range(3))
        core = (f"{folder}/plan.odt", f"{folder}/budget.ods")
        found.append(Task(core, (*tickets, f"{folder}/packing.txt", f"Pictures/Maps/{place}.png")))
    for place in places[1:3]:  # photographs: originals, what is made of them, an album
        folder = f"Pictures/{place}"
        numbers = draw.sample(range(1000, 9999), 6)
        raw = tuple(f"{folder}/IMG_{number}.jpg" for number in numbers)
        edited = tuple(f"{folder}/edited/IMG_{number}.xcf" for number in numbers[:4])
        found.append(Task(edited[:2], (*raw, *edited[2:], f"Documents/Albums/{place}.odt")))
    year = draw.choice((2021, 2022, 2023))  # taxes: many receipts, a table, an export
    receipts = tuple(f"Documents/Receipts/{year}-{month:02d}.pdf" for month in range(1, 9))
    core = (f"Documents/Taxes/{year}/return.ods", f"Documents/Taxes/{year}/summary.odt")
    found.append(Task(core, (*receipts, f"Downloads/statement-{year}.csv")))
    chapters = tuple(f"Thesis/chapters/{name}.tex" for name in ("intro", "method", "results", "outlook"))
    figures = tuple(f"Thesis/figures/{name}.png" for name in ("setup", "error", "scaling"))
    found.append(
        Task(("Thesis/main.tex", "Thesis/references.bib"), (*chapters, *figures, "Thesis/plots/plot.py"))
    )
    modules = tuple(f"Projects/bot/bot/{name}.py" for name in ("client", "parser", "storage", "commands"))
    tests = tuple(f"Projects/bot/tests/test_{name}.py" for name in ("parser", "storage"))
    found.append(Task(modules[:2], (*modules[2:], *tests, "Projects/bot/README.md")))
    for subject in subjects[2:]:  # notes that lead to one another, all in one folder
        names = draw.sample(("people", "ideas", "meeting", "budget", "dates", "links", "open questions"), 5)
        found.append(Task((f"Notes/{subject}.md",), tuple(f"Notes/{subject} {name}.md" for name in names)))
    return found


def home(seed: int = 0, din: frozenset[Din] = ALL_DIN) -> tuple[list[Event], list[Question]]:
    """Return the log of a home in order of time, and what is asked: each file of a task for the others."""
    person = _Person(seed, din)
    whole = tasks(seed)
    for day in range(DAYS):
        person.day(day, whole)
    shared = {file for task in whole for file in task.files if sum(file in t.files for t in whole) > 1}
    asked = []
    for number, task in enumerate(whole):
        known = [file for file in task.files if file in person.seen]
        for file in known:
            others = frozenset(known) - {file}
            if others and file not in shared:
                asked.append(Question(file, others, number))
    return sorted(person.events, key=lambda event: event.t), asked


class _Person:
    """Draws one day after the other; the work and each kind of noise have generators of their own."""

    def __init__(self, seed: int, din: frozenset[Din]) -> None:
        self.events: list[Event] = []
        self.seen: set[str] = set()
        self._draw = random.Random(f"{seed} days")
        self._noises = {kind: random.Random(f"{seed} {kind}") for kind in Din}
        self._din = din
        self._pid = 3000
        self._programs: dict[str, Process] = {}
        self._current: list[Task] = []

    def day(self, day: int, whole: list[Task]) -> None:
        """Sit down some times, at what is going on these weeks."""
        draw = self._draw
        if day % 15 == 0:
            self._current = draw.sample(whole, 4)
        self._programs.clear()  # the machine was off
        t = START + 86400.0 * day + draw.uniform(0.0, 3 * 3600.0)
        for _ in range(draw.choice((0, 1, 1, 2, 3))):
            chosen = draw.sample(self._current, 2 if draw.random() < 0.25 else 1)
            if draw.random() < 0.15:
                chosen[0] = draw.choice(whole)
            t = self._sit(chosen, t) + draw.uniform(1200.0, 4 * 3600.0)
        if Din.BACKUP in self._din and self.seen:
            for number, path in enumerate(sorted(self.seen)):
                backup = Process(900, 1, "restic", 0, ((1, "systemd"),))
                self._add(START + 86400.0 * (day + 0.9) + number / 40, Op.READ, path, backup)

    def _sit(self, chosen: Iterable[Task], t: float) -> float:
        """Work on some files of each task, in any order; return when it is over."""
        draw = self._draw
        files = ["Documents/todo.txt"] if draw.random() < 0.3 else []
        for task in chosen:
            files += [file for file in task.core if draw.random() < 0.8]
            files += [file for file in task.rest if draw.random() < 0.3]
        draw.shuffle(files)
        for path in files:
            self._browse(path, t)
            until = t + draw.lognormvariate(4.5, 0.8)
            self._use(path, t, until)
            t = until if draw.random() < 0.7 else t + draw.uniform(2.0, 20.0)
        if draw.random() < 0.2 and self.seen:  # something else was looked at, too
            self._use(draw.choice(sorted(self.seen)), t + 5.0, t + 30.0, 0.0)
        return t

    def _use(self, path: str, t: float, until: float, saving: float = 0.6) -> None:
        draw, (folder, _, name) = self._draw, path.rpartition("/")
        suffix = name.rpartition(".")[2]
        if path not in self.seen and folder == "Downloads":
            browser = self._program("firefox")
            self._make(t, f"{path}.part", browser)
            self._add(t + 1.5, Op.RENAME, f"{path}.part", browser, path)
            t += 2.0
        self._note(path, t)
        known = path in self.seen
        self.seen.add(path)
        if suffix in ("odt", "ods"):
            self._write_document(path, f"{folder}/.~lock.{name}#", (t, until), saving)
        elif suffix in ("pdf", "jpg", "png", "csv"):
            self._add(t, Op.READ, path, self._program("evince" if suffix == "pdf" else "eog"))
        elif suffix == "xcf":
            self._edit(path, "gimp", (t, until), saving, known=known)
        elif suffix in ("txt", "md"):
            self._edit(path, "gedit", (t, until), saving, known=known)
        else:
            self._edit(path, "vim" if draw.random() < 0.5 else "code", (t, until), saving, known=known)

    def _write_document(self, path: str, lock: str, when: tuple[float, float], saving: float) -> None:
        """LibreOffice: a lock beside the document, and a new file renamed over it."""
        office, (t, until) = self._program("soffice.bin"), when
        self._make(t, lock, office)
        self._add(t + 0.1, Op.READ, path, office)
        if self._draw.random() < saving:
            temporary = f"{path.rpartition('/')[0]}/lu{self._draw.randrange(10**6)}.tmp"
            self._make(until - 0.6, temporary, office)
            self._add(until - 0.5, Op.RENAME, temporary, office, path)
            self._saved(path, until)
        self._add(until - 0.2, Op.UNLINK, lock, office)

    def _edit(
        self, path: str, program: str, when: tuple[float, float], saving: float, *, known: bool
    ) -> None:
        """An editor that runs all day, or (vim) one for each file."""
        (t, until), folder = when, path.rpartition("/")[0]
        editor = self._program(program)
        if program == "vim":
            self._pid += 1
            editor = Process(self._pid, editor.pid, "vim", UID, ((editor.pid, "bash"), *editor.chain))
        if known:
            self._add(t, Op.READ, path, editor)
        if known and self._draw.random() >= saving:
            return
        if program == "gedit" and known:
            temporary = f"{folder}/.goutputstream-{self._draw.getrandbits(30):06X}"
            self._make(until - 0.6, temporary, editor)
            self._add(until - 0.5, Op.RENAME, temporary, editor, path)
        else:
            self._add(until - 0.5, Op.WRITE if known else Op.CREATE, path, editor)
            self._add(until - 0.4, Op.WRITE, path, editor)
        self._saved(path, until)

    # Noise.

    def _browse(self, path: str, t: float) -> None:
        """The folder is looked at in the file manager first, which wants thumbnails."""
        if Din.THUMBNAILER in self._din and self._noises[Din.THUMBNAILER].random() < 0.5:
            folder = path.rpartition("/")[0]
            beside = [p for p in sorted(self.seen) if p.rpartition("/")[0] == folder]
            for number, other in enumerate(beside):
                self._add(t - 2.0 + 0.05 * number, Op.READ, other, self._program("tumblerd"))

    def _note(self, path: str, t: float) -> None:
        """What a desktop and a browser write down all the time."""
        if Din.DESKTOP in self._din:
            desktop, place = self._program("gnome-shell"), ".local/share/recently-used.xbel"
            self._make(t + 0.3, f"{place}.X{self._noises[Din.DESKTOP].randrange(10**5)}", desktop)
            temporary = self.events[-1].path
            self._add(t + 0.4, Op.RENAME, temporary, desktop, place)
        if Din.BROWSER in self._din:
            browser, draw = self._program("firefox"), self._noises[Din.BROWSER]
            profile = ".mozilla/firefox/p1.default"
            for name in ("places.sqlite-wal", "cookies.sqlite-wal", "sessionstore.jsonlz4"):
                if draw.random() < 0.5:
                    self._add(t + draw.uniform(0.0, 20.0), Op.WRITE, f"{profile}/{name}", browser)
            for _ in range(3):
                entry = f".cache/mozilla/{draw.getrandbits(40):010X}"
                self._make(t + draw.uniform(0.0, 20.0), entry, browser)

    def _saved(self, path: str, t: float) -> None:
        if Din.SYNC in self._din:
            after = t + self._noises[Din.SYNC].uniform(1.0, 8.0)
            sync = self._program("syncthing")
            self._add(after, Op.READ, path, sync)
            self._add(after + 0.1, Op.WRITE, ".local/state/sync/journal.db", sync)

    # Events and processes.

    def _make(self, t: float, path: str, process: Process) -> None:
        self._add(t, Op.CREATE, path, process)
        self._add(t + 0.01, Op.WRITE, path, process)

    def _add(self, t: float, op: Op, path: str, process: Process, to: str | None = None) -> None:
        self.events.append(Event(round(t, 3), op, path, process, to))

    def _program(self, name: str) -> Process:
        """Return the process of a program that was started from the desktop today."""
        if name not in self._programs:
            self._pid += 1
            chain = ((1500, "gnome-shell"), (1400, "systemd"), (1, "systemd"))
            self._programs[name] = Process(self._pid, 1500, name, UID, chain)
        return self._programs[name]
