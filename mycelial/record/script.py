"""Recipes as text that a shell or make runs.

Nothing that was recorded is ever taken for syntax: words are quoted, and what make cannot hold is refused.
Places inside the mount are written relative to where the script runs, so that it works in a copy of the tree.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from mycelial.record.display import printable_command, printable_word
from mycelial.record.events import CUT, REDACTED
from mycelial.record.steps import NOWHERE, Command, Step

_HERE = "\0"  # stands for the mount's root while a line is put together; no argument holds one
_MAKEABLE = re.compile(r"[\w./#$][\w./+@,#$^!{}-]*(?: [\w./+@,#$^!{}-]+)*")
_BREAK = "'\"$$newline\"'"  # a line break in a makefile's command; what has one stands in single quotes
_MAKES_DIRECTORIES = re.compile(r"\bmkdir\b|\bcp\s+-\w*[rRa]|\bgit\s+clone\b|\binstall\s+-\w*d")
_JOINED = re.compile(r"-[A-Za-z]+(?=/)")
_RECURSIVE = re.compile(r"-[A-Za-z]*[rRa][A-Za-z]*|--recursive|--archive")
_SAFE = (
    "case $root in *[!A-Za-z0-9/._+-]*)"
    " echo 'the name of this directory would have to be quoted: use another' >&2; exit 1;; esac"
)


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of a makefile: what it makes, what that needs, and how."""

    target: str
    needed: tuple[str, ...]
    lines: tuple[str, ...]


class Unwritable(ValueError):
    """A recipe cannot be written down; the text says why, in one line."""


def pipeline_text(step: Step) -> str:
    """Return the commands of a step as a person would type them in the step's directory; empty if unknown."""
    if step.commands and (step.sure or not step.shell):
        typed = tuple(replace(one, stdout="") if one.stdout == NOWHERE else one for one in step.commands)
        shown = replace(step, commands=typed)
        return _pipeline(shown, step.root, lambda word: printable_word(word.replace(_HERE, step.root)))
    return printable_command(step.shell)


def step_line(step: Step, root: str) -> str:
    """Return one line for a POSIX shell that does the step again; give it to :func:`in_shell` or `in_make`.

    `root` says where the mount's root was, if the step itself does not know.

    Raises
    ------
    Unwritable
        The step's commands are not known, or not whole, or a secret was left out of them.
    """
    root = step.root or root
    if step.commands and step.sure:
        cwd, where = step.cwd, _inside(step.cwd, root)
        line = _pipeline(step, root, lambda word: _quoted(word, root))
        called = [command.args for command in step.commands]
    elif step.shell:
        cwd, where = step.shell_cwd, _inside(step.shell_cwd, root)
        line = " ".join(_quoted(word, root) for word in step.shell)
        called = [step.shell]
        if any(_HERE in _quoted(word, root) and " " in word for word in step.shell):
            line = f"{_SAFE} && {line}"
    else:
        known = "not all is known of what was run" if step.commands else "nothing is known of what was run"
        raise Unwritable(f"{step.product}: {known} to make it")
    words = [word for args in called for word in args]
    if any(args[-1:] == (CUT,) for args in called):
        raise Unwritable(f"{step.product}: the command that made it is longer than can be recorded")
    if any(_HERE in word for word in words):
        raise Unwritable(f"{step.product}: no command can have what stands there in its log")
    if any(REDACTED in word for word in words):
        raise Unwritable(f"{step.product}: a secret was left out of the command that made it")
    if where is None and root and _HERE not in line:
        raise Unwritable(f"{step.product}: what made it ran elsewhere, and was not told where the tree is")
    if where is None:
        return f"( cd {_quoted(_named(cwd), root)} && {line} )" if cwd else f"( {line} )"
    return f"( {line} )" if where == "." else f"( cd {shlex.quote(_named(where))} && {line} )"


def is_from_elsewhere(step: Step, root: str) -> bool:
    """Whether a file was made of nothing in the tree, by what is told of a place elsewhere alone.

    A script in another directory that writes files may do much besides.
    """
    root = step.root or root
    commands = step.commands if step.sure else ()
    lines = [command.args for command in commands] or [step.shell]
    words = [word for line in lines for word in line[1:]]
    if step.reads or not root or any(command.stdout or command.stderr for command in commands):
        return False
    name = os.path.basename(step.product)
    is_told = any(name in word or root in word for word in words)
    return not is_told and any(word.startswith("/") for word in words)


def directories(steps: Iterable[Step]) -> list[str]:
    """Return the lines that make the directories which the products lie in, and those that commands run in.

    Those that a command makes by itself are left to it: `cp -r a b` makes something else where there is a b.
    """
    needed, left, called_in = set[str](), set[str](), set[str]()
    for step in steps:
        directory = _needed_directory(step)
        needed.add(directory)
        if directory != os.path.dirname(step.product):
            left.add(directory)
        called_in.update(_called_in(step))
    there = {place for place in called_in if not any(_is_below(place, directory) for directory in left)}
    found = sorted(map(_named, (needed | there) - {"", "."}))
    return [f"mkdir -p {shlex.join(found)}"] if found else []


def _called_in(step: Step) -> Iterator[str]:
    """Yield where in the tree the commands of a step, or its shell, ran."""
    for cwd in (step.cwd, *(command.cwd for command in step.commands)) if step.sure else (step.shell_cwd,):
        if cwd and (place := _inside(cwd, step.root)):
            yield os.path.normpath(place)


def _is_below(place: str, directory: str) -> bool:
    return not directory or f"{place}/".startswith(f"{directory}/")


def _needed_directory(step: Step) -> str:
    directory = os.path.dirname(step.product)
    if not (step.commands and step.sure):
        made = any(_MAKES_DIRECTORIES.search(word) for word in step.shell)
        return (_inside(step.shell_cwd, step.root) or "").removeprefix(".") if made else directory
    args = step.commands[-1].args
    if os.path.basename(args[0]) not in ("cp", "mv") or not any(_RECURSIVE.fullmatch(word) for word in args):
        return directory
    where = os.path.join(_inside(step.cwd, step.root) or ".", args[-1])
    target = os.path.normpath(where)
    own = os.path.basename(os.path.normpath(args[-2])) if len(args) > 2 else ""
    below = os.path.relpath(step.product, target)
    if (
        below.startswith("..")
        or len(args) != 3 + sum(word.startswith("-") for word in args[1:])
        or own in ("", ".")
    ):
        return directory
    return directory if below.split("/")[0] == own else os.path.dirname(target)


def copy_line(source: str, target: str) -> str:
    """Return a line that gives a file another name, paths being relative to the root."""
    return f"cp -p {shlex.quote(_named(source))} {shlex.quote(_named(target))}"


def in_shell(path: str, lines: Iterable[str], given: Mapping[str, str]) -> str:
    """Return a script for /bin/sh of `lines`, which make `path`; `given` says what is needed, and why."""
    head = (
        "#!/bin/sh",
        f"# Makes {_comment(path)} again: run it in a copy of the tree, or name that: sh SCRIPT DIRECTORY",
        "set -u",
        "unset CDPATH",
        'cd -- "${1:-.}" || exit 1',
        "root=$(pwd -P)",
        *(_needed(name, reason) for name, reason in given.items()),
    )
    return "".join(f"{line}\n" for line in (*head, *lines, _there(path))).replace(_HERE, '"$root"')


def in_make(path: str, rules: Iterable[Rule], given: Mapping[str, str]) -> str:
    """Return a makefile of `rules`, which make `path`; `given` says what is needed, and why.

    Raises
    ------
    Unwritable
        A name or a line cannot stand in a makefile.
    """
    rules = tuple(rules)
    has_breaks = any("\n" in command for rule in rules for command in rule.lines)
    lines = [
        f"# Makes {_comment(path)} again, in a copy of the tree: make -f MAKEFILE",
        f".DEFAULT_GOAL := {_make_name(path)}",
        "SHELL := /bin/sh",
        "CDPATH :=",
        "unexport CDPATH",
        "export root := $(CURDIR)",
        ".NOTPARALLEL:",
        ".SUFFIXES:",
        *(("define newline", "", "", "endef", "export newline") if has_breaks else ()),
        *(f"# {_comment(_as_it_is(name, reason))}" for name, reason in given.items()),
    ]
    for rule in rules:
        needed = "".join(f" {_make_name(name)}" for name in rule.needed)
        lines += ["", f"{_make_name(rule.target)}:{needed}" + ("" if rule.lines else " ;")]
        for command in rule.lines:
            if "\r" in command:
                raise Unwritable(
                    f"{rule.target}: a makefile cannot hold a carriage return in a command: use --script"
                )
            text = command.replace("$", "$$").replace(_HERE, '"$$root"')
            lines.append("\t-" + text.replace("\n", _BREAK))
        if rule.lines:
            lines.append("\t@" + _there(rule.target).replace("$", "$$"))
    return "\n".join(lines) + "\n"


def _as_it_is(name: str, reason: str) -> str:
    return f"{name} is needed as it is: {reason}"


def _needed(name: str, reason: str) -> str:
    """Return the line that fails, with a word about it, if a file that cannot be made again is not there."""
    return f"{_there(name)} || {{ echo {shlex.quote(_comment(_as_it_is(name, reason)))} >&2; exit 1; }}"


def _there(path: str) -> str:
    """Return the line that fails if the file was not made; what commands end with says little about that."""
    return f"test -e {shlex.quote(_named(path))}"


def _pipeline(step: Step, root: str, quote: Callable[[str], str]) -> str:
    lines = []
    for command in step.commands:
        cwd = command.cwd or step.cwd
        line = _command(command, _inside(cwd, root), quote)
        lines.append(line if cwd == step.cwd else f"( cd {_way(step.cwd, cwd, root, quote)} && {line} )")
    return " | ".join(lines)


def _way(start: str, end: str, root: str, quote: Callable[[str], str]) -> str:
    """Return how to go from one directory to the other; both may be those of the copy."""
    here, there = _inside(start, root), _inside(end, root)
    return quote(end if here is None or there is None else _named(os.path.relpath(there, here)))


def _command(command: Command, where: str | None, quote: Callable[[str], str]) -> str:
    words = [quote(word) for word in command.args]
    if command.args and re.match(r"[A-Za-z_][A-Za-z0-9_]*=", command.args[0]):
        words.insert(0, "env --")  # a program of such a name, not an assignment
    if command.stdin:
        words.append(f"< {quote(_file(command.stdin, where))}")
    arrow = ">>" if command.appends else ">"
    if command.stdout:
        words.append(f"{arrow} {quote(_file(command.stdout, where))}")
    if command.stderr == "&1":
        words.append("2>&1")
    elif command.stderr:
        words.append(f"2{arrow if not command.stdout else '>'} {quote(_file(command.stderr, where))}")
    return " ".join(words)


def _file(path: str, where: str | None) -> str:
    """Return a redirection's file, as it is called from the directory `where` of the tree."""
    if path.startswith("/"):
        return path
    return f"{_HERE}/{path}" if where is None else _named(os.path.relpath(path, where))


def _named(path: str) -> str:
    """Return a path that no program takes for an option."""
    return f"./{path}" if path.startswith(("-", "+")) else path


def _inside(cwd: str, root: str) -> str | None:
    """Return `cwd` relative to the mount's root; None if it lies elsewhere. Not known means the root."""
    if not cwd or cwd == root:
        return "."
    return cwd.removeprefix(root + "/") if root and cwd.startswith(root + "/") else None


def _quoted(word: str, root: str) -> str:
    """Quote a word; where the root's path stands in it, the root of the copy will."""
    root = root if len(root) > 1 else _HERE
    option = _JOINED.match(word)  # -I/mnt/include
    begin = option[0] if option else ""
    before = r"(?:(?<![A-Za-z0-9_./-])|(?<=file://))"
    pieces = re.split(rf"{_HERE}|{before}{re.escape(root)}(?=/|$|[=:,;'\"\s])", word[len(begin) :])
    pieces[0] = begin + pieces[0]
    return _HERE.join(shlex.quote(piece) if piece else "" for piece in pieces) or "''"


def _comment(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text)


def _make_name(name: str) -> str:
    if not _MAKEABLE.fullmatch(name) or not name.isprintable():
        raise Unwritable(f"{name}: a makefile cannot hold such a name: use --script")
    return name.replace("$", "$$").replace("#", "\\#").replace(" ", "\\ ")
