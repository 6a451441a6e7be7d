"""The bottom of the filesystem: what only needs the source is answered in C, under pyfuse3's loop.

The extension stands between pyfuse3 and libfuse by the rules of the dynamic linker: it must be loaded
with its symbols visible to all *before* pyfuse3 is. Import this package first; it says so if it was not.
"""

import os
import sys

if "pyfuse3" in sys.modules:
    raise ImportError("mycelial.core must be imported before pyfuse3")

_flags = sys.getdlopenflags()
sys.setdlopenflags(_flags | os.RTLD_GLOBAL)
try:
    from mycelial.core._core import (
        announce_again,
        configure,
        deliver_to,
        figures,
        file_type,
        groups_of,
        ignore_process,
        leave_out,
        let_go,
        list_directory,
        new_listing,
        path_of,
        recorded,
        send_again,
        send_waiting,
        start,
        stop,
        stop_reading,
        stored,
        take_forgets,
        wake_fd,
    )
finally:
    sys.setdlopenflags(_flags)

#: Set in the number of every inode of the virtual tree; the core hands requests for these to Python.
VIRTUAL_BIT = 1 << 63

__all__ = [
    "VIRTUAL_BIT",
    "announce_again",
    "configure",
    "deliver_to",
    "figures",
    "file_type",
    "groups_of",
    "ignore_process",
    "leave_out",
    "let_go",
    "list_directory",
    "new_listing",
    "path_of",
    "recorded",
    "send_again",
    "send_waiting",
    "start",
    "stop",
    "stop_reading",
    "stored",
    "take_forgets",
    "wake_fd",
]
