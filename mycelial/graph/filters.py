"""Programs that read what comes from their standard input, or do not, as far as their command line tells.

Where nobody saw what that was (a here-document, a terminal), running the command again would make something
else, or wait for ever.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise

_PLAIN = """
    cat sort uniq wc head tail rev tac nl fold fmt expand unexpand pr shuf tsort column base32 base64 cksum
    md5sum sha1sum sha224sum sha256sum sha384sum sha512sum b2sum od xxd hexdump strings iconv bc dc m4 cut
    gzip bzip2 xz zstd lz4
"""
_RUNS_SCRIPTS = "sh bash dash zsh ksh fish python python3 perl ruby node lua sqlite3"
_TOLD_FILES = """
    gcc g++ cc c++ clang clang++ cpp as ld ar ranlib strip objcopy rustc javac jar cp mv ln install tar zip
    unzip pdflatex latex bibtex biber convert magick pandoc diff cmp join paste comm
"""
_ALWAYS = "tr tee xargs sponge cpio at batch patch"
GREP = ("grep", "egrep", "fgrep")
_WITH_SCRIPT = "sed grep egrep fgrep awk gawk mawk nawk"
_SCRIPTED = frozenset(_WITH_SCRIPT.split())
_TEX = ("pdflatex", "latex", "bibtex", "biber")
_OPERANDS = {
    **dict.fromkeys(_PLAIN.split(), 0),
    **dict.fromkeys(_RUNS_SCRIPTS.split(), 0),
    **dict.fromkeys(_WITH_SCRIPT.split(), 1),
    **dict.fromkeys(_ALWAYS.split(), 1000),
}
"""By name, how many words that are no options may follow, and yet it reads no file."""

_FILES_ONLY = {*_PLAIN.split(), *_SCRIPTED, *_TOLD_FILES.split()} - {"bc", "dc"}
"""Those that read their standard input only if they are told no file, or `-`."""

_GIVEN = (
    "-c",
    "-e",
    "-f",
    "-m",
    "-x",
    "--expression",
    "--file",
    "--command",
    "--eval",
    "--version",
    "--help",
)
_NAMED = {"xargs": ("-a", "--arg-file"), "patch": ("-i", "--input"), "at": ("-f",)}
"""Options that say which file is read in place of the standard input."""

_IS_INPUT = ("-", "-@", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0")
_LETTER = re.compile(r"-[A-Za-z]")
_NO_INPUT = re.compile(r"-[A-Za-z]*[oT]|--output|--files-from|-include|-imacros")
"""Behind one of these stands what is written, or a file that says more of how to read the input."""

_FLAGS = ("cat", "cp", "mv", "ln", "install", "unzip")
"""With these no such option is followed by a word."""

_SCRIPT = re.compile(r"-[A-Za-z]*[ef]|--(?:expression|file|regexp)")
_SETTING = re.compile(r"-[HBAFLd]|--[a-z-]+")
_RECURSIVE = re.compile(r"-[A-Za-z]*[rR][A-Za-z]*|--(?:dereference-)?recursive")


def reads_input(args: tuple[str, ...]) -> bool:
    """Whether a program so called certainly reads its standard input."""
    if not args:
        return False
    name = args[0].rpartition("/")[2]
    most = _OPERANDS.get(name)
    if most is None:
        return False
    words = [
        word
        for before, word in pairwise(args)
        if not (word.isdigit() and _LETTER.fullmatch(before))  # how many, as in head -n 5
    ]
    if any(word.startswith(_NAMED.get(name, ())) for word in words):
        return False
    if most < 1000 and any(word.startswith((*_GIVEN, "BEGIN")) for word in words):
        return False
    if name in GREP and any(map(_RECURSIVE.fullmatch, words)):
        return False
    return "-" in words or sum(not word.startswith("-") for word in words) <= most


def ignores_input(args: tuple[str, ...], read: Iterable[str]) -> bool:
    """Whether a program so called, which has `read` these files, certainly reads none but files."""
    name = args[0].rpartition("/")[2] if args else ""
    if name not in _FILES_ONLY or reads_input(args):
        return False
    names = {path.rpartition("/")[2] for path in read}
    if name in _TEX:
        names |= {name.partition(".")[0] for name in names}  # as it is told them
    told = {word.rpartition("/")[2] for word in _operands(name, args)}
    return not told.isdisjoint(names) and not any(word.endswith(_IS_INPUT) for word in args[1:])


def _operands(name: str, args: tuple[str, ...]) -> list[str]:
    """Return the words that are no options, nor what is said with one that names no input, nor a script."""
    has_script = name not in _SCRIPTED
    found = []
    for before, word in pairwise(args):
        if word.startswith("-"):
            has_script = has_script or _SCRIPT.match(word) is not None
        elif name in _FLAGS or (
            not (_SCRIPT if name in _SCRIPTED else _NO_INPUT).fullmatch(before)
            and not (name == "pandoc" and _SETTING.fullmatch(before))
            and not (word.isdigit() and _LETTER.fullmatch(before))
        ):
            found.append(word)
    return found if has_script else found[1:]
