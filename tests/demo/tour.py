"""The walk that a person sees: each command at a prompt, its real output, and the claim it stands for."""

from __future__ import annotations

import os
import sys
import time

from tests.demo.claims import (
    BUILT,
    REPORTED,
    SAVED,
    SHOWN,
    Claim,
    all_relations,
    eventually,
    headers_of_objects,
    search_left_no_trace,
)
from tests.demo.place import REPOSITORY, Place
from tests.demo.work import BUILD, EDITED, NOISE, REPORT, SAVE, WRITE_REPORT, Step

_MOST_LINES = 12
_MOST_LINES_OF_WORK = 4
_HANDFUL = 5


def tour(place: Place) -> None:
    """Works, checks and shows. Raises DemoError, of which ClaimFailed is one."""
    begun = time.monotonic()
    say(
        f"A copy of this repository lies in {place.source} and is mounted at\n{place.mountpoint}.",
        "What follows is typed there.",
    )
    heading("Work, as always")
    work(place, BUILD, BUILT)
    work(place, WRITE_REPORT, REPORTED)
    work(place, SAVE, SAVED)
    before = all_relations(place)
    work(place, NOISE, (search_left_no_trace(before),))
    show(place, "mycelial status | grep -E 'recording|sweeps|dropped'")
    heading("What was an object made from?")
    target, source = object_to_show(place)
    show(place, f"ls -l .mycelial/sources/{target}")
    say("", "The compiler says the same:")
    show(place, f"gcc -MM $(pkg-config --cflags fuse3) {source} | tr -s ' \\\\' '\\n' | grep mycelial/")
    say("", "And who uses one of these headers?")
    show(place, "mycelial products mycelial/core/src/reach.h")
    heading("Where do the report's words come from?")
    show(place, f"ls .mycelial/sources/{REPORT}")
    show(place, f"cat .mycelial/how/{REPORT}")
    heading("What belongs to the file that was edited?")
    show(place, f"ls .mycelial/related/{EDITED}")
    show(place, f"readlink .mycelial/related/{EDITED}/01-*")
    show(place, f"mycelial why {EDITED} {REPORT}")
    heading("And what was used last?")
    show(place, "mycelial recent --limit 5")
    for claim in SHOWN:
        check(claim, place)
    heading(f"All claims hold; this took {time.monotonic() - begun:.0f} s. The mount stays for you:")
    farewell(place)


def work(place: Place, step: Step, claims: tuple[Claim, ...]) -> None:
    """Does one step and checks what must be known after it."""
    say("", step.title)
    show(place, step.command, _MOST_LINES_OF_WORK)
    for claim in claims:
        check(claim, place)


def check(claim: Claim, place: Place) -> None:
    eventually(claim, place)
    say(f"  checked: {claim.text}")


def show(place: Place, command: str, most: int = _MOST_LINES) -> None:
    """A command at a prompt and its output, shortened if it has more than `most` lines."""
    say(f"$ {command}")
    lines = place.shell(command).rstrip("\n").splitlines()
    shown = lines if len(lines) <= most else lines[: most - 1]
    say(*shown)
    if len(shown) < len(lines):
        say(f"... ({len(lines) - len(shown)} more lines)")


def object_to_show(place: Place) -> tuple[str, str]:
    """The object with most headers, up to a handful, of those that gcc compiles without Python's."""
    found = []
    for target, includes in headers_of_objects(place).items():
        [source] = [name for name in includes if name.endswith(".c")]
        if len(includes) <= _HANDFUL and "<Python.h>" not in (place.source / source).read_text():
            found.append((len(includes), target, source))
    _, target, source = max(found)
    return target, source


def heading(text: str) -> None:
    say("", text, "-" * len(text))


def say(*lines: str) -> None:
    for line in lines:
        sys.stdout.buffer.write(line.encode("utf-8", "surrogateescape") + b"\n")
    sys.stdout.flush()


def farewell(place: Place) -> None:
    programs = os.path.relpath(os.path.dirname(sys.executable), REPOSITORY)
    own = programs if not programs.startswith("..") else os.path.dirname(sys.executable)
    say(
        f"  cd {place.mountpoint}",
        "  cat .mycelial/README              how to look around",
        f"  {REPOSITORY / own}/mycelial --help",
        "Unmount, which ends everything:",
        f"  fusermount3 -u {place.mountpoint}",
        "Mount a folder of your own:",
        f"  make -C {REPOSITORY} mount SRC=~/folder MNT=~/folder-live",
    )
