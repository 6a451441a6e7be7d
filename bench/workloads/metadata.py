"""Requests about names and attributes: where a file system in user space pays a round trip for each."""

from __future__ import annotations

import os
import time

from bench.fixtures import BLOCK
from bench.workloads.job import Job, Place, Workload, each, numbered

_CONTENT = b"m" * BLOCK


def stat_uncached(place: Place) -> Job:
    return each(place.unseen_files(b""), os.stat)


def stat_cached(place: Place) -> Job:
    """The kernel's copy is no older than a moment: most mounts let it be kept for a second."""
    job = each(place.small_files(), os.stat)

    def run() -> float:
        job.run()
        begun = time.perf_counter()
        job.run()
        return time.perf_counter() - begun

    return Job(run, job.count)


def open_read_close(place: Place) -> Job:
    """Files that were opened before: names known, contents in whatever cache the subject keeps."""
    paths = place.small_files()
    for path in paths:
        _read(path)
    return each(paths, _read)


def open_read_close_unseen(place: Place) -> Job:
    """Files seen for the first time: a look-up, and the contents come through the subject."""
    return each(place.unseen_files(_CONTENT), _read)


def _read(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    os.read(descriptor, BLOCK)
    os.close(descriptor)


def list_and_stat(place: Place) -> Job:
    directories = [f"{place.root}/listing/d{index}" for index in range(place.sizes.directories)]
    return each(directories, _list_and_stat)


def _list_and_stat(directory: str) -> None:
    with os.scandir(directory) as entries:
        for entry in entries:
            entry.stat(follow_symlinks=False)


def create_write_close(place: Place) -> Job:
    return each(list(numbered(place.scratch_directory(), place.sizes.calls)), _create)


def _create(path: str) -> None:
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o644)
    os.write(descriptor, _CONTENT)
    os.close(descriptor)


def rename(place: Place) -> Job:
    paths = list(numbered(place.scratch_directory(), place.sizes.calls))
    for path in paths:
        _create(path)
    return each(paths, lambda path: os.rename(path, path + "-renamed"))


def unlink(place: Place) -> Job:
    paths = list(numbered(place.scratch_directory(), place.sizes.calls))
    for path in paths:
        _create(path)
    return each(paths, os.unlink)


def make_directory(place: Place) -> Job:
    return each(list(numbered(place.scratch_directory(), place.sizes.calls)), os.mkdir)


WORKLOADS = (
    Workload("stat-uncached", "stat, not cached", "call", stat_uncached),
    Workload("stat-cached", "stat, cached", "call", stat_cached),
    Workload("open-read-close", "open + read 4 KiB + close", "file", open_read_close),
    Workload("open-read-close-unseen", "the same, file never seen before", "file", open_read_close_unseen),
    Workload("list-and-stat", "readdir + stat of 100 entries", "directory", list_and_stat),
    Workload("create-write-close", "create + write 4 KiB + close", "file", create_write_close),
    Workload("rename", "rename", "call", rename),
    Workload("unlink", "unlink", "call", unlink),
    Workload("mkdir", "mkdir", "call", make_directory),
)
