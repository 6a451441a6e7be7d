"""A program that becomes another one closes files on its way, and until it is done nobody can read of it."""

from __future__ import annotations

import subprocess
import sys

from tests.mount.mounted import Mounted, run
from tests.mount.recorded import wait_for

SPAWNING = """\
import os, sys, threading
root, rounds = sys.argv[1], int(sys.argv[2])
flags = os.O_CREAT | os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC
logs = [os.open(f"{root}/log{number}", flags) for number in range(3)]
def spawn(worker):
    for number in range(rounds):
        os.write(logs[worker % 3], b"line\\n")
        command = f"cat {root}/in | sort | cat > {root}/out{worker}"
        os.waitpid(os.posix_spawn("/bin/sh", ["sh", "-c", command], os.environ), 0)
workers = [threading.Thread(target=spawn, args=(worker,)) for worker in range(4)]
for worker in workers: worker.start()
for worker in workers: worker.join()
"""


def test_programs_that_hold_written_files_can_start_others_at_the_same_time(mount: Mounted) -> None:
    (mount.source / "in").write_text("text\n")
    finished = run([sys.executable, "-c", SPAWNING, mount.mountpoint, "40"])
    assert finished.returncode == 0, finished.stderr
    for worker in range(4):
        assert (mount.mountpoint / f"out{worker}").read_text() == "text\n"
    for number in range(3):
        wait_for(mount, "write", f"log{number}")


BECOMING = """\
import os, sys
written = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC)
os.write(written, b"text")
os.execv("/bin/true", ["true"])
"""


def test_a_program_that_nobody_saw_before_can_leave_what_it_wrote_to_exec_to_close(mount: Mounted) -> None:
    streams = dict.fromkeys(
        ("stdin", "stdout", "stderr"), subprocess.DEVNULL
    )  # no pipes: nothing else is looked at
    for number in range(3):
        path = mount.mountpoint / f"out{number}"
        command = [sys.executable, "-c", BECOMING, path]
        assert subprocess.run(command, check=False, timeout=60, **streams).returncode == 0
        assert path.read_text() == "text"
