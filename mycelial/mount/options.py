"""Command lines, as mount(8), fstab and people write them, turned into one plain description of the mount.

Options stand before, between or after the two paths, as with other FUSE programs. Every long option is an
`-o` word too, and the generic words of fstab that are not ours are passed over.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum, auto


class UsageError(Exception):
    """A command line that means nothing; the text is one line for the person who wrote it."""


class Request(Enum):
    """What the command line asks for."""

    MOUNT = auto()
    HELP = auto()
    VERSION = auto()


@dataclass(frozen=True, slots=True)
class MountOptions:
    """One mount, as it was asked for.

    Attributes
    ----------
    source, mountpoint : str
        As written: relative paths are still relative.
    foreground, debug : bool
        Stay in the foreground; say what happens. `debug` implies `foreground`.
    database, config : str or None
        Other places than the usual ones.
    exclude : tuple of str
        gitignore patterns of what is not recorded.
    allow_other, read_only, record, passthrough, writeback : bool
        Other users may enter; nothing may be changed; accesses are recorded; the kernel may read and write
        by itself, where it can.
    view_dir : str
        Name of the virtual tree in the mount's root; empty: none.
    show_view_dir : bool
        The root's listing names the virtual tree.
    timeout : float or None
        Seconds for which the kernel may keep names and attributes; None: the usual.
    timeout_of_parts : float or None
        The same, from libfuse's words for parts of it; counts where `timeout` was not given.
    run_as : str or None
        The user to become before mounting (`setuid=` in fstab).
    kernel : tuple of str
        Words for the kernel's own mount flags, such as noexec.
    remount : bool
        Change the flags of the mount that is there.
    """

    request: Request = Request.MOUNT
    source: str = ""
    mountpoint: str = ""
    foreground: bool = False
    debug: bool = False
    database: str | None = None
    config: str | None = None
    exclude: tuple[str, ...] = ()
    allow_other: bool = False
    read_only: bool = False
    record: bool = True
    passthrough: bool = True
    writeback: bool = False
    view_dir: str = ".mycelial"
    show_view_dir: bool = False
    timeout: float | None = None
    timeout_of_parts: float | None = None
    run_as: str | None = None
    kernel: tuple[str, ...] = field(default=())
    remount: bool = False

    def own(self) -> bool:
        """Whether anything was asked for that the kernel does not see to."""
        plain = replace(self, read_only=False, kernel=(), remount=False, allow_other=False, run_as=None)
        return plain != MountOptions(source=self.source, mountpoint=self.mountpoint)


_WITH_VALUE = frozenset({"db", "config", "exclude", "view-dir", "timeout", "setuid"})
_WITHOUT_VALUE = frozenset(
    {"allow-other", "ro", "rw", "no-record", "no-passthrough", "writeback", "show-view-dir", "no-views"}
)
_TIMEOUTS = ("attr-timeout", "entry-timeout", "negative-timeout")
"""As libfuse has them, each for a part of what ours is for: without that, the shortest holds for all."""
_KERNEL = frozenset(
    {"suid", "nosuid", "dev", "nodev", "exec", "noexec", "sync", "dirsync", "noatime", "nodiratime"}
)
# Words of fstab(5), mount(8) and systemd.mount(5) that are meant for others, or that are always so here.
_PASSED_OVER = """
    defaults auto noauto user nouser users nousers owner noowner group nogroup _netdev nofail async atime
    diratime relatime norelatime strictatime nostrictatime lazytime nolazytime iversion noiversion silent
    loud mand nomand nonempty default_permissions seclabel bind rbind private shared slave
"""
_PASSED_OVER_WITH_VALUE = (
    "x-",
    "X-",
    "comment=",
    "context=",
    "fscontext=",
    "defcontext=",
    "rootcontext=",
    "uhelper=",
    "helper=",
    "user_id=",  # these stand in mount tables, from where a remount takes them
    "group_id=",
    "blksize=",
)
_SHORT_PASSED_OVER = frozenset("snvwr")


def parse(arguments: Sequence[str]) -> MountOptions:
    """Return what `arguments` (without the program's name) ask for.

    Raises
    ------
    UsageError
        if they mean nothing.
    """
    options = MountOptions()
    paths: list[str] = []
    words = iter(arguments)
    for word in words:
        if word == "--":
            paths.extend(words)
        elif word.startswith("--"):
            name, equals, value = word[2:].partition("=")
            if name in ("help", "version"):
                return replace(options, request=Request.HELP if name == "help" else Request.VERSION)
            if name in _WITH_VALUE and not equals:
                value = _next(words, word)
            options = _long(options, name, value, word)
        elif word.startswith("-") and len(word) > 1:
            options = _short(options, word, words)
            if options.request is not Request.MOUNT:
                return options
        else:
            paths.append(word)
    if len(paths) != 2:
        raise UsageError("SOURCE and MOUNTPOINT are needed, and nothing else: see mycelial-mount --help")
    timeout = options.timeout_of_parts if options.timeout is None else options.timeout
    return replace(options, source=paths[0], mountpoint=paths[1], timeout=timeout, timeout_of_parts=None)


def _next(words: Iterator[str], option: str) -> str:
    try:
        return next(words)
    except StopIteration:
        raise UsageError(f"{option} needs a value") from None


def _short(options: MountOptions, word: str, words: Iterator[str]) -> MountOptions:
    """Apply one word of single letters, such as -f, -fd or -oro."""
    letters = word[1:]
    while letters:
        letter, letters = letters[0], letters[1:]
        if letter in "hV":
            return replace(options, request=Request.HELP if letter == "h" else Request.VERSION)
        if letter == "f":
            options = replace(options, foreground=True)
        elif letter == "d":
            options = replace(options, foreground=True, debug=True)
        elif letter == "r":
            options = replace(options, read_only=True)
        elif letter in "ot":
            value = letters or _next(words, "-" + letter)
            letters = ""
            if letter == "o":
                options = _mount_words(options, value)
        elif letter not in _SHORT_PASSED_OVER:
            raise UsageError(f"unknown option -{letter}: see mycelial-mount --help")
    return options


def _mount_words(options: MountOptions, text: str) -> MountOptions:
    for word in _split(text):
        name, equals, value = word.partition("=")
        name = name.replace("_", "-")
        if not word or word in _PASSED_OVER.split() or word.startswith(_PASSED_OVER_WITH_VALUE):
            continue
        if word == "remount":
            options = replace(options, remount=True)
        elif word in _KERNEL:
            options = replace(options, kernel=(*options.kernel, word))
        elif word == "debug":
            options = replace(options, foreground=True, debug=True)
        elif name in _TIMEOUTS and equals:
            seconds = _seconds(value, f"-o {word}")
            known = seconds if options.timeout_of_parts is None else options.timeout_of_parts
            options = replace(options, timeout_of_parts=min(seconds, known))
        elif name in ("fsname", "subtype", "max-read") and equals:
            continue  # ours to say
        elif name in _WITH_VALUE and not equals:
            raise UsageError(f"-o {word} needs a value")
        else:
            options = _long(options, name, value, f"-o {word}")
    return options


def _split(text: str) -> Iterator[str]:
    """Split at commas; a backslash keeps the next character as it is (as libfuse does)."""
    word = ""
    letters = iter(text)
    for letter in letters:
        if letter == ",":
            yield word
            word = ""
        else:
            word += next(letters, "\\") if letter == "\\" else letter
    yield word


def _long(options: MountOptions, name: str, value: str, written: str) -> MountOptions:
    if name not in _WITH_VALUE and name not in _WITHOUT_VALUE and name not in ("debug", "foreground"):
        raise UsageError(f"unknown option {written}: see mycelial-mount --help")
    if name in _WITH_VALUE and not value:
        raise UsageError(f"{written} needs a value")
    if name not in _WITH_VALUE and value:
        raise UsageError(f"{written}: this option takes no value")
    match name:
        case "db":
            return replace(options, database=value)
        case "config":
            return replace(options, config=value)
        case "exclude":
            return replace(options, exclude=(*options.exclude, value))
        case "view-dir":
            return replace(options, view_dir=_view_dir(value))
        case "timeout":
            return replace(options, timeout=_seconds(value, f"--timeout {value}"))
        case "setuid":
            return replace(options, run_as=value)
        case "allow-other":
            return replace(options, allow_other=True)
        case "ro" | "rw":
            return replace(options, read_only=name == "ro")
        case "no-record":
            return replace(options, record=False)
        case "no-passthrough":
            return replace(options, passthrough=False)
        case "writeback":
            return replace(options, writeback=True)
        case "show-view-dir":
            return replace(options, show_view_dir=True)
        case "no-views":
            return replace(options, view_dir="")
        case "debug":
            return replace(options, foreground=True, debug=True)
        case _:
            return replace(options, foreground=True)


def _view_dir(name: str) -> str:
    if (
        "/" in name
        or "\0" in name
        or name in (".", "..")
        or len(name.encode("utf-8", "surrogateescape")) > 255
    ):
        raise UsageError(f"--view-dir {name}: one name is needed, without a slash")
    return name


def _seconds(value: str, written: str) -> float:
    try:
        seconds = float(value)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < 1e9:
        raise UsageError(f"{written}: a number of seconds is needed, 0 or more")
    return seconds
