"""What is never recorded: caches, version control's own files, secrets, and whatever the user names.

Patterns are gitignore's (https://git-scm.com/docs/gitignore), tried in this order: the defaults,
the configuration file's, the command line's. The last one that fits decides, so ``!.git/`` on the
command line brings ``.git`` back. An excluded name must not reach the log in any role: a rename that
crosses the border is split at it (:meth:`ExclusionRules.admit`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

import pathspec

from mycelial.record.events import Event, Op

DEFAULT_PATTERNS = (
    # version control
    ".git/",
    ".hg/",
    ".svn/",
    ".jj/",
    # caches and installed dependencies: many files that nobody opens by name
    ".cache/",
    "__pycache__/",
    "*.pyc",
    ".mypy_cache/",
    ".pytest_cache/",
    ".ruff_cache/",
    ".hypothesis/",
    ".tox/",
    ".venv/",
    "node_modules/",
    ".direnv/",
    # desktops and filesystems
    ".Trash/",
    ".Trash-*/",
    "lost+found/",
    ".DS_Store",
    "Thumbs.db",
    ".fuse_hidden*",
    ".nfs[0-9a-f]*",
    # secrets: their names alone say too much
    ".ssh/",
    ".gnupg/",
    ".password-store/",
)
"""Always on, unless the configuration says ``default_excludes = false``."""

_ANYWHERE = "^(?:.+/)?"  # how a regular expression begins that fits in any directory
_PLAIN_DIRECTORY = re.compile(r"[^/*?\[\]\\#!\s]+/")
_GROUP = re.compile(r"\(\?P<\w+>")
_REMEMBERED = 65536  # paths; a build asks for the same headers again and again
_LONGEST = 512  # letters of a path that is remembered


class ExclusionRules:
    """Decides by name alone, without looking at any file.

    Parameters
    ----------
    patterns : iterable of str
        gitignore lines, the least important first.

    Attributes
    ----------
    directories : tuple of str
        Names of directories below which everything is left out, wherever they are: of some, as not every
        pattern tells; and none where a pattern brings files back.

    Raises
    ------
    ValueError
        with one line of text, if a pattern cannot be understood.
    """

    def __init__(self, patterns: Iterable[str] = DEFAULT_PATTERNS) -> None:
        lines = tuple(patterns)
        for line in lines:
            if "\n" in line or "\0" in line:
                raise ValueError(f"bad exclusion pattern {line!r}: it must be one line")
        try:
            self._spec = pathspec.GitIgnoreSpec.from_lines(lines)
        except ValueError:
            raise ValueError(f"bad exclusion pattern {_wrong(lines)!r}") from None
        self.directories = _directories(lines)
        self._any = _any_of(self._spec)
        self._remembered = lru_cache(maxsize=_REMEMBERED)(self._decide)

    def excludes(self, path: str) -> bool:
        """Whether `path`, relative to the mount root, is left out (it or a directory above it fits)."""
        return self._remembered(path) if len(path) <= _LONGEST else self._decide(path)

    def admit(self, event: Event) -> tuple[Event, ...]:
        """Return what may be recorded of `event`: mostly itself, or nothing.

        A rename out of sight is recorded as the removal of the old name. A rename or link into
        sight is a new file that its process has written.
        """
        if event.to is None:
            path = event.path
            is_excluded = self._remembered(path) if len(path) <= _LONGEST else self._decide(path)
            return () if is_excluded else (event,)
        hidden, target_hidden = self.excludes(event.path), self.excludes(event.to)
        if not hidden and not target_hidden:
            return (event,)
        if target_hidden:
            gone = event.op is Op.RENAME and not hidden
            return (event._replace(op=Op.UNLINK, to=None),) if gone else ()
        arrival = event._replace(op=Op.CREATE, path=event.to, to=None)
        return arrival, arrival._replace(op=Op.WRITE)

    def _decide(self, path: str) -> bool:
        return self._any.search(path) is not None and bool(self._spec.match_file(path))


def _directories(lines: Iterable[str]) -> tuple[str, ...]:
    if any(line.startswith("!") for line in lines):
        return ()
    return tuple(line[:-1] for line in lines if _PLAIN_DIRECTORY.fullmatch(line))


def _wrong(lines: Iterable[str]) -> str:
    """Return the first line that cannot be understood."""
    for line in lines:
        try:
            pathspec.GitIgnoreSpec.from_lines([line])
        except ValueError:
            return line
    raise AssertionError("each line is right alone, and all are not")


def _any_of(spec: pathspec.GitIgnoreSpec) -> re.Pattern[str]:
    """Return what matches whatever one of the patterns matches; most files fit none, and are told at once."""
    expressions = [
        _GROUP.sub("(?:", expression.pattern)
        for pattern in spec.patterns
        if (expression := getattr(pattern, "regex", None)) is not None
    ]
    anywhere = [text.removeprefix(_ANYWHERE) for text in expressions if text.startswith(_ANYWHERE)]
    others = [text for text in expressions if not text.startswith(_ANYWHERE)]
    if anywhere:
        others.append(f"{_ANYWHERE}(?:{'|'.join(anywhere)})")
    return re.compile("|".join(others) or "(?!)")
