"""What a machine must have for a mount, looked at piece by piece.

Each check looks at one thing and says what it found, and the mend if there is one. Checks take what
they look at as arguments, so that a test can show them a machine that lacks it.
"""

from __future__ import annotations

import ctypes
import os
import re
import resource
import shutil
import stat
from collections.abc import Iterable
from importlib.machinery import EXTENSION_SUFFIXES
from importlib.util import find_spec
from pathlib import Path

import mycelial
from mycelial.cli.finding import Finding, State

_CAP_SYS_ADMIN = 21  # linux/capability.h
_MANY_FILES = 65536
_PASSTHROUGH_KERNEL = (6, 9)


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


def check_passthrough(kernel: str, capabilities: int) -> Finding:
    """Say whether the kernel could read and write files without the daemon, and if not, what it takes.

    `capabilities` are this process's effective ones, as a bit mask.
    """
    missing = []
    if numbers(kernel) < _PASSTHROUGH_KERNEL:
        missing.append(f"Linux 6.9 (this is {kernel})")
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


def check_core(package: Path = Path(mycelial.__file__).parent) -> Finding:
    """Say whether the C extension was built for this Python."""
    if any((package / "core" / f"_core{suffix}").exists() for suffix in EXTENSION_SUFFIXES):
        return Finding("core", State.OK, "built")
    return Finding("core", State.FAILED, "not built for this Python", "install Mycelial again with pip")


def check_descriptors(hard_limit: int | None = None) -> Finding:
    """Say whether the daemon may hold enough files open: one for each inode that the kernel remembers."""
    found = resource.getrlimit(resource.RLIMIT_NOFILE)[1] if hard_limit is None else hard_limit
    if found != resource.RLIM_INFINITY and found < _MANY_FILES:
        mend = f"raise the hard limit (ulimit -Hn, LimitNOFILE=) to {_MANY_FILES} or more"
        return Finding("descriptors", State.NOTE, f"at most {found} open files: large trees are slower", mend)
    return Finding("descriptors", State.OK, f"at most {found} open files")


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
