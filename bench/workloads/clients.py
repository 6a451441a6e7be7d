"""Several clients at once: one unit is one file opened, read and closed by any of them, so that the time for
one unit is the inverse of the throughput of all."""

from __future__ import annotations

import os
import sys
from functools import partial

from bench.fixtures import BLOCK
from bench.workloads.job import Job, Place, Workload


def _clients(place: Place, count: int) -> Job:
    """`count` processes that stand ready, begin at once, and do the same number of calls each."""
    paths = place.small_files()
    for path in paths:
        os.stat(path)
    calls = place.sizes.client_calls
    start_reader, start_writer = os.pipe()
    children = [_client(paths, calls, start_reader, start_writer) for _ in range(count)]
    os.close(start_reader)

    def run() -> None:
        os.close(start_writer)  # end of file for all that wait
        failed = [child for child in children if os.waitpid(child, 0)[1] != 0]
        if failed:
            raise OSError(f"{len(failed)} of {count} clients failed")

    return Job(run, count * calls)


def _client(paths: list[str], calls: int, start_reader: int, start_writer: int) -> int:
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        os.close(start_writer)
        os.read(start_reader, 1)
        for index in range(calls):
            descriptor = os.open(paths[index % len(paths)], os.O_RDONLY)
            os.read(descriptor, BLOCK)
            os.close(descriptor)
        status = 0
    except OSError as error:
        print(error, file=sys.stderr)
    finally:
        os._exit(status)


WORKLOADS = tuple(
    Workload(
        f"clients-{count}",
        f"open + read 4 KiB + close, {count} client{'s' if count > 1 else ''}",
        "file",
        partial(_clients, count=count),
    )
    for count in (1, 2, 8)
)
