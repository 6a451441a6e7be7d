"""The command line of the evaluation, and its report."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from statistics import fmean

from bench.quality import clusters, provenance, scripts
from bench.quality import ranking as judged
from bench.quality.bounds import shortfalls
from bench.quality.history import Commit, from_git, load, stored
from bench.quality.home import ALL_DIN, Din
from bench.quality.questions import Marks, macro
from bench.quality.work import ALL_NOISE, Noise

SHORT = ("flask", "jq")
"""Histories of the short form."""

SCRIPTS, SCRIPTS_SHORT = 8, 2
"""Scripts that are run in each way."""


def main(words: Sequence[str] | None = None) -> int:
    """Print the tables that were asked for; return 1 if a figure of the usual ones is below its bound."""
    parser = argparse.ArgumentParser(prog="python -m bench.quality", description=__doc__)
    parser.add_argument("--short", action="store_true", help="two histories and one build, for CI")
    parser.add_argument("--ablation", action="store_true", help="what each part is worth, instead")
    parser.add_argument("--seeds", type=int, default=1, metavar="N", help="average over so many logs")
    parser.add_argument(
        "--history", type=Path, action="append", metavar="REPOSITORY", help="judge by this one"
    )
    options = parser.parse_args(words)
    histories = _histories(options.history, SHORT if options.short else stored())
    kinds = () if options.short else tuple(Noise)
    with tempfile.TemporaryDirectory(prefix="mycelial-quality-") as name, _pool() as pool:
        report = _Report(Path(name), pool, histories, range(options.seeds))
        if options.ablation:
            report.ablation()
            return 0
        report.begin(ALL_NOISE)
        if not options.history:
            for noise in (frozenset[Noise](), *(frozenset({kind}) for kind in kinds)):
                report.begin(noise)
            report.home((Din.BROWSER,) if options.short else tuple(Din))
            report.clusters()
            report.provenance(provenance.BUILDS[:1] if options.short else provenance.BUILDS)
            report.scripts(SCRIPTS_SHORT if options.short else SCRIPTS)
        report.ranking()
        if options.history:
            return 0
        report.noise(kinds)
    for line in shortfalls(report.figures):
        print(line, file=sys.stderr)
    return 1 if shortfalls(report.figures) else 0


@contextmanager
def _pool() -> Iterator[ProcessPoolExecutor]:
    pool = ProcessPoolExecutor()
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)  # what is not begun waits for nobody when a table fails


def _histories(given: Sequence[Path] | None, names: Iterable[str]) -> dict[str, list[Commit]]:
    if given:
        return {path.absolute().name: from_git(path) for path in given}
    return {name: load(name) for name in names}


class _Report:
    """Prints table after table; `figures` are those that have a bound."""

    def __init__(
        self, directory: Path, pool: ProcessPoolExecutor, histories: dict[str, list[Commit]], seeds: range
    ) -> None:
        self.figures: dict[str, float] = {}
        self._directory = directory
        self._pool = pool
        self._histories = histories
        self._trials = [judged.trial(name, history) for name, history in histories.items()]
        self._seeds = seeds
        self._begun: dict[tuple[str, frozenset[Noise]], list[Future[Marks]]] = {}

    def begin(self, noise: frozenset[Noise]) -> None:
        """Begin to judge our answers about logs with that noise, on other processors."""
        for case in self._trials:
            self._begun[case.name, noise] = trials = []
            for seed in self._seeds:
                place = Path(tempfile.mkdtemp(dir=self._directory))
                trials.append(self._pool.submit(judged.ours, case, place, seed, noise))

    def ranking(self) -> None:
        found: dict[str, list[Marks]] = {}
        for case in self._trials:
            for method, marks in self._averaged(case).items():
                found.setdefault(method, []).append(marks)
        names = [case.name for case in self._trials]
        asked = sum(len(case.asked) for case in self._trials)
        print(f"\n## Ranking: {asked} questions; MAP@10 for each history, then the means\n")
        _line("method", *names, "MAP@10", "MRR", "hit@3")
        _line("---", *("---:" for _ in range(len(names) + 3)))
        best = sorted(found, key=lambda method: -macro(found[method]).map10)
        for method in best:
            mean = macro(found[method])
            rows = [f"{marks.map10:.3f}" for marks in found[method]]
            _line(method, *rows, f"{mean.map10:.3f}", f"{mean.mrr:.3f}", f"{mean.hit3:.3f}")
        own, others = macro(found[judged.OURS]), best[0] if best[0] != judged.OURS else best[1]
        self.figures |= {"MAP@10": own.map10, "MRR": own.mrr, "hit@3": own.hit3}
        self.figures["MAP@10 above the best baseline"] = own.map10 - macro(found[others]).map10

    def noise(self, kinds: Sequence[Noise]) -> None:
        print("\n## Noise: what it costs, in MAP@10\n")
        _line("beside the work runs", judged.OURS, "plain counting")
        _line("---", "---:", "---:")
        clean = self._with_noise("nothing", frozenset())
        for kind in kinds:
            self._with_noise(kind, frozenset({kind}))
        self.figures["MAP@10 that noise costs"] = clean - self._with_noise("all of it", ALL_NOISE)

    def home(self, kinds: Sequence[Din]) -> None:
        print("\n## A home directory: tasks with their documents, pictures and downloads\n")
        _line("beside the work runs", "MAP@10", "MRR", "hit@3", "plain counting")
        _line("---", "---:", "---:", "---:", "---:")
        found = {}
        sets: dict[str, frozenset[Din]] = {
            "nothing": frozenset(),
            **{kind: frozenset({kind}) for kind in kinds},
            "all of it": ALL_DIN,
        }
        for name, din in sets.items():
            marks, plain = judged.at_home(self._directory, self._seeds, din)
            found[name] = marks
            _line(name, *(f"{x:.3f}" for x in (marks.map10, marks.mrr, marks.hit3, plain.map10)))
        own = found["all of it"]
        self.figures |= {"hit@3 at home": own.hit3, "MAP@10 at home": own.map10}
        self.figures["MAP@10 that noise costs at home"] = found["nothing"].map10 - own.map10

    def clusters(self) -> None:
        print("\n## Clusters: projects at the same time in one tree, tasks of a home; adjusted Rand index\n")
        _line("projects", "first directory", judged.OURS)
        _line("---", "---:", "---:")
        least = 1.0
        for names in clusters.mixes(list(self._histories)):
            projects = [self._histories[name] for name in names]
            own = clusters.ours(projects, self._directory)
            _line(" and ".join(names), f"{clusters.first_directory(projects):.3f}", f"{own:.3f}")
            least = min(least, own)
        projects = list(self._histories.values())
        if len(projects) > 1:
            own = clusters.in_one_window(projects, self._directory)
            _line("all of them, in one window", f"{clusters.first_directory(projects):.3f}", f"{own:.3f}")
            self.figures["adjusted Rand index in one window"] = own
        at_home = fmean(clusters.at_home(self._directory, seed) for seed in self._seeds)
        _line("tasks of a home", "", f"{at_home:.3f}")
        self.figures["adjusted Rand index at home"] = at_home
        self.figures["adjusted Rand index"] = least

    def provenance(self, builds: Iterable[provenance.Build]) -> None:
        print("\n## Provenance: real builds through a mount, against gcc -MM\n")
        _line("build", "products", "precision", "recall")
        _line("---", "---:", "---:", "---:")
        for number, build in enumerate(builds):
            place = self._directory / f"build{number}"
            place.mkdir()
            found = provenance.measure(build, place)
            _line(build.name, str(found.products), f"{found.precision:.3f}", f"{found.recall:.3f}")
            for wrong in found.wrong:
                print(f"  wrong: {wrong}")
            least = min(found.precision, found.recall)
            self.figures["provenance"] = min(least, self.figures.get("provenance", 1.0))

    def scripts(self, each: int) -> None:
        print("\n## Provenance: scripts put together at random, run in these ways\n")
        _line("way", "files made", "precision", "recall")
        _line("---", "---:", "---:", "---:")
        place = self._directory / "scripts"
        place.mkdir()
        found = scripts.measure(scripts.ways_here(), range(each * len(self._seeds)), place)
        for way, one in found.items():
            _line(way.name, str(one.products), f"{one.precision:.3f}", f"{one.recall:.3f}")
        self.figures["precision of scripts"] = fmean(one.precision for one in found.values())
        self.figures["recall of scripts"] = fmean(one.recall for one in found.values())

    def ablation(self) -> None:
        print("\n## Ablation: without this part\n")
        _line("left out", "MAP@10", "MRR", "hit@3", "MAP@10 at home")
        _line("---", "---:", "---:", "---:", "---:")
        for name, leaving_out in judged.LEFT_OUT.items():
            with leaving_out():
                mean = macro(
                    judged.ours(case, self._directory, seed) for case in self._trials for seed in self._seeds
                )
                at_home, _ = judged.at_home(self._directory, self._seeds, ALL_DIN)
            figures = (mean.map10, mean.mrr, mean.hit3, at_home.map10)
            _line(name, *(f"{figure:.3f}" for figure in figures))
            sys.stdout.flush()

    def _averaged(self, case: judged.Trial) -> dict[str, Marks]:
        tables = [judged.baselines(case, seed) for seed in self._seeds]
        plain = {method: macro(table[method] for table in tables) for method in tables[0]}
        return {judged.OURS: self._ours(case), **plain}

    def _ours(self, case: judged.Trial, noise: frozenset[Noise] = ALL_NOISE) -> Marks:
        return macro(trial.result() for trial in self._begun[case.name, noise])

    def _with_noise(self, name: str, noise: frozenset[Noise]) -> float:
        own = macro(self._ours(case, noise) for case in self._trials).map10
        plain = macro(judged.counting(case, self._seeds[0], noise) for case in self._trials).map10
        _line(name, f"{own:.3f}", f"{plain:.3f}")
        return own


def _line(*cells: str) -> None:
    print("|", " | ".join(cells), "|", flush=True)
