"""The benchmark is a program that users trust, so its reckoning and its tidiness are tested; never a time."""
