"""What is measured, in the order in which it is run and shown: metadata, then data, then several
clients at once, then real programs.

To add a workload, write a function `Place -> Job` in one of the modules here (or in a new one) and enter it
in that module's tuple.
"""

from bench.workloads import clients, data, metadata, programs
from bench.workloads.job import Workload

WORKLOADS: tuple[Workload, ...] = (
    *metadata.WORKLOADS,
    *data.WORKLOADS,
    *clients.WORKLOADS,
    *programs.WORKLOADS,
)
