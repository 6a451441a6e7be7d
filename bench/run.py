"""One run: the workloads on all subjects in rounds, then the measures, each with a mount of its own."""

from __future__ import annotations

import argparse
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from bench.fixtures import DEFAULT, SHORT, make_fixtures
from bench.machine import describe_machine
from bench.measures import MEASURES
from bench.measures.setting import FULL as FULL_EXTENT
from bench.measures.setting import SHORT as SHORT_EXTENT
from bench.measures.setting import Measure, Setting
from bench.processes import raise_descriptor_limit
from bench.results import Result, ResultError, read_result
from bench.rounds import Plan, measure
from bench.subjects import SUBJECTS, USUAL, Subject, SubjectError
from bench.table import table
from bench.workloads import USUAL as USUAL_WORKLOADS
from bench.workloads import WORKLOADS
from bench.workloads.job import Workload
from bench.workspace import default_directory, mounted, remove, sources, spread, workspace


def run(arguments: argparse.Namespace) -> None:
    """Measures what the command line asks for, prints the report, and keeps the result where it says."""
    parent: Path = arguments.dir or default_directory()
    subjects: list[Subject] = arguments.subjects or list(SUBJECTS if arguments.full else USUAL)
    result = _begin(arguments, parent)
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


def _begin(arguments: argparse.Namespace, parent: Path) -> Result:
    """A new result, or with --add the one that is there, if it is of this machine."""
    machine = describe_machine(parent).as_json()
    if arguments.add:
        result = read_result(arguments.json)
        for fact in ("kernel", "cpu", "cores", "file_system", "user"):
            if result.machine[fact] != machine[fact]:
                raise ResultError(f"{arguments.json}: {fact} was {result.machine[fact]}, is {machine[fact]}")
        return result
    return Result(
        machine=machine,
        subjects={},
        titles={workload.name: workload.title for workload in WORKLOADS},
        units={workload.name: workload.unit for workload in WORKLOADS},
    )


def _measure_workloads(
    arguments: argparse.Namespace,
    workloads: tuple[Workload, ...],
    subjects: list[Subject],
    directory: Path,
    result: Result,
) -> None:
    raise_descriptor_limit()
    sizes = SHORT if arguments.short else DEFAULT
    seconds = arguments.seconds or (900.0 if arguments.full else 90.0)
    plan = Plan(sizes, arguments.rounds or (1 if arguments.short else 15), seconds)
    _progress("making the files to work on")
    for source, owners in sources(subjects, directory).items():
        (source / "scratch").mkdir(parents=True)
        spread(source / "scratch")
        make_fixtures(source, sizes, owners)
    with mounted(subjects, directory, result.left_out) as present:
        result.subjects |= {running.subject.name: running.describe() for running in present}
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
    extent = replace(extent, events=arguments.events or extent.events, soak=arguments.soak or extent.soak)
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
