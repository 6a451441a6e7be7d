"""The two files at the tree's top: README, for people, and status.json, for programs."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

from mycelial.views.node import Caller, Node, Text, VirtualPath
from mycelial.views.questions import Questions

_README = """\
This directory is not on the disk. It shows how the files around it belong together,
as seen from the work that you did with them. Nothing needs to be tagged or filed.

  related/NAME/    the files that belong to NAME, best first, as links: 01-…, 02-…
  together/NAME/   those used in the same stretches of work
  next/NAME/       those usually opened soon after NAME
  sources/NAME/    those that NAME was made from
  products/NAME/   those that were made from NAME
  why/NAME/        texts that explain the entries of related/NAME/
  how/NAME         a text: the commands that made NAME
  stale/           products older than what they were made from; how/NAME says why
  clusters/LABEL/  the files of one piece of work
  search/WORDS/    files with these words in their names, and what belongs to them
  sessions/DAY/    what you did when: 09.12 LABEL/ and the files
  hubs/            files that most other work draws upon
  recent/          what you used last
  status.json      what is on, what is off and why

NAME is the path of a file, with its directories. For example:

  ls {view}/related/src/main.c/
  cat {view}/why/src/main.c/01-*
  cat {view}/how/build/main.o

You see what your own accesses tell, and only files that you may reach. Looking in here is
not recorded; following a link and opening the file is. Everything here is read-only, but
for the links in related/: rm says that the two files are not related, and the link does not
come back (until you say `mycelial forget --mutes`).
The command `mycelial` answers the same questions, and more: mycelial --help
"""


class ReadmeView:
    """How to use this tree, in plain words."""

    def __init__(self, view_dir: bytes) -> None:
        self._content = _README.encode().replace(b"{view}", view_dir)

    def find(self, path: VirtualPath, caller: Caller) -> Node | None:
        """Return the text."""
        return None if path else Text(self._content)


class StatusView:
    """What the mount says of itself, and what the store holds for the caller, as JSON."""

    def __init__(self, questions: Questions, status: Callable[[int], Mapping[str, object]]) -> None:
        self._questions = questions
        self._status = status

    def find(self, path: VirtualPath, caller: Caller) -> Node | None:
        """Return the text."""
        if path:
            return None
        store = self._questions.ask(caller, lambda answers: answers.status())
        known = {"error": store.problem} if store.problem else store.value
        told = self._status(caller.uid)
        if store.problem and "database" not in told:
            known = {"error": "the record cannot be read now"}  # the reason names what is its owner's
        return Text(json_bytes({**told, "store": known}))


def json_bytes(document: Mapping[str, object]) -> bytes:
    """Return `document` as indented ASCII."""
    return json.dumps(document, indent=2, default=str).encode() + b"\n"
