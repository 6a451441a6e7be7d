"""Mycelial: a FUSE filesystem that notices which files belong together."""

__version__ = "0.1.0"
