"""What is measured, in the order in which it is run and shown: metadata, then data, then several
clients at once, then real programs.

To add a workload, write a function `Place -> Job` in one of the modules here (or in a new one) and enter it
in that module's tuple.
"""

from bench.workloads import clients, data, fio, metadata, programs
from bench.workloads.job import Workload

USUAL: tuple[Workload, ...] = (
    *metadata.WORKLOADS,
    *data.WORKLOADS,
    *clients.WORKLOADS,
    *programs.WORKLOADS,
)
"""What `make bench` runs."""

WORKLOADS = USUAL + fio.WORKLOADS
"""What `make bench-full` runs."""
