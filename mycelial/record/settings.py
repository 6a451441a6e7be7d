"""The configuration file: what the user settles once instead of on every command line.

It is TOML. A key that is not known is an error rather than ignored: a misspelt exclusion would
otherwise record what its owner wanted to keep out. All keys, with their defaults::

    exclude = []               # further gitignore patterns
    default_excludes = true    # whether the built-in patterns are on
    record_arguments = true    # whether command lines are stored, without the secrets in them

    [retention]                # of the event log; whichever bound is reached first
    days = 730                 # age by the time of the newest event; 0: no bound
    events = 10000000          # 0: no bound
    megabytes = 1000           # of the whole database; 0: no bound
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from mycelial.record.exclude import DEFAULT_PATTERNS, ExclusionRules

MOST = 10**15
"""What a bound of the log is below, whatever it counts."""

_STRING = r"""(?:"(?:[^"\\\n]|\\.)*"|'[^'\n]*')"""
_EXCLUDE = re.compile(
    rf"""^exclude[ \t]*=[ \t]*\[(?P<items>(?:[\s,]|{_STRING}|#[^\n]*\n)*)\]""", re.MULTILINE
)
"""The list of exclusions as nearly everybody writes it: one-line strings, with comments or without."""

_COMMENT = re.compile(rf"({_STRING})|#[^\n]*")


@dataclass(frozen=True, slots=True)
class Settings:
    """What a configuration file can set; an instance without arguments holds the defaults.

    Attributes
    ----------
    exclude : tuple of str
        gitignore patterns that come after the built-in ones.
    default_excludes : bool
        Whether the built-in patterns are on.
    record_arguments : bool
        Whether command lines are stored; without them nobody knows how a file was made.
    retention_days : float
        Age in days after which events are dropped; 0 means never.
    retention_events : int
        Number of events that are kept; 0 means all.
    retention_megabytes : float
        Size of the database, in millions of bytes, beyond which the oldest events go; 0 means never.
    """

    exclude: tuple[str, ...] = ()
    default_excludes: bool = True
    record_arguments: bool = True
    retention_days: float = 730
    retention_events: int = 10_000_000
    retention_megabytes: float = 1000

    def exclusion_rules(self, more: tuple[str, ...] = ()) -> ExclusionRules:
        """Return the rules that these settings and the command line's patterns, `more`, give.

        Raises
        ------
        ValueError
            if a pattern cannot be understood.
        """
        defaults = DEFAULT_PATTERNS if self.default_excludes else ()
        return ExclusionRules((*defaults, *self.exclude, *more))


def load_settings(file: Path) -> Settings:
    """Return what `file` sets; a file that is not there sets nothing.

    Raises
    ------
    ValueError
        with one line of text that names the file, if it cannot be read or understood.
    """
    try:
        return parse_settings(file.read_text("utf-8"))
    except FileNotFoundError:
        return Settings()
    except OSError as problem:
        raise ValueError(f"{file}: {problem.strerror}") from None
    except ValueError as problem:
        raise ValueError(f"{file}: {problem}") from None


def parse_settings(text: str) -> Settings:
    """Return what the TOML document `text` sets.

    Raises
    ------
    ValueError
        with one line of text, if it is not TOML, or has a key or value that means nothing here.
    """
    import tomllib  # where there is no configuration file, none of it is needed

    try:
        document = tomllib.loads(text)
    except RecursionError:
        raise ValueError("not TOML: nested too deeply") from None
    except tomllib.TOMLDecodeError as problem:
        raise ValueError(f"not TOML: {' '.join(str(problem).split())}") from None
    _refuse_unknown(document, ("exclude", "default_excludes", "record_arguments", "retention"), "")
    retention = document.get("retention", {})
    if not isinstance(retention, dict):
        raise ValueError("'retention' must be a table")
    _refuse_unknown(retention, ("days", "events", "megabytes"), "retention.")
    default = Settings()
    settings = Settings(
        exclude=_patterns(document.get("exclude", [])),
        default_excludes=_truth(document, "default_excludes"),
        record_arguments=_truth(document, "record_arguments"),
        retention_days=_amount(retention.get("days", default.retention_days), "retention.days"),
        retention_events=int(_amount(retention.get("events", default.retention_events), "retention.events")),
        retention_megabytes=_amount(
            retention.get("megabytes", default.retention_megabytes), "retention.megabytes"
        ),
    )
    settings.exclusion_rules()
    return settings


def add_exclusion(file: Path, pattern: str) -> bool:
    """Add `pattern` to the list ``exclude`` in `file` (made if missing); whether it was not there yet.

    The rest of the file stays as its owner wrote it.

    Raises
    ------
    ValueError
        with one line of text, if the file or the pattern cannot be understood.
    OSError
        if it cannot be written.
    """
    import tempfile

    if file.exists() and not file.is_file():  # a device, say, whose place nothing may take
        raise ValueError(f"{file}: not an ordinary file, so no pattern is added there")
    before = load_settings(file)
    ExclusionRules([pattern])
    if not pattern.strip() or pattern.startswith("#"):
        raise ValueError(f"{pattern!r}: empty lines and comments are patterns that fit no file")
    if pattern in before.exclude:
        return False
    file = Path(os.path.realpath(file))  # a link of those who keep their settings elsewhere stays one
    text = file.read_text("utf-8") if file.exists() else ""
    changed = _with_exclusion(text, pattern)
    try:
        is_right = parse_settings(changed) == replace(before, exclude=(*before.exclude, pattern))
    except ValueError:
        is_right = False
    if not is_right:
        raise ValueError(
            f"{file}: its exclusions are written in an unusual way: add the pattern there yourself"
        )
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    mode = file.stat().st_mode & 0o777 if file.exists() else 0o600
    descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with open(descriptor, "w", encoding="utf-8") as new:
            new.write(changed)
            os.fchmod(new.fileno(), mode)
        os.replace(name, file)
    except BaseException:
        os.unlink(name)
        raise
    return True


def _with_exclusion(text: str, pattern: str) -> str:
    word = json.dumps(pattern, ensure_ascii=False)  # a basic string of TOML, too
    found = _EXCLUDE.search(text.partition("\n[")[0])
    if found is None:
        return f"exclude = [{word}]\n{text}"
    items = found["items"].rstrip()
    bare = _COMMENT.sub(r"\1", items).rstrip()
    space = "\n" if "#" in items.rpartition("\n")[2] else " " if items else ""
    comma = ", " if bare and not bare.endswith(",") else ""
    if not space.strip(" ") and comma:
        space, comma = ", ", ""
    return text[: found.start("items")] + items + space + comma + word + text[found.end("items") :]


def _refuse_unknown(table: Mapping[str, object], known: tuple[str, ...], prefix: str) -> None:
    for key in table:
        if key not in known:
            names = ", ".join(prefix + name for name in known)
            raise ValueError(f"unknown key {prefix + key!r} (known: {names})")


def _patterns(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ValueError("'exclude' must be a list of patterns, each in quotes")
    return tuple(value)


def _truth(document: Mapping[str, object], key: str) -> bool:
    value = document.get(key, True)
    if not isinstance(value, bool):
        raise ValueError(f"{key!r} must be true or false")
    return value


def _amount(value: object, key: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < MOST:
        raise ValueError(f"{key!r} must be a number, 0 or more")
    return value
