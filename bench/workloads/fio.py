"""fio's own jobs, so that figures can be held against those that others publish. Time is fio's own: the mean
latency of one request, as it saw it from C."""

from __future__ import annotations

import json
import shutil
import subprocess
from functools import partial

from bench.fixtures import BLOCK, MIB
from bench.workloads.job import Job, Place, Unavailable, Workload


def _job(place: Place, words: str, count: int, *, prepared: bool = False) -> Job:
    """`count` requests as `words` say: of the large file that is there if they only read, else of one of its
    own, which `prepared` fills first."""
    if shutil.which("fio") is None:
        raise Unavailable("fio is not installed")
    if words.partition("--rw=")[2].split()[0] in ("read", "randread"):
        path = place.root / "large"
        words += " --readonly"
    else:
        path = place.scratch_directory() / "fio"
        if prepared:
            path.write_bytes(bytes(place.sizes.file_mib * MIB))
    jobs = int(words.partition("--numjobs=")[2].split()[0]) if "--numjobs=" in words else 1
    command = [
        *("fio", "--name=bench", f"--filename={path}", "--output-format=json", "--group_reporting"),
        *(f"--size={place.sizes.file_mib}m", f"--number_ios={count}", "--fallocate=none", "--invalidate=0"),
        *("--allow_file_create=1", "--randrepeat=1", *words.split()),
    ]

    def run() -> float:
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=place.root)
        if done.returncode:
            raise OSError(f"fio: {(done.stderr or done.stdout).strip().splitlines()[-1]}")
        told = json.loads(done.stdout[done.stdout.index("{") :])["jobs"][0]
        taken = [told[way] for way in ("read", "write") if told[way]["total_ios"]]
        nanoseconds = sum(way["lat_ns"]["mean"] * way["total_ios"] for way in taken)
        synced = told["sync"]["lat_ns"].get("mean", 0.0)
        mean = nanoseconds / sum(way["total_ios"] for way in taken) + synced
        return float(mean / jobs / 1e9 * count)

    return Job(run, count)


def _sequential(place: Place, words: str) -> Job:
    return _job(place, f"--bs=128k {words}", place.sizes.file_mib * 8)


def _random(place: Place, words: str) -> Job:
    return _job(place, f"--bs={BLOCK} {words}", place.sizes.blocks, prepared=True)


def _synced(place: Place, words: str) -> Job:
    return _job(place, f"--bs={BLOCK} {words}", max(20, place.sizes.blocks // 40))


_JOBS = (
    ("fio-read", "read, 128 KiB", _sequential, "--rw=read"),
    ("fio-write", "write, 128 KiB", _sequential, "--rw=write"),
    ("fio-randread", "random read, 4 KiB", _random, "--rw=randread"),
    ("fio-randread-4", "random read, 4 KiB, 4 jobs", _random, "--rw=randread --numjobs=4"),
    ("fio-mmap", "random read, 4 KiB, by mmap", _random, "--rw=randread --ioengine=mmap"),
    ("fio-randwrite", "random write, 4 KiB", _random, "--rw=randwrite"),
    ("fio-randrw", "7 random reads to 3 writes, 4 KiB", _random, "--rw=randrw --rwmixread=70"),
    ("fio-fsync", "write 4 KiB + fsync", _synced, "--rw=write --fsync=1"),
)
WORKLOADS = tuple(
    Workload(name, f"fio: {title}", "request", partial(prepare, words=words))
    for name, title, prepare, words in _JOBS
)
