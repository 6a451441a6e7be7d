"""Becoming a daemon as FUSE programs do: the command returns when the mount answers, or with the reason.

The parent waits at a pipe. Until the child reports, its standard error is still the terminal's.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from mycelial.mount.complaint import complain

_READY = b"\0"


def daemonise() -> Callable[[str | None], None]:
    """Fork; the child goes on. In the parent this does not return.

    Returns
    -------
    callable
        To be called once in the child: with None when all is well, upon which the parent exits with 0 and
        the child lets go of the terminal; or with one line, which the parent prints before it exits with 1.
    """
    reading, writing = os.pipe()
    if os.fork():
        os.close(writing)
        _wait_and_exit(reading)
    os.close(reading)

    def report(problem: str | None) -> None:
        os.write(writing, _READY if problem is None else problem.encode("utf-8", "surrogateescape"))
        if problem is None:
            # Not before: an automount lets nobody but its own process group reach the mountpoint until now.
            os.setsid()
            os.chdir("/")
            _release_standard_streams()
        os.close(writing)

    return report


def _wait_and_exit(reading: int) -> None:
    answer = b""
    while chunk := os.read(reading, 65536):
        answer += chunk
        if answer == _READY:
            os._exit(0)
    text = answer.decode("utf-8", "surrogateescape") or "the daemon ended before the mount answered"
    complain("mycelial-mount", text)
    os._exit(1)


def _release_standard_streams() -> None:
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(null, stream)
    if null > 2:
        os.close(null)
