"""The commands: mycelial-mount, and what mount(8) and umount(8) call for the type fuse.mycelial."""

from __future__ import annotations

import contextlib
import logging
import logging.handlers
import os
import pwd
import select
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from mycelial import __version__
from mycelial.mount.complaint import complain
from mycelial.mount.daemon import daemonise
from mycelial.mount.mounted import is_dead_at, type_at
from mycelial.mount.options import MountOptions, Request, UsageError, parse
from mycelial.mount.place import MountError, Place, find_place, recorded_elsewhere, why_not_written
from mycelial.mount.remount import remount
from mycelial.mount.watch import daemon_of
from mycelial.record.loading import loading
from mycelial.record.logs import stderr_formatter

_NAME = "mycelial-mount"
_ENDS_WITHIN = 15.0  # seconds from the unmounting until the daemon has stored everything

UMOUNT_USAGE = "usage: umount.fuse.mycelial MOUNTPOINT [-f] [-l]"
HELP = """\
usage: mycelial-mount [options] SOURCE MOUNTPOINT

Shows the directory SOURCE at MOUNTPOINT, notices which files are used together, and answers questions
about that under MOUNTPOINT/.mycelial. Both may be the same directory. Unmount with fusermount3 -u MOUNTPOINT.

  -f, --foreground     stay in the foreground
  -d, --debug          say what happens (implies -f)
  -o WORD[,WORD...]    options as mount(8) writes them; each long option is such a word too
      --db PATH        keep the database there
      --config FILE    read the settings from there
      --exclude PAT    do not record these files (gitignore syntax; may be repeated)
      --no-record      record nothing
      --allow-other    let other users in (root, or user_allow_other in /etc/fuse.conf)
      --ro             let nothing be changed
      --view-dir NAME  another name for .mycelial
      --show-view-dir  name it in listings of the mount's root
      --no-views       no .mycelial at all
      --timeout SEC    how long the kernel keeps names and attributes (default 1; in place 3600)
      --setuid USER    become USER first
      --no-passthrough never leave reading and writing to the kernel
      --writeback      let the kernel collect writes: faster; if the daemon is killed, those are lost
  -V, --version        print the version
  -h, --help           print this
"""


def main() -> None:
    """mycelial-mount: mounts, and returns once the mount answers."""
    sys.exit(_command(sys.argv[1:]))


def main_mount_helper() -> None:
    """mount.fuse.mycelial and mount.mycelial: the same; mount(8) writes options behind the paths."""
    main()


def main_umount_helper() -> None:
    """umount.fuse.mycelial: fusermount3 for users, umount for root; dead mounts go though in use."""
    lazy, force, paths = False, False, []
    words = iter(sys.argv[1:])
    for word in words:
        if word in ("-h", "--help", "-V", "--version"):
            asked_for_help = word in ("-h", "--help")
            print(UMOUNT_USAGE if asked_for_help else f"umount.fuse.mycelial {__version__}")
            sys.exit(0)
        if word in ("-t", "-N"):  # a type, a namespace: umount(8) names them to some helpers
            next(words, None)
        elif word.startswith("-"):
            lazy = lazy or "l" in word[1:]
            force = force or "f" in word[1:]
        else:
            paths.append(word)
    if len(paths) != 1:
        print(UMOUNT_USAGE, file=sys.stderr)
        sys.exit(2)
    if (
        type_at(paths[0]) != "fuse.mycelial"
    ):  # what else is there, below a mount in place, is not ours to unmount
        complain("umount.fuse.mycelial", f"{paths[0]}: no mount of Mycelial")
        sys.exit(1)
    as_root = os.geteuid() == 0
    command = ["umount", "-i"] if as_root else ["fusermount3", "-u"]
    if force and as_root:  # what hangs is not asked first
        how = ["-f", "-l"] if lazy else ["-f"]
        sys.exit(subprocess.run([*command, *how, paths[0]], check=False).returncode)
    if lazy or is_dead_at(paths[0]):
        command.append("-l" if as_root else "-z")
        sys.exit(subprocess.run([*command, paths[0]], check=False).returncode)
    daemon = None
    with contextlib.suppress(OSError):  # somebody else's, who lets nobody in
        daemon = daemon_of(paths[0])
    code = subprocess.run([*command, paths[0]], check=False).returncode
    if code == 0 and daemon is not None:  # until all is stored: a manager takes this for the end
        select.select([daemon], [], [], _ENDS_WITHIN)
    sys.exit(code)


def _command(arguments: list[str]) -> int:
    try:
        options = parse(arguments)
    except UsageError as problem:
        complain(_NAME, problem)
        return 2
    if options.request is Request.HELP:
        print(HELP, end="")
        return 0
    if options.request is Request.VERSION:
        print(f"mycelial-mount {__version__}")
        return 0
    try:
        return _remount(options) if options.remount else _mount(options)
    except MountError as problem:
        complain(_NAME, problem)
        return 1


def _remount(options: MountOptions) -> int:
    """Change the kernel's flags. A mount unit's reload does this, with all options it has by then."""
    if type_at(options.mountpoint) != "fuse.mycelial":
        raise MountError(f"{options.mountpoint}: no mount of Mycelial to change")
    remount(options.mountpoint, ["ro" if options.read_only else "rw", *options.kernel])
    if options.own():
        complain(_NAME, f"{options.mountpoint}: other options hold from the next mount on")
    return 0


def _mount(options: MountOptions) -> int:
    if options.run_as is not None:
        _become(options.run_as)
    place = find_place(options)
    if options.record:
        _say_what_keeps_it_from_recording(options, place)
    report: Callable[[str | None], None] = _say_problem if options.foreground else daemonise()
    _set_up_logging(options)
    ready = False

    def on_ready() -> None:
        nonlocal ready
        ready = True
        report(None)

    try:
        # After the fork: this loads pyfuse3. With setuid, that user must be able to read it.
        with loading():
            from mycelial.mount.filesystem import Filesystem

        Filesystem(options, place, on_ready).run()
    except Exception as problem:
        if options.debug or not isinstance(problem, (MountError, OSError, ImportError)):
            logging.getLogger(__name__).exception("the mount ended")
        if not ready:
            report(str(problem) or type(problem).__name__)
        return 1
    return 0


def _say_what_keeps_it_from_recording(options: MountOptions, place: Place) -> None:
    if (other := recorded_elsewhere(place)) is not None:
        # Its engine, or one that ends just now: the lock does not say whose it is.
        what = (
            f"{options.source} is mounted at {other} too, and its record is in use;"
            " this mount does not record while that is so"
        )
        complain(_NAME, f"{what} (--db PATH gives it a record of its own)")
    if options.foreground:  # the engine's own word is seen
        return
    if (why := why_not_written(Path(place.database))) is not None:
        what = f"nothing can be written at {place.database} ({why}); nothing is recorded while that is so"
        complain(_NAME, f"{what} (--db PATH keeps it elsewhere)")


def _say_problem(problem: str | None) -> None:
    if problem is not None:
        complain(_NAME, problem)


def _become(name: str) -> None:
    """Give up root for good, as mount(8) does with setuid=USER."""
    try:
        user = pwd.getpwuid(int(name)) if name.isdigit() else pwd.getpwnam(name)
    except KeyError:
        raise MountError(f"setuid={name}: no such user") from None
    try:
        os.initgroups(user.pw_name, user.pw_gid)
        os.setgid(user.pw_gid)
        os.setuid(user.pw_uid)
    except OSError as problem:
        raise MountError(f"setuid={name}: {problem.strerror}") from None
    os.environ.update(HOME=user.pw_dir, USER=user.pw_name, LOGNAME=user.pw_name)
    for place in ("XDG_STATE_HOME", "XDG_CONFIG_HOME"):  # were root's
        os.environ.pop(place, None)


def _set_up_logging(options: MountOptions) -> None:
    handler: logging.Handler = logging.NullHandler()
    name = f"mycelial-mount[{os.getpid()}]"
    if options.foreground:
        handler = logging.StreamHandler()
        handler.setFormatter(stderr_formatter(name))
    elif Path("/dev/log").exists():
        handler = logging.handlers.SysLogHandler("/dev/log")
        handler.setFormatter(logging.Formatter(f"{name}: %(message)s"))
    logging.basicConfig(level=logging.DEBUG if options.debug else logging.INFO, handlers=[handler])
    logging.getLogger("pyfuse3").setLevel(logging.INFO if options.debug else logging.ERROR)


if __name__ == "__main__":
    main()
