"""What must be known after the work, each claim a function that raises ClaimFailed when it is not so."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.demo.place import DemoError, Place, environment
from tests.demo.work import EDITED, LIBRARY, OBJECTS, REPORT

_PATIENCE = 60.0  # seconds; relations show within two, on a machine that has time
MOST = 20  # links in a directory of the virtual tree
RELATIONS = ("related", "together", "next", "sources", "products")


class ClaimFailed(DemoError):
    """Something the demo says is not so."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A sentence about the place, and the function that checks it."""

    text: str
    check: Callable[[Place], None]


def eventually(claim: Claim, place: Place) -> None:
    """Checks again and again until the claim holds; raises the last ClaimFailed when patience ends."""
    end = time.monotonic() + _PATIENCE
    while True:
        try:
            claim.check(place)
            return
        except ClaimFailed as failure:
            if time.monotonic() > end:
                raise ClaimFailed(f"not so: {claim.text} {failure}") from None
        time.sleep(0.1)


def answers(place: Place, relation: str, paths: Iterable[str]) -> dict[str, list[str]]:
    """What `mycelial RELATION` names for each path, best first; relative to the mount's root.

    Guesses from names alone, which `related` makes where no access tells anything, are left out.
    """
    done = subprocess.run(
        ["mycelial", relation, "--batch", "--json", "--limit", "1000"],
        input="".join(f"{path}\n" for path in paths),
        cwd=place.mountpoint,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise DemoError(f"mycelial {relation} --batch: {done.stderr.strip()}")
    found = [json.loads(line) for line in done.stdout.splitlines()]
    return {
        answer["query"]: [result["path"] for result in answer["results"] if result["episodes"]]
        for answer in found
    }


def headers_of_objects(place: Place) -> dict[str, set[str]]:
    """For each object its C file and those headers of this repository that it includes, by gcc -MM."""
    rules = place.unnoticed("make -s -f tests/demo/core.mk headers").replace("\\\n", " ")
    found = {}
    for rule in rules.splitlines():
        target, _, names = rule.partition(":")
        inside = {os.path.normpath(name) for name in names.split() if not os.path.isabs(name)}
        found[f"{OBJECTS}/{target}"] = inside
    return found


def objects_come_from_their_includes(place: Place) -> None:
    expected = headers_of_objects(place)
    found = answers(place, "sources", expected)
    for target in expected:
        _same(f"the sources of {target}", found[target], expected[target])


def objects_were_made_by_the_compiler(place: Place) -> None:
    """Its assembler, which writes them, was told by nobody but the compiler."""
    for target in headers_of_objects(place):
        recipe = json.loads(place.shell(f"mycelial how --json {target}"))
        args = [] if recipe is None else recipe["args"]
        if args[-4:-1] != ["-c", "-o", target]:
            raise ClaimFailed(f"{target} was made by {args}")


def library_comes_from_the_objects(place: Place) -> None:
    _same(f"the sources of {LIBRARY}", _sources(place, LIBRARY), set(headers_of_objects(place)))


def report_comes_from_its_inputs(place: Place) -> None:
    inputs = {path.name for path in place.source.glob("*.md")}
    _same(f"the sources of {REPORT}", _sources(place, REPORT), inputs)


def _sources(place: Place, path: str) -> list[str]:
    return answers(place, "sources", [path])[path]


def saving_kept_the_history(place: Place) -> None:
    if REPORT not in answers(place, "products", [EDITED])[EDITED]:
        raise ClaimFailed(f"{REPORT} is no longer a product of {EDITED}")
    for relation in RELATIONS:
        for name in answers(place, relation, [EDITED])[EDITED]:
            if name == EDITED or not (place.source / name).exists():
                raise ClaimFailed(f"{relation} of {EDITED} names {name}")


def links_lead_to_the_files(place: Place) -> None:
    """Each link of the virtual tree resolves in the mount, to what the command names first, in its order."""
    paths = (LIBRARY, REPORT)
    expected = answers(place, "sources", paths)
    for path in paths:
        directory = place.mountpoint / ".mycelial" / "sources" / path
        seen = [_inside(place, link) for link in sorted(directory.iterdir())]
        if seen != expected[path][:MOST] or not seen:
            raise ClaimFailed(f"{directory} leads to {seen}")


def _inside(place: Place, link: Path) -> str:
    target = os.readlink(link)
    if os.path.isabs(target) or not link.exists():
        raise ClaimFailed(f"{link} -> {target} does not lead into the mount")
    return os.path.relpath(os.path.normpath(link.parent / target), place.mountpoint)


def listings_do_not_show_the_tree(place: Place) -> None:
    if ".mycelial" in os.listdir(place.mountpoint):
        raise ClaimFailed(".mycelial is listed")


def all_relations(place: Place) -> dict[str, dict[str, list[str]]]:
    """For each relation, what it leads to from each file of the copy, in the order of names."""
    paths = [str(path.relative_to(place.source)) for path in place.source.rglob("*") if path.is_file()]
    known = {}
    for relation in RELATIONS:
        found = answers(place, relation, sorted(paths))
        known[relation] = {path: sorted(others) for path, others in found.items()}
    return known


def recorded_events(place: Place, comm: str) -> int:
    """How many events of a program are in the log."""
    lines = place.shell("mycelial events --json").splitlines()
    return sum(json.loads(line)["comm"] == comm for line in lines)


def search_left_no_trace(before: dict[str, dict[str, list[str]]]) -> Claim:
    """The claim that what is known is what was known `before` the search, although that is in the log."""

    def check(place: Place) -> None:
        if recorded_events(place, "grep") < len(before["related"]) // 2:
            raise ClaimFailed("the search is not in the log yet")
        after = all_relations(place)
        for relation in RELATIONS:
            changed = sorted(
                path for path, others in before[relation].items() if after[relation][path] != others
            )
            if changed:
                raise ClaimFailed(f"it changed what is {relation} to {', '.join(changed[:5])}")

    return Claim("The search through everything left no trace.", check)


def _same(what: str, found: list[str], expected: set[str]) -> None:
    if set(found) != expected:
        missing, excess = sorted(expected - set(found)), sorted(set(found) - expected)
        raise ClaimFailed(f"{what}: missing {missing}, in excess {excess}")


BUILT = (
    Claim(
        "The sources of each object are its C file and the headers that this includes, and nothing else.",
        objects_come_from_their_includes,
    ),
    Claim("Each object was made by the call of the compiler.", objects_were_made_by_the_compiler),
    Claim("The sources of the library are the objects.", library_comes_from_the_objects),
)
REPORTED = (
    Claim("The sources of the report are its inputs and nothing else.", report_comes_from_its_inputs),
)
SAVED = (Claim("A file saved by renaming keeps its history.", saving_kept_the_history),)
SHOWN = (
    Claim("The links in .mycelial lead to the files that the command names.", links_lead_to_the_files),
    Claim("Listings of the mount do not show .mycelial.", listings_do_not_show_the_tree),
)
