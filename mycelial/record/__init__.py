"""Recorded facts as plain types: events, processes, their encodings, what is left out, where it is kept."""
