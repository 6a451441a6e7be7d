"""What a ratio of times cannot tell: latencies under load, how costs grow, memory, idling, starting.

To add a measure, write a function `Setting -> None` in one of the modules here (or in a new one) that adds
figures or curves to the result, and enter it below.
"""

from bench.measures.database import ask, clusters, ingest
from bench.measures.growth import files, processes
from bench.measures.latency import latency
from bench.measures.setting import Measure
from bench.measures.steady import idle, soak

MEASURES: tuple[Measure, ...] = (
    Measure("latency", latency),
    Measure("files", files),
    Measure("processes", processes),
    Measure("database", ask),
    Measure("clusters", clusters),
    Measure("ingest", ingest),
    Measure("idle", idle),
    Measure("soak", soak),
)
