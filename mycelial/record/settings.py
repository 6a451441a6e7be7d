"""The configuration file: what the user settles once instead of on every command line.

It is TOML. A key that is not known is an error rather than ignored: a misspelt exclusion would
otherwise record what its owner wanted to keep out. All keys, with their defaults::

    exclude = []               # further gitignore patterns
    default_excludes = true    # whether the built-in patterns are on
    record_arguments = true    # whether command lines are stored, without the secrets in them

    [retention]                # of the event log; whichever bound is reached first
    days = 730                 # age by the time of the newest event; 0: no bound
    events = 10000000          # 0: no bound
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mycelial.record.exclude import DEFAULT_PATTERNS, ExclusionRules


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
    """

    exclude: tuple[str, ...] = ()
    default_excludes: bool = True
    record_arguments: bool = True
    retention_days: float = 730
    retention_events: int = 10_000_000

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
    _refuse_unknown(retention, ("days", "events"), "retention.")
    default = Settings()
    settings = Settings(
        exclude=_patterns(document.get("exclude", [])),
        default_excludes=_truth(document, "default_excludes"),
        record_arguments=_truth(document, "record_arguments"),
        retention_days=_amount(retention.get("days", default.retention_days), "retention.days"),
        retention_events=int(_amount(retention.get("events", default.retention_events), "retention.events")),
    )
    settings.exclusion_rules()
    return settings


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
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < 1e15:
        raise ValueError(f"{key!r} must be a number, 0 or more")
    return value
