"""The engine process from its command line to its end."""

from __future__ import annotations

import argparse
import logging
import os
import socket
import sys
import time
from pathlib import Path

from mycelial.graph.admission import Admission
from mycelial.graph.engine import Engine
from mycelial.graph.garbage import collect_rarely
from mycelial.graph.ingest import Ingest
from mycelial.graph.priority import stand_back
from mycelial.record.announced import Announced
from mycelial.record.logs import stderr_formatter
from mycelial.record.settings import Settings, load_settings
from mycelial.store.log import Retention

NICENESS = 5
"""A third of a normal process's share: with less, a long build on all cores would outrun the engine."""


def main(arguments: list[str] | None = None) -> int:
    """Run the engine; return its exit code: 0 done, 1 it could not start, 2 wrong usage."""
    options = _parser().parse_args(arguments)
    os.umask(0o077)
    stand_back(NICENESS)
    handler = logging.StreamHandler()
    handler.setFormatter(stderr_formatter("mycelial engine"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])

    def load() -> tuple[Admission, Retention]:
        settings = load_settings(options.config) if options.config is not None else Settings()
        retention = Retention(
            settings.retention_days, settings.retention_events, int(settings.retention_megabytes * 1e6)
        )
        rules = settings.exclusion_rules(tuple(options.exclude))
        return Admission(rules, settings.record_arguments), retention

    try:
        admission, retention = load()
        connection = socket.socket(fileno=options.fd)
    except (ValueError, OSError) as error:
        print(f"mycelial engine: {error}", file=sys.stderr)
        return 1
    collect_rarely()
    with connection:
        ingest = Ingest(options.db, admission, retention, time.monotonic, load, options.session)
        announced = Announced(options.announced) if options.announced is not None else None
        Engine(connection, ingest, options.db, announced).run()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m mycelial.graph", description=__doc__)
    parser.add_argument("--db", type=Path, required=True, help="the database")
    parser.add_argument("--fd", type=int, required=True, help="a connected SOCK_SEQPACKET socket")
    parser.add_argument("--announced", type=int, help="a file, open, that outlives this process")
    parser.add_argument("--session", default="", help="names this mount in the database")
    parser.add_argument("--exclude", action="append", default=[], help="a gitignore pattern")
    parser.add_argument("--config", type=Path, help="the configuration file")
    return parser
