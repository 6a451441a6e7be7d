"""Measures how good the answers are, beside the plainer methods that others use.

    python -m bench.quality                       ranking, noise, clusters and provenance
    python -m bench.quality --short               the same, on less, in under a minute: CI runs it
    python -m bench.quality --ablation            what each part of the ranking is worth
    python -m bench.quality --history REPOSITORY  the ranking, judged by any git repository's history

Rooms: `history` (who changed what when, of real projects), `work` (an event log of the work that led to it),
`home` (a simulated home directory), `questions` (what is asked, and marks for the answers), `baselines` (the
plainer methods), `ranking`, `clusters` and `provenance` (what is judged), `bounds` (what no change may fall
below).
"""
