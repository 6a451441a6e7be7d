"""Bytes: large and small reads and writes, where copying and the kernel's page cache decide."""

from __future__ import annotations

import mmap
import os
import random
from pathlib import Path

from bench.fixtures import BLOCK, MIB
from bench.workloads.job import Job, Place, Workload


def sequential_read(place: Place) -> Job:
    path = place.root / "large"

    def run() -> None:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            while os.read(descriptor, MIB):
                pass
        finally:
            os.close(descriptor)

    return Job(run, place.sizes.file_mib)


def sequential_write(place: Place) -> Job:
    return _writes(place.scratch_directory() / "large", os.urandom(MIB), place.sizes.file_mib)


def small_writes(place: Place) -> Job:
    return _writes(place.scratch_directory() / "blocks", os.urandom(BLOCK), place.sizes.blocks)


def _writes(path: Path, content: bytes, count: int) -> Job:
    """`count` writes to a new file, and its close, but no fsync: timed is the way down, not the disk."""

    def run() -> None:
        descriptor = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o644)
        try:
            for _ in range(count):
                os.write(descriptor, content)
        finally:
            os.close(descriptor)

    return Job(run, count)


def random_reads(place: Place) -> Job:
    path = place.root / "large"
    choose = random.Random(3)
    blocks = place.sizes.file_mib * MIB // BLOCK
    offsets = [choose.randrange(blocks) * BLOCK for _ in range(place.sizes.blocks)]

    def run() -> None:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            for offset in offsets:
                os.pread(descriptor, BLOCK, offset)
        finally:
            os.close(descriptor)

    return Job(run, len(offsets))


def mapped_read(place: Place) -> Job:
    """Touches each page of a mapping, in order."""
    path = place.root / "large"

    def run() -> None:
        with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as pages:
            for offset in range(0, len(pages), BLOCK):
                pages[offset]

    return Job(run, place.sizes.file_mib)


def mapped_write(place: Place) -> Job:
    """Dirties each page of a shared mapping, in order; whether closing writes them is up to the subject."""
    path = place.scratch_directory() / "mapped"
    path.write_bytes(bytes(place.sizes.file_mib * MIB))

    def run() -> None:
        with open(path, "r+b") as file, mmap.mmap(file.fileno(), 0) as pages:
            for offset in range(0, len(pages), BLOCK):
                pages[offset] = 1

    return Job(run, place.sizes.file_mib)


WORKLOADS = (
    Workload("sequential-read", "sequential read, 1 MiB", "MiB", sequential_read),
    Workload("sequential-write", "sequential write, 1 MiB", "MiB", sequential_write),
    Workload("random-read", "random reads, 4 KiB", "read", random_reads),
    Workload("small-write", "writes, 4 KiB", "write", small_writes),
    Workload("mapped-read", "mmap read", "MiB", mapped_read),
    Workload("mapped-write", "mmap write", "MiB", mapped_write),
)
