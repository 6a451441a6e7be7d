"""Where the time goes: a flame graph of the mount or of the engine under load, with one command.

    python -m bench profile mount mount.svg
    python -m bench profile engine engine.svg

The mount is C and the kernel's work on its behalf, so perf looks at it; the engine is Python, so it is
sampled from within. Both are drawn by `flame`.
"""

from bench.profile.load import profile

__all__ = ["profile"]
