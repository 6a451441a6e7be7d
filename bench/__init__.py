"""Measures what Mycelial costs: the same work natively, through bindfs and through our mount.

Figures on a shared machine drift by a third within a minute, so nothing here is judged by absolute times:
every round runs each workload on every subject, one straight after the other, and what is reported are ratios
of medians within one run. Timings live only in this package; no test asserts one.

    python -m bench                     the table, in under two minutes
    python -m bench --short             does every workload run? a few seconds, for CI
    python -m bench --json A.json       the samples and the machine's facts too
    python -m bench compare A.json B.json

Rooms: `subjects` (what is measured), `workloads/` (the work, one small function each), `fixtures` (the files
worked on), `rounds` (the order and the clock), `results` (samples, medians, JSON), `table` and `compare` (for
people).
"""
