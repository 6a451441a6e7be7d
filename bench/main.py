"""The command line of the benchmark."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from bench.compare import comparison
from bench.measures import MEASURES
from bench.measures.setting import Measure
from bench.plot import write_plots
from bench.profile import profile
from bench.profile.load import SUBJECTS as PROFILED
from bench.results import ResultError, read_result
from bench.run import run
from bench.subjects import SUBJECTS, Subject, SubjectError
from bench.table import short_table, table
from bench.workloads import WORKLOADS
from bench.workloads.job import Workload
from bench.workspace import terminating_in_order


def main(words: list[str] | None = None) -> int:
    """Runs the benchmark or compares two results; the exit code is 0 done, 1 it could not, 2 wrong usage."""
    parser = _parser()
    arguments = parser.parse_args(words)
    if arguments.add and not arguments.json:
        parser.error("--add needs --json: which result?")
    try:
        with terminating_in_order():
            {
                None: run,
                "compare": _compare,
                "show": _show,
                "plot": _plot,
                "profile": _profile,
            }[arguments.command](arguments)
    except (SubjectError, ResultError, OSError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("bench: interrupted; mounts and files are cleaned up", file=sys.stderr)
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description="Measure Mycelial against the disk itself and bindfs, in one run, as ratios.",
    )
    extent = parser.add_mutually_exclusive_group()
    extent.add_argument("--short", action="store_true", help="little work, once: does everything run?")
    extent.add_argument("--full", action="store_true", help="every subject, workload and measure")
    parser.add_argument(
        "--dir", type=Path, help="work below this directory (default: $TMPDIR, else /var/tmp)"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write samples and the machine's facts")
    parser.add_argument(
        "--add", action="store_true", help="to the result in --json: more rounds of it, or more measures"
    )
    parser.add_argument("--rounds", type=_positive, help="at most this many rounds (default: 15; --short: 1)")
    parser.add_argument(
        "--seconds",
        type=float,
        help="begin no round that would end later than this (default: 90; --full: 900)",
    )
    parser.add_argument("--subjects", type=_subjects, metavar="NAME[,NAME...]", help=_names(SUBJECTS))
    parser.add_argument("--workloads", type=_workloads, metavar="NAME[,NAME...]", help=_names(WORKLOADS))
    parser.add_argument(
        "--measures",
        type=_measures,
        metavar="NAME[,NAME...]",
        help=f"besides the workloads; {_names(MEASURES)} (default: none; --short, --full: all)",
    )
    parser.add_argument(
        "--events", type=_sizes, metavar="N[,N...]", help="in the logs that the measure ingest replays"
    )
    parser.add_argument("--soak", type=float, metavar="SECONDS", help="of steady load, for the measure soak")
    commands = parser.add_subparsers(dest="command", metavar="compare | show | plot | profile")
    compare = commands.add_parser("compare", help="show what changed between two results")
    compare.add_argument("before", type=Path)
    compare.add_argument("after", type=Path)
    show = commands.add_parser("show", help="print a result's report again")
    show.add_argument("results", type=Path, nargs="+")
    show.add_argument("--brief", action="store_true", help="one table of all results, as in the README")
    plot = commands.add_parser("plot", help="draw a result")
    plot.add_argument("result", type=Path)
    plot.add_argument("directory", type=Path)
    plot.add_argument("--prefix", default="", help="of the files' names")
    profiled = commands.add_parser("profile", help="draw a flame graph of mount or engine under load")
    profiled.add_argument("process", choices=list(PROFILED))
    profiled.add_argument("picture", type=Path, metavar="FILE.svg")
    profiled.add_argument("--seconds", type=float, default=10.0)
    return parser


def _names(known: tuple[Subject, ...] | tuple[Workload, ...] | tuple[Measure, ...]) -> str:
    return "only these of: " + ", ".join(entry.name for entry in known)


def _positive(word: str) -> int:
    number = int(word)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number


def _sizes(words: str) -> tuple[int, ...]:
    return tuple(map(_positive, words.split(",")))


def _subjects(words: str) -> list[Subject]:
    known = {subject.name: subject for subject in SUBJECTS}
    return [known[name] for name in _chosen(words, list(known))]


def _workloads(words: str) -> tuple[Workload, ...]:
    known = {workload.name: workload for workload in WORKLOADS}
    return tuple(known[name] for name in _chosen(words, list(known)))


def _measures(words: str) -> tuple[Measure, ...]:
    known = {measure.name: measure for measure in MEASURES}
    return tuple(known[name] for name in _chosen(words, list(known)))


def _chosen(words: str, known: list[str]) -> list[str]:
    if words == "none":
        return []
    for word in words.split(","):
        if word not in known:
            raise argparse.ArgumentTypeError(f"{word} is none of: {', '.join(known)}")
    return words.split(",")


def _compare(arguments: argparse.Namespace) -> None:
    print(comparison(read_result(arguments.before), read_result(arguments.after)))


def _show(arguments: argparse.Namespace) -> None:
    results = [read_result(path) for path in arguments.results]
    print(short_table(results) if arguments.brief else "\n\n".join(map(table, results)))


def _plot(arguments: argparse.Namespace) -> None:
    for path in write_plots(read_result(arguments.result), arguments.directory, arguments.prefix):
        print(path)


def _profile(arguments: argparse.Namespace) -> None:
    profile(arguments.process, arguments.picture, arguments.seconds, arguments.dir)
    print(arguments.picture)
