"""Large logs and databases made from a seed, for what only shows at size: ingest, memory, look-up, start.

    python -m bench.synthetic log 5000000 events.jsonl.gz         what 200,000 files' users did
    python -m bench.synthetic database 1000000 large.db           10,000,000 relations among a million files

The same words make the same file on each machine. Rooms: `world` (which files there are), `work` (what
people do with them, as events), `database` (relations written straight into the tables, in a minute rather
than hours).
"""
