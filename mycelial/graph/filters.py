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
_GREP = ("grep", "egrep", "fgrep")
_WITH_SCRIPT = "sed grep egrep fgrep awk gawk mawk nawk"
_OPERANDS = {
    **dict.fromkeys(_PLAIN.split(), 0),
    **dict.fromkeys(_RUNS_SCRIPTS.split(), 0),
    **dict.fromkeys(_WITH_SCRIPT.split(), 1),
    **dict.fromkeys(_ALWAYS.split(), 1000),
}
"""By name, how many words that are no options may follow, and yet it reads no file."""

_FILES_ONLY = {*_PLAIN.split(), *_WITH_SCRIPT.split(), *_TOLD_FILES.split()} - {"bc", "dc"}
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

_IS_INPUT = ("-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0")
_LETTER = re.compile(r"-[A-Za-z]")
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
    if name in _GREP and any(map(_RECURSIVE.fullmatch, words)):
        return False
    return "-" in words or sum(not word.startswith("-") for word in words) <= most


def ignores_input(args: tuple[str, ...], read: Iterable[str]) -> bool:
    """Whether a program so called, which has `read` these files, certainly reads none but files."""
    if not args or args[0].rpartition("/")[2] not in _FILES_ONLY or reads_input(args):
        return False
    names = {path.rpartition("/")[2] for path in read}
    names |= {name.partition(".")[0] for name in names}  # as TeX is told them
    told = {word.rpartition("/")[2] for word in args[1:]}
    return not told.isdisjoint(names) and not any(word.endswith(_IS_INPUT) for word in args[1:])
