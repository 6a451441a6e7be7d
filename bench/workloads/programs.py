"""Programs that people run every day: the mix of requests that a micro benchmark does not have."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from bench.fixtures import git_environment
from bench.workloads.job import Job, Place, Unavailable, Workload


def git_status(place: Place) -> Job:
    """With an index that this subject has refreshed before, as in any repository that is in use."""
    tree = _tree(place)
    _needs("git")
    environment = git_environment()
    subprocess.run(["git", "status", "--short"], cwd=tree, env=environment, capture_output=True, check=True)
    environment["GIT_OPTIONAL_LOCKS"] = "0"
    return _program(["git", "status", "--short"], tree, environment=environment)


def grep(place: Place) -> Job:
    """Finds nothing, so that every byte is read."""
    _needs("grep")
    return _program(
        ["grep", "-rF", "--exclude-dir=.git", "no such words anywhere", "."], _tree(place), answers=(1,)
    )


def tar(place: Place) -> Job:
    """Through a pipe: to /dev/null itself tar would not read the files."""
    _needs("tar")
    return _program(["sh", "-c", "tar -cf - . | cat > /dev/null"], _tree(place))


def copy(place: Place) -> Job:
    """Both ends on the subject."""
    target = place.scratch_directory() / "copy"
    return _program(["cp", "-r", ".", str(target)], _tree(place))


def find(place: Place) -> Job:
    """Asks for sizes, so that each file's attributes are needed."""
    _needs("find")
    return _program(["find", ".", "-type", "f", "-size", "+100000k"], _tree(place))


def make(place: Place) -> Job:
    """The whole of a small C project, two jobs at once."""
    _needs("make")
    _needs("cc")
    project = place.root / "project" / place.owner
    subprocess.run(["make", "-s", "clean"], cwd=project, check=True)
    return _program(["make", "-s", "-j2"], project)


def short_programs(place: Place) -> Job:
    """Processes that read one file each, as in a build or a shell loop: who asks is new every time."""
    _needs("cat")
    paths = place.small_files()[: place.sizes.processes]
    script = 'for file do cat "$file"; done'
    job = _program(["sh", "-c", script, "sh", *paths], place.root)
    return Job(job.run, len(paths))


def _tree(place: Place) -> Path:
    return place.root / "tree" / place.owner


def _needs(program: str) -> None:
    if shutil.which(program) is None:
        raise Unavailable(f"{program} is not installed")


def _program(
    command: list[str],
    directory: Path,
    *,
    environment: dict[str, str] | None = None,
    answers: tuple[int, ...] = (0,),
) -> Job:
    """One run of a program, start to end; an exit code not in `answers` is an error."""

    def run() -> None:
        done = subprocess.run(
            command,
            cwd=directory,
            env=environment or {**os.environ, "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            check=False,
        )
        if done.returncode not in answers:
            message = done.stderr.decode(errors="replace").strip()
            raise OSError(f"{command[0]} in {directory} ended with {done.returncode}: {message}")

    return Job(run, 1)


WORKLOADS = (
    Workload("git-status", "git status", "run", git_status),
    Workload("grep", "grep -r", "run", grep),
    Workload("tar", "tar", "run", tar),
    Workload("copy", "cp -r", "run", copy),
    Workload("find", "find -size", "run", find),
    Workload("short-programs", "short programs, one file each", "process", short_programs),
    Workload("make", "make -j2 of a C project", "run", make),
)
