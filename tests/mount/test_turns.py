"""What takes long for one program is no reason for the others to wait until it is done."""

from __future__ import annotations

import os
import threading
from pathlib import Path

from tests.mount.actor import run_apart
from tests.mount.mounted import Mounted, wait_until

COPIED = 512 << 20  # bytes
HELD = 3  # flushes may fall at the beginning, at the end, and into the turn that goes on


def flushes_during_a_copy(directory: Path) -> int:
    """How many of one program came back while another one's only call copied."""
    count = 0
    with open(directory / "large", "w+b") as large, open(directory / "copy", "w+b") as copy:
        large.truncate(COPIED)
        copier = threading.Thread(
            target=os.copy_file_range, args=(large.fileno(), copy.fileno(), COPIED, 0, 0)
        )
        with open(directory / "small", "wb", buffering=0) as small:
            copier.start()
            while copier.is_alive():
                small.write(b"x")
                os.fsync(small.fileno())
                count += 1
        copier.join()
        assert os.fstat(copy.fileno()).st_size == COPIED
    os.unlink(directory / "copy")
    return count


def test_a_large_copy_lets_others_have_their_turn(mount: Mounted) -> None:
    # On a busy machine the one that flushes may get no processor while one copy lasts, but hardly in each.
    wait_until(lambda: run_apart(flushes_during_a_copy, mount.mountpoint) > HELD, what="turns")
