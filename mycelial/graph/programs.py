"""What kind of program a process runs, as far as that decides what its reads and writes mean.

Most programs need no entry: a tool reads its inputs and writes its outputs.  Listed are those that
start others (their children's work is not theirs), and those that hold many unrelated files open.
"""

from __future__ import annotations

import re
from enum import Enum
from functools import lru_cache
from itertools import pairwise


class Kind(Enum):
    """How reads and writes of a program hang together."""

    __hash__ = object.__hash__  # each is there once; an enumeration's own takes a call in Python

    TOOL = "tool"  # reads its inputs, writes its outputs
    SHELL = "shell"  # opens files for others
    WRAPPER = "wrapper"  # runs other programs and passes its standard output on to them
    BUILDER = "builder"  # decides what to run
    INTERPRETER = "interpreter"  # a tool in its own right, but its children are others
    VERSIONS = "versions"  # moves whole trees between versions
    EDITOR = "editor"  # holds many files; saving one says nothing about the others
    COPIER = "copier"  # each file it writes comes from one that it read
    WATCHER = "watcher"  # reads what happens to lie there, on nobody's behalf
    HOST = "host"  # only ever the ground that others stand on


_NAMES = {
    Kind.SHELL: """
        sh bash dash zsh ksh mksh fish ash busybox tcsh csh yash elvish nu pwsh xonsh
    """,
    Kind.WRAPPER: """
        xargs parallel find fd env timeout nice ionice nohup stdbuf setsid time sudo doas su runuser chrt
        taskset flock watch entr strace ltrace gdb script unshare nsenter chroot fakeroot setarch catchsegv
        systemd-run bwrap direnv
    """,
    Kind.BUILDER: """
        make gmake bmake ninja cmake ctest meson scons bazel waf cargo gradle mvn ant npm yarn pnpm npx
        latexmk arara tup redo just rake snakemake nextflow luigi dvc configure libtool pre-commit tox nox
        pytest dpkg-buildpacka debuild rpmbuild nix-build
    """,
    Kind.INTERPRETER: """
        perl ruby node nodejs deno bun php lua luajit tclsh wish R Rscript julia java guile racket scala
        groovy octave octave-cli gawk-shell pypy pypy3 ipython jupyter-lab jupyter-noteboo ipykernel_launch
    """,
    Kind.VERSIONS: """
        git git-remote-http hg svn bzr fossil jj darcs cvs git-lfs
    """,
    Kind.EDITOR: """
        vi vim nvim gvim view ex ed nano pico emacs emacsclient emacs-gtk emacs-nox micro helix hx kak
        kakoune joe jed ne mg code codium code-oss electron cursor zed sublime_text subl atom gedit
        gnome-text-edit kate kwrite mousepad pluma xed leafpad geany notepadqq idea java-idea pycharm clion
        webstorm goland rider eclipse netbeans qtcreator kdevelop soffice soffice.bin oosplash libreoffice
        abiword gnumeric lyx texmaker texstudio typora obsidian marktext gimp gimp-2.10 gimp-3.0 inkscape
        krita blender darktable rawtherapee audacity freecad kicad mcedit
    """,
    Kind.COPIER: """
        cp mv install rsync scp dd nautilus dolphin thunar Thunar nemo caja pcmanfm mc ranger lf nnn
        krusader gvfsd gvfsd-file gio kioslave5 kioworker kio_file spacefm doublecmd
    """,
    Kind.WATCHER: """
        tumblerd thumbnailer ffmpegthumbnailer gnome-thumbnail-font gnome-desktop-thumbnailer
        evince-thumbnailer totem-video-thumbnailer gdk-pixbuf-thumbnailer gsf-office-thumbnailer
        updatedb updatedb.mlocate updatedb.plocate clamd clamscan clamdscan clamonacc maldet
        restic borg borgmatic kopia duplicity duplicati rsnapshot rdiff-backup bup timeshift deja-dup vorta
        syncthing nextcloud nextcloudcmd owncloud dropbox dropboxd maestral onedrive insync megasync
        seaf-daemon seafile-applet rclone lsyncd unison resilio-sync fwupd mdworker mds_stores
    """,
    Kind.HOST: """
        init systemd sshd sshd-session login getty agetty cron crond atd screen tmux gnome-shell
        gnome-terminal- konsole xterm urxvt alacritty kitty foot wezterm-gui ptyxis plasmashell
        kwin_wayland Xorg
        dockerd containerd containerd-shim runc conmon podman supervisord tini dumb-init dbus-daemon
        at-spi-bus-laun tilix terminator xfce4-terminal xfce4-session gdm lightdm sddm launchd
    """,
}
_COMM = 15
"""The kernel cuts program names to so many bytes."""

_KINDS = {name[:_COMM]: kind for kind, names in _NAMES.items() for name in names.split()}
_SUFFIXES = {
    ".sh": Kind.SHELL,
    ".bash": Kind.SHELL,
    ".py": Kind.INTERPRETER,
    ".pl": Kind.INTERPRETER,
    ".rb": Kind.INTERPRETER,
    ".js": Kind.INTERPRETER,
}
_GUIDE_OF_VERSIONS = re.compile(
    r"""(?:.*/)?(?: \.git(?:config|ignore|attributes|modules) | \.mailmap | \.git-blame-ignore-revs
      | \.hg(?:rc|ignore|eol|sub|substate|tags) | \.(?:bzr|cvs|svn|fossil)ignore
      | \.config/(?:git|hg|jj)/.* )""",
    re.VERBOSE | re.DOTALL,
)
CONDUCTORS = frozenset({Kind.SHELL, Kind.WRAPPER, Kind.BUILDER, Kind.HOST})
"""Kinds that open files for their children rather than for themselves."""

FEEDING = frozenset({Kind.TOOL, Kind.INTERPRETER, Kind.COPIER})
"""Kinds that start others to write into their input, or to write what they opened for them."""

_DOT_COMMAND = re.compile(r"\.[a-z]+")
_IS_PART = re.compile(r"(?!\.[a-z]+$)[^-\s]\S*")  # of one, and no other command

_VALUED = frozenset(["-o", "-O", "+o", "+O", "--rcfile", "--init-file"])


@lru_cache(maxsize=4096)
def kind_of(comm: str, exe: str | None = None) -> Kind:
    """Return the kind of a program by its name, or by its executable where the name is a script's."""
    name = comm.lstrip("-")  # a login shell's name starts with a dash
    if name.startswith("tmux:"):
        return Kind.HOST
    known = _KINDS.get(name)
    if known is not None:
        return known
    if name.startswith(("python", "pypy", "lua5", "ruby", "perl5", "php")):
        return Kind.INTERPRETER
    for suffix, kind in _SUFFIXES.items():
        if name.endswith(suffix):
            return kind
    if exe is not None:
        program = exe.rpartition("/")[2]
        if program[:_COMM] != name and program not in _MANY:
            return kind_of(program)
    return Kind.TOOL


_MANY = ("busybox", "toybox")
"""Programs that are many: which one says the first word, or the second."""


def without_box(args: tuple[str, ...]) -> tuple[str, ...]:
    """Return a command line beginning with the program that is meant: `busybox sort` is a sort."""
    return args[1:] if len(args) > 1 and args[0].rpartition("/")[2] in _MANY else args


_TASKS = {"cmake": ("-E", "-P"), "meson": ("--internal",)}
"""Options with which a builder is a tool that the build calls: it copies, converts, captures an output."""


def is_task(comm: str, args: tuple[str, ...]) -> bool:
    """Whether a builder so called does one thing, as a script would."""
    return comm in _TASKS and not set(_TASKS[comm]).isdisjoint(args)


@lru_cache(maxsize=4096)
def is_guide_of_versions(path: str) -> bool:
    """Whether version control looks there whatever it takes up: for what to ignore, who its user is."""
    return _GUIDE_OF_VERSIONS.fullmatch(path) is not None


def lends_environment(comm: str) -> bool:
    """Whether a builder tells what it runs by variables what to do: to be run again, it is called itself."""
    return comm == "cargo"


_KERNEL = "ipykernel_launcher"
_NOTEBOOKS = ("nbconvert", "nbclient", "papermill", "execute")


def is_kernel(args: tuple[str, ...]) -> bool:
    """Whether a program does what the cells of a notebook say, which another one sends it."""
    return _KERNEL in args


def works_off_notebook(args: tuple[str, ...]) -> bool:
    """Whether a program has a kernel run a notebook with nobody in front of it."""
    return any(word.rpartition("/")[2].removeprefix("jupyter-") in _NOTEBOOKS for word in args[:4])


_BY_ITSELF = (
    "-es",
    "-Es",
    "--batch",
    "-batch",
    "--script",
    "--headless",
    "--export-filename",
    "--export-type",
    "--export",
    "--convert-to",
    "--to",
)
_BY_ITSELF_WITH = {"inkscape": "-o", "gimp": "-b", "blender": "-b", "lyx": "-e"}


def works_by_itself(args: tuple[str, ...]) -> bool:
    """Whether an editor so called does what its command line says, with nobody in front of it."""
    name = args[0].rpartition("/")[2] if args else ""
    if (name in ("ed", "ex") and "-s" in args) or _BY_ITSELF_WITH.get(name) in args[1:]:
        return True
    return any(word.partition("=")[0] in _BY_ITSELF for word in args[1:])


def is_wrapper(comm: str) -> bool:
    """Whether such a program only runs others, which it is given on its command line."""
    return kind_of(comm) is Kind.WRAPPER


@lru_cache(maxsize=4096)
def is_barrier(comm: str) -> bool:
    """Whether what runs below such a parent is a unit of work of its own."""
    return comm in ("", "?") or kind_of(comm) not in (Kind.TOOL, Kind.COPIER, Kind.WATCHER)


def script_text(args: tuple[str, ...]) -> str:
    """Return what a shell is told to run by its command line: commands, or a file's name; or nothing."""
    words = iter(without_box(args)[1:])
    commands = False
    for word in words:
        if word in _VALUED:
            next(words, None)
        elif word.startswith("--"):
            continue
        elif word.startswith(("-", "+")) and len(word) > 1:
            commands = commands or "c" in word
            if "s" in word and not commands:
                return ""
        else:
            return word if commands else f"./{word}"
    return ""


def is_told_by_input(comm: str, args: tuple[str, ...]) -> bool:
    """Whether such a program is a shell that reads from its standard input what to do."""
    return kind_of(comm) is Kind.SHELL and bool(args) and not script_text(args)


def is_one_command(line: tuple[str, ...]) -> bool:
    """Whether a shell only runs what its parent says, and makes no pipe itself."""
    return "-c" in without_box(line)[1:3] and not any(
        "|" in word.replace("||", "") or "<(" in word for word in line
    )


def is_overwritten(args: tuple[str, ...]) -> bool:
    """Whether a program has written over its command line: a title, or commands that it took to pieces there.

    The kernel shows what stands in the program's memory, and sqlite3 parts ".mode csv" in place.
    """
    name = args[0].rpartition("/")[2] if args else ""
    if not name.startswith("sqlite3"):
        return " " in name
    return any(_DOT_COMMAND.fullmatch(word) and _IS_PART.fullmatch(after) for word, after in pairwise(args))


def is_script_of(args: tuple[str, ...], path: str) -> bool:
    """Whether a shell of such a command line is told what to do by the file of that path."""
    name = path.rpartition("/")[2]
    for argument in without_box(args)[1:]:
        if not argument.startswith(("-", "+")):
            return argument.rpartition("/")[2] == name
        if not argument.startswith("--") and "c" in argument:
            return False  # sh -c 'commands': what follows are words for them
    return False
