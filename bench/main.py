"""The command line of the benchmark."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from bench.compare import comparison
from bench.fixtures import DEFAULT, SHORT, make_fixtures
from bench.machine import describe_machine
from bench.measures import MEASURES
from bench.measures.setting import FULL as FULL_EXTENT
from bench.measures.setting import SHORT as SHORT_EXTENT
from bench.measures.setting import Measure, Setting
from bench.results import Result, ResultError, read_result
from bench.rounds import Plan, measure
from bench.subjects import SUBJECTS, USUAL, Subject, SubjectError
from bench.table import table
from bench.workloads import USUAL as USUAL_WORKLOADS
from bench.workloads import WORKLOADS
from bench.workloads.job import Workload
from bench.workspace import (
    default_directory,
    mounted,
    remove,
    sources,
    spread,
    terminating_in_order,
    workspace,
)


def main(words: list[str] | None = None) -> int:
    """Runs the benchmark or compares two results; the exit code is 0 done, 1 it could not, 2 wrong usage."""
    arguments = _parser().parse_args(words)
    try:
        with terminating_in_order():
            if arguments.command == "compare":
                print(comparison(read_result(arguments.before), read_result(arguments.after)))
            else:
                _run(arguments)
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
    commands = parser.add_subparsers(dest="command", metavar="compare")
    compare = commands.add_parser("compare", help="show what changed between two results")
    compare.add_argument("before", type=Path)
    compare.add_argument("after", type=Path)
    return parser


def _names(known: tuple[Subject, ...] | tuple[Workload, ...] | tuple[Measure, ...]) -> str:
    return "only these of: " + ", ".join(entry.name for entry in known)


def _positive(word: str) -> int:
    number = int(word)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number


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


def _run(arguments: argparse.Namespace) -> None:
    parent: Path = arguments.dir or default_directory()
    subjects: list[Subject] = arguments.subjects or list(SUBJECTS if arguments.full else USUAL)
    result = Result(
        machine=describe_machine(parent).as_json(),
        subjects={},
        titles={workload.name: workload.title for workload in WORKLOADS},
        units={workload.name: workload.unit for workload in WORKLOADS},
    )
    if result.machine["file_system"] == "tmpfs":
        _progress(f"{parent} lies in memory; give a directory on a disk with --dir\n")
    with workspace(parent) as directory:
        workloads = arguments.workloads
        if workloads is None:
            workloads = WORKLOADS if arguments.full else USUAL_WORKLOADS
        if workloads:
            _measure_workloads(arguments, workloads, subjects, directory, result)
        for measure in _wanted(arguments):
            _save(arguments, result)
            _take(measure, arguments, directory, result)
    _progress("")
    _save(arguments, result)
    print(table(result))


def _measure_workloads(
    arguments: argparse.Namespace,
    workloads: tuple[Workload, ...],
    subjects: list[Subject],
    directory: Path,
    result: Result,
) -> None:
    sizes = SHORT if arguments.short else DEFAULT
    seconds = arguments.seconds or (900.0 if arguments.full else 90.0)
    plan = Plan(sizes, arguments.rounds or (1 if arguments.short else 15), seconds)
    _progress("making the files to work on")
    for source, owners in sources(subjects, directory).items():
        (source / "scratch").mkdir(parents=True)
        spread(source / "scratch")
        make_fixtures(source, sizes, owners)
    with mounted(subjects, directory, result.left_out) as present:
        result.subjects = {running.subject.name: running.describe() for running in present}
        measure(plan, workloads, present, result, _progress)


def _wanted(arguments: argparse.Namespace) -> tuple[Measure, ...]:
    chosen: tuple[Measure, ...] | None = arguments.measures
    if chosen is None:
        return MEASURES if arguments.short or arguments.full else ()
    return chosen


def _take(taken: Measure, arguments: argparse.Namespace, directory: Path, result: Result) -> None:
    """One measure in a directory of its own; what it needs and cannot have is noted."""
    own = directory / taken.name
    own.mkdir()
    extent = SHORT_EXTENT if arguments.short else FULL_EXTENT
    try:
        taken.take(Setting(own, extent, result, _progress))
    except (SubjectError, OSError, subprocess.SubprocessError) as error:
        result.left_out[taken.name] = str(error)
    remove(own)


def _save(arguments: argparse.Namespace, result: Result) -> None:
    if arguments.json:
        arguments.json.write_text(result.to_json())


def _progress(text: str) -> None:
    """One line that is overwritten, on a terminal; nothing into a log file."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)
