"""Builds the C extension; everything else stands in pyproject.toml.

Compiler flags come from pkg-config, which a static table cannot ask. Two environment variables matter:
`PKG_CONFIG_PATH` chooses the libfuse (one outside the loader's own folders is written into the extension as
its run path), and `MYCELIAL_SANITIZE=address,undefined` builds with those sanitizers.
"""

import os
import shlex
import subprocess
import sys
from pathlib import Path

from setuptools import Extension, setup

SOURCES = Path("mycelial/core/src")
MINIMUM_LIBFUSE = "3.10"
LOADER_FOLDERS = ("/lib", "/usr/lib", "/lib64", "/usr/lib64")


def pkg_config(*arguments: str) -> list[str]:
    """Words that pkg-config prints for fuse3; ends the build with what to install if it has none."""
    program = os.environ.get("PKG_CONFIG", "pkg-config")
    try:
        answer = subprocess.run([program, *arguments, "fuse3"], check=True, capture_output=True, text=True)
    except FileNotFoundError:
        sys.exit(f"mycelial: {program} is missing. Install pkg-config and the headers of libfuse 3.")
    except subprocess.CalledProcessError as error:
        sys.exit(
            f"mycelial: no libfuse >= {MINIMUM_LIBFUSE} to build against ({error.stderr.strip()}).\n"
            "Install its headers: libfuse3-dev on Debian and Ubuntu, fuse3-devel on Fedora and openSUSE, "
            "fuse3 on Arch, fuse3-dev on Alpine."
        )
    return shlex.split(answer.stdout)


def run_path(folders: list[str]) -> list[str]:
    """Those of the libraries' folders where the loader does not look by itself."""
    return [
        folder
        for folder in folders
        if not any(folder == known or folder.startswith(known + "/") for known in LOADER_FOLDERS)
    ]


def extension() -> Extension:
    pkg_config("--exists", "--print-errors", f"--atleast-version={MINIMUM_LIBFUSE}")
    sanitizers = os.environ.get("MYCELIAL_SANITIZE", "")
    instrument = (
        [f"-fsanitize={sanitizers}", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer", "-g"]
        if sanitizers
        else []
    )
    folder = pkg_config("--variable=libdir")
    return Extension(
        "mycelial.core._core",
        sources=[str(path) for path in sorted(SOURCES.glob("*.c"))],
        depends=[str(path) for path in sorted(SOURCES.glob("*.h"))],
        include_dirs=[str(SOURCES)],
        extra_compile_args=[
            *pkg_config("--cflags"),
            "-std=gnu11",
            "-O2",
            "-Wall",
            "-Wextra",
            "-Werror",
            "-fvisibility=hidden",
            *instrument,
        ],
        # Not among the extra arguments: those come behind Python's own folders, with another libfuse.
        library_dirs=folder,
        runtime_library_dirs=run_path(folder),
        extra_link_args=[*pkg_config("--libs"), *instrument],
    )


setup(ext_modules=[extension()] if any(SOURCES.glob("*.c")) else [])
