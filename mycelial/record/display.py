"""Showing names, moments and recipes to people, safely.

Whoever makes a file chooses its name, and a terminal obeys what it is sent. So control characters, bytes
that are not UTF-8 and the characters that turn text around or hide it are shown as escapes: what is
read is what is there, on one line.
"""

from __future__ import annotations

import shlex
import unicodedata
from datetime import datetime

_HIDDEN = frozenset(("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))  # Unicode's general categories
_LONGEST = 60  # characters of a name that was made up
_SHORT = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}


def printable(text: str) -> str:
    """Return `text` with everything escaped that does not print; a backslash before an escape is doubled."""
    if text.isprintable() and "\\" not in text:
        return text
    return "".join(map(_escaped, text))


def one_line(text: str) -> str:
    """Return a message with what does not print escaped, and nothing else changed; lines are joined."""
    joined = " ".join(text.split())
    return "".join(c if c == "\\" or c.isprintable() else _escaped(c) for c in joined)


def printable_command(args: tuple[str, ...]) -> str:
    """Return a command line for a POSIX shell, on one line and printable.

    Arguments that do not print are written as ``$'…'`` (POSIX.1-2024), which gives their very bytes back.
    """
    return " ".join(map(printable_word, args))


def printable_word(arg: str) -> str:
    """Return one word for a shell, printable."""
    return shlex.quote(arg) if arg.isprintable() else _dollar_quoted(arg)


def safe_name(text: str) -> str:
    """Return `text` as something that can be the name of a directory and does no harm on a terminal."""
    kept = "".join(c if c.isprintable() and c != "/" else "_" for c in text).strip()[:_LONGEST].strip()
    return kept if kept.strip(".") else f"_{kept}"


def moment(t: float) -> str:
    """Return the time `t` (seconds since the epoch) in the machine's time zone, to the second."""
    try:
        return datetime.fromtimestamp(t).strftime("%Y-%m-%d %H:%M:%S")
    except (ValueError, OverflowError, OSError):
        return "unknown"


def recipe_lines(command: str, cwd: str, program: str, time: float, sources: tuple[str, ...]) -> list[str]:
    """Return how a file was made as lines: the command (printable), where, by what, when, from what."""
    lines = [
        f"command:  {command or '(not known)'}",
        f"in:       {printable(cwd) or '(not known)'}",
        f"program:  {printable(program) or '(not known)'}",
        f"time:     {moment(time)}",
    ]
    for number, source in enumerate(sources):
        lines.append(("from:     " if number == 0 else "          ") + printable(source))
    return lines


def _escaped(character: str) -> str:
    if character == "\\":
        return "\\\\"
    if character in _SHORT:
        return _SHORT[character]
    if unicodedata.category(character) not in _HIDDEN:
        return character
    return "".join(f"\\x{byte:02x}" for byte in character.encode("utf-8", "surrogateescape"))


def _dollar_quoted(arg: str) -> str:
    # Octal ends after three digits; \x would swallow hexadecimal digits that follow.
    raw = arg.encode("utf-8", "surrogateescape")
    plain = frozenset(range(0x20, 0x7F)) - frozenset(b"'\\")
    return "$'" + "".join(chr(byte) if byte in plain else f"\\{byte:03o}" for byte in raw) + "'"
