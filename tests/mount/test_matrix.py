"""Whatever a program does on the mount gives what it gives on the filesystem below."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.mount import (
    cases_access_control,
    cases_attributes,
    cases_data,
    cases_directories,
    cases_errors,
    cases_memory,
    cases_names,
    cases_processes,
    cases_unlinked,
)
from tests.mount.actor import Identity, run_apart
from tests.mount.fixtures import SharedMounts, remove_whatever_its_modes
from tests.mount.matrix import (
    CASES,
    Case,
    Rights,
    attributes,
    differences,
    note_differences,
    portrait,
    run_case,
)

MODULES = (
    cases_access_control,
    cases_attributes,
    cases_data,
    cases_directories,
    cases_errors,
    cases_memory,
    cases_names,
    cases_processes,
    cases_unlinked,
)
NOBODY = Identity(65534, 65534, (65534, 1000))
NUMBERS = itertools.count()  # names are not used twice: the mount may remember what was made behind its back
# The kernel keeps times in its own way, and knows no holes where data waits (docs/differences.md).
OTHERWISE_WITH_WRITEBACK = frozenset(
    {
        "setting_times",
        "times_that_operations_on_content_move",
        "sparse_beyond_four_gibibytes",
        "seeking_data_and_holes",
        "allocation",
        "a_file_that_can_only_be_appended_to",
    }
)
IS_ROOT = os.geteuid() == 0


def combinations() -> Iterator[object]:
    """Each case as this user, also where the kernel keeps what it knows for long, as on a mount that covers
    its source; and for root again as another user, on a mount that lets others in, with passthrough and
    without (the same for a libfuse that has none)."""
    for case in CASES:
        own = Rights.ROOT if IS_ROOT else Rights.USER
        if case.rights in (Rights.ANYONE, own):
            yield pytest.param(case, None, (), id=case.name)
            yield pytest.param(case, None, ("--timeout", "3600"), id=f"{case.name}-kept_long")
            if case.name not in OTHERWISE_WITH_WRITEBACK:
                yield pytest.param(case, None, ("--writeback",), id=f"{case.name}-writeback")
        if IS_ROOT and case.rights in (Rights.ANYONE, Rights.USER):
            yield pytest.param(case, NOBODY, ("-o", "allow_other"), id=f"{case.name}-as_nobody")
            copying = ("-o", "allow_other,no_passthrough")
            yield pytest.param(
                case, NOBODY, copying, id=f"{case.name}-as_nobody_copying", marks=pytest.mark.slow
            )


Natively = Callable[[Case, Identity | None], tuple[list[tuple[str, object]], dict[str, object]]]


@pytest.fixture(scope="module")
def natively(session_directory: Path) -> Natively:
    """What a case notes and makes in a plain directory beside the mount, on the same filesystem."""
    known: dict[tuple[str, Identity | None], Any] = {}

    def done(case: Case, identity: Identity | None) -> Any:
        if (case.name, identity) not in known:
            directory = place_for(session_directory / "native", identity)
            try:
                notes = run_apart(run_case, case.run, os.fsencode(directory), identity=identity)
                known[case.name, identity] = notes, portrait(os.fsencode(directory))
            finally:
                remove_whatever_its_modes(directory)
        return known[case.name, identity]

    return done


def place_for(directory: Path, identity: Identity | None) -> Path:
    """A new directory that belongs to who works in it."""
    directory.mkdir()
    directory.chmod(0o755)
    if identity:
        os.chown(directory, identity.uid, identity.gid)
    return directory


def test_every_case_has_its_own_name() -> None:
    assert len({case.name for case in CASES}) == len(CASES)
    assert len(CASES) > 50, [module.__name__ for module in MODULES]


@pytest.mark.parametrize(("case", "identity", "options"), list(combinations()))
def test_the_mount_does_what_the_filesystem_below_does(
    case: Case,
    identity: Identity | None,
    options: tuple[str, ...],
    natively: Natively,
    shared_mounts: SharedMounts,
) -> None:
    mount = shared_mounts.get(*options)
    expected, made = natively(case, identity)
    name = f"case{next(NUMBERS)}"
    beneath, seen = mount.source / name, mount.mountpoint / name
    # Where the kernel keeps what it knows for long, nothing may be made behind its back.
    place_for(seen if "--timeout" in options else beneath, identity)
    try:
        actual = run_apart(run_case, case.run, os.fsencode(seen), identity=identity)
        apart = note_differences(expected, actual, case.limit)
        through_mount = run_apart(attributes, os.fsencode(seen), identity=identity)
        apart += differences(attributes(os.fsencode(beneath)), through_mount)
        if "--writeback" in options:
            # Until the kernel hands the data over, it alone knows the times and holes.
            apart = [line for line in apart if "time_ns" not in line and "seek hole" not in line]
        fail_on(apart)
        fail_on(differences(made, portrait(os.fsencode(beneath))))
    finally:
        remove_whatever_its_modes(beneath)


def fail_on(found: list[str]) -> None:
    if found:
        pytest.fail("\n".join(found[:30]), pytrace=False)
