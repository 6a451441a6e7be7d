"""Whether an engine that does not read works or hangs is seen by its process."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import trio

from mycelial.mount import engine
from mycelial.mount.pulse import Pulse, state_and_time
from tests.mount.mounted import wait_until


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-I", "-S", "-c", "while True: pass"])
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def spinning(process: subprocess.Popen[bytes]) -> int:
    return process.pid


def state(pid: int) -> str:
    return state_and_time(Path(f"/proc/{pid}/stat").read_text())[0]


def test_who_wants_a_processor_gets_on_and_who_is_stopped_does_not(spinning: int) -> None:
    wait_until(lambda: state(spinning) == "R")
    pulse = Pulse(spinning, 1.0)
    pulse.look(5.0)
    assert pulse.stands_still(5.0) == 0.0
    os.kill(spinning, signal.SIGSTOP)
    wait_until(lambda: state(spinning) == "T")
    pulse.look(6.0)  # it may have worked up to now
    pulse.look(7.0)
    assert pulse.stands_still(9.0) >= 3.0
    os.kill(spinning, signal.SIGCONT)
    wait_until(lambda: state(spinning) == "R")
    pulse.look(10.0)
    assert pulse.stands_still(10.0) == 0.0


def test_who_used_a_processor_meanwhile_gets_on_whatever_he_does_now(tmp_path: Path) -> None:
    pulse = Pulse(os.getpid(), 1.0)
    pulse._stat = tmp_path / "stat"
    for used, still in ((3, 0.0), (3, 1.0), (4, 0.0)):
        pulse._stat.write_text(f"7 (a) b) S 1 1 1 0 -1 0 0 0 0 0 1 {used} 0 0\n")
        pulse.look(2.0 if still == 0.0 else 1.5)
        assert pulse.stands_still(2.0 + still) == still


WAITING = "import ctypes, sys; ctypes.CDLL(None).vfork() or sys.stdin.read()"  # like for a disk, in state D


def test_who_waits_for_a_disk_gets_on() -> None:
    command = [sys.executable, "-I", "-S", "-c", WAITING]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        wait_until(lambda: state(process.pid) == "D")
        pulse = Pulse(process.pid, 1.0)
        pulse.look(4.0)
        assert pulse.stands_still(4.0) == 0.0
        process.kill()


def test_who_is_gone_does_not_get_on() -> None:
    process = subprocess.Popen(["true"])
    process.wait()
    pulse = Pulse(process.pid, 1.0)
    pulse.look(4.0)
    assert pulse.stands_still(4.0) == 3.0


@pytest.mark.parametrize("text", ["", "7 (x) S 1 2", "7 (x) S 1 1 1 0 -1 0 0 0 0 0 one two"])
def test_what_is_no_such_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"not what|invalid literal"):
        state_and_time(text)


def test_an_engine_that_works_and_does_not_read_is_left_to_it_and_one_that_hangs_is_not(
    process: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "_STALLED", 0.1)
    monkeypatch.setattr(engine, "_LOOKS_EVERY", 0.05)
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while True:
            ours.send(bytes(1000))

    async def wait() -> None:
        known = SimpleNamespace(
            _waits_for_room=trio.Lock(), _process=process, _ours=ours, _something_sent=trio.Event()
        )
        async with trio.open_nursery() as nursery:
            nursery.start_soon(engine.Engine._wait_for_room, known)
            await known._something_sent.wait()
            await trio.sleep(0.5)
            assert process.poll() is None
            process.send_signal(signal.SIGSTOP)

    wait_until(lambda: state(process.pid) == "R")
    with ours, theirs:
        trio.run(wait)
    assert process.wait() == -signal.SIGKILL


def test_an_engine_that_works_at_the_end_is_left_to_it_and_one_that_hangs_is_not(
    process: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "_FLUSH", 0.05)
    known = SimpleNamespace(_backlog=lambda: 7)  # it does not change

    async def end() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(engine.Engine._kill_if_stuck, known, process)
            await trio.sleep(0.5)
            assert process.poll() is None
            process.send_signal(signal.SIGSTOP)

    wait_until(lambda: state(process.pid) == "R")
    trio.run(end)
    assert process.wait() == -signal.SIGKILL
