"""SQLite: the event log, the evidence derived from it, one writer and any number of readers."""
