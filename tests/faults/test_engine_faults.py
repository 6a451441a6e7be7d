"""What happens to the mount when the engine dies or hangs: nothing. And recording goes on by itself."""

from __future__ import annotations

import contextlib
import os
import signal

from tests.mount.actor import run_apart
from tests.mount.mounted import Mounted, wait_until
from tests.mount.recorded import events, wait_for

DEEP = "/".join(["d" * 255] * 12)  # events with long names fill what may wait soon
OPENS = 10_000  # more such events than the mount lets wait


def engine_pid(mount: Mounted) -> int | None:
    """The engine's process, or None while there is none."""
    pid = mount.status()["engine"]["pid"]
    return None if pid is None else int(pid)


def stop_engine(mount: Mounted) -> int:
    pid = engine_pid(mount)
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    return pid


def read_often(mount: Mounted, times: int) -> None:
    path = mount.mountpoint / DEEP / "busy"
    for _ in range(times):
        os.close(os.open(path, os.O_RDONLY))


def test_a_killed_engine_is_started_again_and_goes_on_recording(mount: Mounted) -> None:
    (mount.source / "before").touch()
    (mount.source / "after").touch()
    run_apart((mount.mountpoint / "before").read_bytes)
    wait_for(mount, "open", "before")
    killed = engine_pid(mount)
    assert killed is not None
    os.kill(killed, signal.SIGKILL)
    assert run_apart((mount.mountpoint / "before").read_bytes) == b""
    wait_until(lambda: engine_pid(mount) not in (None, killed), what="another engine")
    run_apart((mount.mountpoint / "after").read_bytes)
    wait_for(mount, "open", "after")
    assert mount.status()["engine"]["restarts"] == 1


def test_the_mount_goes_on_while_the_engine_hangs(mount: Mounted) -> None:
    (mount.source / "file").write_bytes(b"content")
    run_apart((mount.mountpoint / "file").read_bytes)
    wait_for(mount, "open", "file")
    hung = stop_engine(mount)
    try:
        assert run_apart((mount.mountpoint / "file").read_bytes) == b"content"
        run_apart((mount.mountpoint / "new").write_bytes, b"written meanwhile")
        assert (mount.source / "new").read_bytes() == b"written meanwhile"
    finally:
        os.kill(hung, signal.SIGCONT)
    wait_for(mount, "write", "new")


def test_what_does_not_fit_while_the_engine_hangs_is_counted(mount: Mounted) -> None:
    (mount.source / DEEP).mkdir(parents=True)
    (mount.source / DEEP / "busy").touch()
    run_apart((mount.mountpoint / DEEP / "busy").read_bytes)
    wait_for(mount, "open", f"{DEEP}/busy")
    hung = stop_engine(mount)
    try:
        run_apart(read_often, mount, OPENS)
    finally:
        with contextlib.suppress(ProcessLookupError):  # on a slow machine the mount has given it up by now
            os.kill(hung, signal.SIGCONT)

    def dropped() -> int:
        status = mount.status()
        return int(status["core"]["events_dropped"]) + int(status["engine"].get("dropped", 0))

    wait_until(dropped, what="the number of lost events in the status")
    assert len(events(mount)) < OPENS
