"""Measures what Mycelial costs: the same work natively, through bindfs and through our mount.

Figures on a shared machine drift by a third within a minute, so nothing here is judged by absolute times:
every round runs each workload on every subject, one straight after the other, and what is reported are ratios
of medians within one run. Timings live only in this package; no test asserts one.

    python -m bench                     the table and the targets, in under two minutes
    python -m bench --help              all else

Rooms: `subjects` (what is measured) and `running` (mounting it), `workloads/` (the work, one small function
each) and `fixtures` (the files worked on), `rounds` (the order and the clock), `measures/` (what is no ratio
of times), `synthetic/` (large logs and databases), `results` (samples, medians, JSON), `targets` (what was
meant), `table`, `compare` and `plot` (for people), `profile/` (flame graphs).
"""
