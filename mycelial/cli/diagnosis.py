"""What a machine must have for a mount, looked at piece by piece.

Each check looks at one thing and says what it found, and the mend if there is one. Checks take what
they look at as arguments, so that a test can show them a machine that lacks it.
"""

from __future__ import annotations

import ctypes
import errno
import os
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path

_SEES_WITHIN = 2.0  # seconds that a mountpoint has to answer
_DIES_WITHIN = 0.5  # seconds; a request that the daemon has read cannot be killed
_CAP_SYS_ADMIN = 21  # linux/capability.h
_PASSTHROUGH_KERNEL = (6, 9)
_PASSTHROUGH_LIBFUSE = (3, 17)
_STAT = "import os, sys\ntry: os.stat(sys.argv[1])\nexcept OSError as e: sys.exit(e.errno)"


class State(StrEnum):
    """How bad a finding is."""

    OK = "ok"
    NOTE = "note"  # something is slower, or off
    FAILED = "failed"  # nothing can be mounted, or something is broken


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found; `mend` is empty where nothing need be done."""

    check: str
    state: State
    text: str
    mend: str = ""


def check_device(device: Path = Path("/dev/fuse")) -> Finding:
    """Look at the device through which the kernel is asked to mount."""
    name = "device"
    try:
        status = device.stat()
    except OSError as problem:
        mend = "modprobe fuse; in a container, start it with --device /dev/fuse"
        return Finding(name, State.FAILED, f"{device}: {problem.strerror}", mend)
    if not stat.S_ISCHR(status.st_mode):
        return Finding(name, State.FAILED, f"{device}: not a device", f"rm {device}; modprobe fuse")
    mode = f"{device}: mode {stat.S_IMODE(status.st_mode):04o}"
    if not os.access(device, os.R_OK | os.W_OK):
        return Finding(name, State.FAILED, f"{mode}, and this user may not open it", f"chmod 0666 {device}")
    if status.st_mode & 0o006 != 0o006:
        return Finding(name, State.NOTE, f"{mode}, so other users cannot mount", f"chmod 0666 {device}")
    return Finding(name, State.OK, mode)


def check_fusermount(program: str | None = None, uid: int | None = None) -> Finding:
    """Look at the program that mounts for users who are not root."""
    name = "fusermount3"
    found = shutil.which("fusermount3") if program is None else program
    is_root = (os.geteuid() if uid is None else uid) == 0
    if found is None:
        mend = "install the package fuse3"
        if is_root:
            return Finding(name, State.NOTE, "not found; root mounts without it, users cannot", mend)
        return Finding(name, State.FAILED, "not found", mend)
    status = os.stat(found)
    if status.st_mode & stat.S_ISUID and status.st_uid == 0:
        return Finding(name, State.OK, f"{found}: setuid root")
    mend = f"chown root {found}; chmod u+s {found} (NixOS: programs.fuse.userAllowOther or security.wrappers)"
    state = State.NOTE if is_root else State.FAILED
    return Finding(name, state, f"{found}: not setuid root, so only root can mount", mend)


def check_libfuse(version: str | None = None) -> Finding:
    """Look at the library that pyfuse3 is linked to; `version` stands for what it says."""
    found = libfuse_version() if version is None else version
    if found is None:
        return Finding("libfuse", State.FAILED, "libfuse3 cannot be loaded", "install the package libfuse3")
    if numbers(found) < (3, 10):
        return Finding("libfuse", State.FAILED, f"version {found}, 3.10 is needed", "upgrade libfuse3")
    return Finding("libfuse", State.OK, f"version {found}")


def check_passthrough(kernel: str, libfuse: str | None, capabilities: int) -> Finding:
    """Say whether the kernel could read and write files without the daemon, and if not, what it takes.

    `capabilities` are this process's effective ones, as a bit mask.
    """
    missing = []
    if numbers(kernel) < _PASSTHROUGH_KERNEL:
        missing.append(f"Linux 6.9 (this is {kernel})")
    if numbers(libfuse or "") < _PASSTHROUGH_LIBFUSE:
        missing.append(f"libfuse 3.17 (this is {libfuse or 'unknown'})")
    if not capabilities >> _CAP_SYS_ADMIN & 1:
        missing.append("CAP_SYS_ADMIN (to mount as root)")
    if missing:
        return Finding("passthrough", State.NOTE, "not possible: it needs " + ", ".join(missing))
    return Finding("passthrough", State.OK, "the kernel can pass reads and writes through")


def check_allow_other(config: Path = Path("/etc/fuse.conf"), uid: int | None = None) -> Finding:
    """Say whether users may let other users into their mounts."""
    name = "allow_other"
    try:
        lines = config.read_text("utf-8", "replace").splitlines()
    except OSError:
        lines = []
    if any(line.strip() == "user_allow_other" for line in lines):
        return Finding(name, State.OK, "users may use --allow-other")
    if (os.geteuid() if uid is None else uid) == 0:
        return Finding(name, State.OK, "root may use --allow-other, other users may not")
    return Finding(name, State.NOTE, "--allow-other is for root only", f"add user_allow_other to {config}")


def check_pyfuse3() -> Finding:
    """Say whether the Python binding is installed."""
    if find_spec("pyfuse3") is None:
        return Finding("pyfuse3", State.FAILED, "not installed", "pip install pyfuse3")
    return Finding("pyfuse3", State.OK, "installed")


def check_mounts(mountinfo: str) -> list[Finding]:
    """Look whether each FUSE mount of ours that `mountinfo` (see proc(5)) lists still answers."""
    return [_check_mount(path) for path in mountpoints(mountinfo)] or [
        Finding("mount", State.OK, "nothing is mounted")
    ]


def _check_mount(path: str) -> Finding:
    # In a process of its own: a daemon that hangs would hang this one beyond the reach of signals.
    looker = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", _STAT, path], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        code = looker.wait(_SEES_WITHIN)
    except subprocess.TimeoutExpired:
        looker.kill()
        with suppress(subprocess.TimeoutExpired):
            looker.wait(_DIES_WITHIN)
        mend = f"fusermount3 -uz {path}"
        return Finding("mount", State.FAILED, f"{path}: no answer within {_SEES_WITHIN:g} s", mend)
    if code == errno.ENOTCONN:
        return Finding("mount", State.FAILED, f"{path}: dead, its daemon is gone", f"fusermount3 -u {path}")
    if code:
        return Finding("mount", State.NOTE, f"{path}: {os.strerror(code)}")
    return Finding("mount", State.OK, f"{path}: answers")


def check_database(database: Path) -> Finding:
    """Say whether a database can be read."""
    from mycelial.store.answers import Answers
    from mycelial.store.errors import StoreError

    try:
        with Answers.open(database, None) as answers:
            events = answers.status().get("events", 0)
    except (StoreError, OSError) as problem:
        mend = "move it away; a new one is made at the next mount"
        return Finding("database", State.FAILED, str(problem), mend)
    return Finding("database", State.OK, f"{database}: {events} events")


def mountpoints(mountinfo: str) -> list[str]:
    """Return where filesystems of type ``fuse.mycelial`` are mounted."""
    found = []
    for line in mountinfo.splitlines():
        before, _, after = line.partition(" - ")
        fields = before.split(" ")
        if after.split(" ")[0] == "fuse.mycelial" and len(fields) > 4:
            found.append(_unescaped(fields[4]))
    return found


def _unescaped(field: str) -> str:
    """Undo the kernel's octal escapes of white space and backslashes (seq_path in fs/seq_file.c)."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), field)


def numbers(version: str) -> tuple[int, ...]:
    """Return the first two numbers of a version: "6.18.5-cloud" is (6, 18)."""
    return tuple(int(part) for part in re.findall(r"\d+", version)[:2])


def libfuse_version() -> str | None:
    """Return the version of libfuse that pyfuse3 loads, or of the system's one; None if there is none."""
    for library in (*_pyfuse3_extension(), "libfuse3.so.4", "libfuse3.so.3"):
        try:
            function = ctypes.CDLL(library).fuse_pkgversion
        except (OSError, AttributeError):
            continue
        function.restype = ctypes.c_char_p
        return str(function().decode("ascii", "replace"))
    return None


def _pyfuse3_extension() -> Iterable[str]:
    """Yield the file of the extension module: loading it as a library runs none of its Python."""
    spec = find_spec("pyfuse3")
    if spec is not None and spec.origin is not None and spec.origin.endswith(".so"):
        yield spec.origin


def effective_capabilities(process_status: str) -> int:
    """Return the bit mask in the text of ``/proc/PID/status``."""
    match = re.search(r"^CapEff:\s*([0-9a-f]+)", process_status, re.MULTILINE)
    return int(match[1], 16) if match else 0
