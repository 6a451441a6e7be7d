"""One mount from its first request to its last: the core, pyfuse3's loop and the engine, in this order."""

from __future__ import annotations

import contextlib
import logging
import os
import resource
import secrets
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from mycelial import __version__, core  # isort: skip (the core must be loaded before pyfuse3)

import pyfuse3
import trio

from mycelial.mount.detaching import by_descriptor, detach, detach_dead
from mycelial.mount.engine import Engine
from mycelial.mount.mounted import Entry, table
from mycelial.mount.notify import ServiceManager, state_in_words
from mycelial.mount.options import MountOptions
from mycelial.mount.place import MountError, Place
from mycelial.mount.settling import Settling
from mycelial.mount.source import CallersSource
from mycelial.mount.virtual import VirtualTree
from mycelial.mount.wishes import Wishes
from mycelial.record.loading import loading
from mycelial.views.node import Caller

if TYPE_CHECKING:
    from mycelial.views.database import AnswersFrom
    from mycelial.views.tree import Tree

log = logging.getLogger(__name__)

_TIMEOUT = 1.0  # seconds: what is changed behind the mount's back shows within this
_HIDDEN_TIMEOUT = 3600.0  # seconds, where the mount covers its source, so that nobody else can change it
_VIRTUAL_TIMEOUT = 0.5  # seconds, where only one user may enter
_ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_WORKERS = 8  # requests that wait for Python at the same time
_WAITING_EVENTS = 8 << 20  # bytes
_LOOKING = 10.0  # seconds, whether the mount is there that was cut off
_REHEARSAL = 0.1  # seconds that mounting takes longer at most so that the first who looks need not wait


class Filesystem:
    """A mount that is set up, run and taken down.

    Parameters
    ----------
    options, place
        What was asked for, and where.
    on_ready : callable
        Called once, when the kernel has the first answer.
    """

    def __init__(self, options: MountOptions, place: Place, on_ready: Callable[[], None]) -> None:
        self._options = options
        self._place = place
        self._on_ready = on_ready
        self._manager = ServiceManager(os.environ)
        self._session = secrets.token_hex(8)
        self._began = time.time()
        self._engine: Engine | None = None
        self._answers: AnswersFrom | None = None  # of the virtual tree, once that is made
        self._rehearsal: threading.Thread | None = None  # of the first question to the virtual tree
        self._early: list[int] = []  # signals that came when nobody listened
        self._mounted: Entry | None = None
        self._is_detached: bool | None = None  # None: not yet

    def run(self) -> None:
        """Mount, serve until unmounted or told to end by a signal, and clean up.

        Raises
        ------
        MountError
            if the mount could not be made.
        """
        for number in _ENDING:  # until the loop listens, and again when it has ended
            signal.signal(number, lambda number, _: self._early.append(number))
            signal.siginterrupt(number, False)  # libfuse, which waits for a program of its own, would give up
        _raise_descriptor_limit()
        self._configure_core()
        if self._options.record:
            stderr = None if self._options.foreground else subprocess.DEVNULL
            self._engine = Engine(self._engine_arguments(), stderr, self._let_go)
            self._engine.start()  # before the mount can be in its way
        try:
            tree = None
            if self._options.view_dir:
                tree = (
                    self._make_tree()
                )  # its modules may lie where the mount will be, which answers nobody yet
                whoever = Caller(os.getuid(), os.getgid(), ())
                self._rehearsal = threading.Thread(target=tree.rehearse, args=(whoever,), daemon=True)
                self._rehearsal.start()  # while the mount is made
            timeout = 0 if self._options.allow_other else _VIRTUAL_TIMEOUT
            wishes = None if self._engine is None else Wishes(self._engine, self._place.database)
            settle = _nothing if self._engine is None else Settling(self._engine.settle)
            unasked = self._kernel_keeps() > _TIMEOUT
            self._mount(
                VirtualTree(tree, self._ready, wishes, settle, timeout=timeout, lists_unasked=unasked)
            )
            trio.run(self._serve)
        finally:
            if self._answers is not None:
                self._answers.close()  # or the engine would not be the last, who tidies up
            if self._engine is not None:
                trio.run(self._engine.close)
        core.stop()

    def _make_tree(self) -> Tree:
        with loading():
            from mycelial.views.database import AnswersFrom
            from mycelial.views.tree import Tree

        self._answers = AnswersFrom(self._place.database)
        return Tree(
            open_answers=self._answers,
            source=CallersSource(),
            status=self.status,
            view_dir=os.fsencode(self._options.view_dir) or b".mycelial",
        )

    def _let_go(self) -> None:
        if self._answers is not None:
            self._answers.let_go()

    def status(self, uid: int) -> dict[str, object]:
        """What ``.mycelial/status.json`` says of this mount to a user; JSON types only.

        Counts and places are for the owner: they tell what other users do.
        """
        options, place = self._options, self._place
        engine = self._engine.status() if self._engine else None
        public: dict[str, object] = {
            "version": __version__,
            "source": place.source,
            "mountpoint": place.mountpoint,
            "in_place": place.in_place,
            "view_dir": options.view_dir,
            "recording": options.record,
            "paused": self._engine is not None and self._engine.is_paused(uid),
        }
        if uid not in (0, os.geteuid()):
            return {**public, "engine": None if engine is None else {"state": engine["state"]}}
        return {
            **public,
            "database": place.database,
            "config": place.config,
            "exclude": list(options.exclude),
            "session": self._session,
            "pid": os.getpid(),
            "since": self._began,
            "engine": engine,
            "core": dict(core.figures()),
        }

    def _ready(self) -> None:
        self._manager.ready(self._state())
        self._on_ready()

    def _state(self) -> str:
        engine = self._engine.status() if self._engine else None
        return state_in_words(self._options.record, engine, core.figures()["events_dropped"])

    # ---- setting up

    def _kernel_keeps(self) -> float:
        """Return for how many seconds the kernel may keep what it knows of real files."""
        if self._options.timeout is not None:
            return self._options.timeout
        return _HIDDEN_TIMEOUT if self._place.in_place else _TIMEOUT

    def _configure_core(self) -> None:
        options = self._options
        core.configure(
            source_fd=self._place.source_fd,
            view_dir=os.fsencode(options.view_dir),
            show_view_dir=options.show_view_dir,
            timeout=self._kernel_keeps(),
            record=options.record,
            capacity=_WAITING_EVENTS,
            passthrough=options.passthrough,
            writeback=options.writeback,
        )

    def _engine_arguments(self) -> list[str]:
        arguments = ["--db", self._place.database, "--session", self._session, "--config", self._place.config]
        for pattern in self._options.exclude:
            arguments += ["--exclude", pattern]
        return arguments

    def _mount(self, operations: VirtualTree) -> None:
        options = {"default_permissions", "subtype=mycelial", _Bytes(f"fsname={_fsname(self._place.source)}")}
        if self._options.allow_other:
            options.add("allow_other")
        if self._options.read_only:
            options.add("ro")
        # An ordinary user is never given the first two, and fusermount3 refuses the words; libfuse does not
        # know the third one, which would change nothing.
        refused = {"nodiratime"} if os.geteuid() == 0 else {"suid", "dev", "nodiratime"}
        options.update(word for word in self._options.kernel if word not in refused)
        if self._options.debug:
            log.debug("mounting with %s", sorted(options))
        place = self._place
        # As root at the directory that was opened, wherever its path leads by now; fusermount3 looks itself.
        where = by_descriptor(place.mountpoint_fd) if os.geteuid() == 0 else place.mountpoint
        before = set(table())
        with _captured_stderr() as said:
            try:
                pyfuse3.init(operations, where, options)
            except RuntimeError:
                reason = (said() or "the kernel or fusermount3 refused").splitlines()[-1]
                reason = reason.replace(where, place.mountpoint)
                raise MountError(f"cannot mount on {place.mountpoint}: {reason}") from None
        os.close(place.mountpoint_fd)
        new = (entry for entry in table() if entry not in before and entry.is_ours(place.source))
        self._mounted = max(new, key=lambda entry: entry.place == place.mountpoint, default=None)

    # ---- serving

    async def _serve(self) -> None:
        try:
            if self._rehearsal is not None:
                self._rehearsal.join(_REHEARSAL)  # so that nobody who looks at it waits for it
            core.start()
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._end_on_signal, nursery.cancel_scope)
                nursery.start_soon(self._manager.run, self._state)
                if self._engine is not None:
                    nursery.start_soon(self._engine.run)
                await pyfuse3.main(min_tasks=_WORKERS, max_tasks=_WORKERS)
                if self._is_detached is None:
                    self._is_detached = await self._after_somebody_else()
                nursery.cancel_scope.cancel()
            self._manager.stopping("Storing what was recorded last")
        finally:
            if self._is_detached is None:
                self._is_detached = self._detach()
            core.stop_reading()
            if not self._is_detached:
                log.warning("%s: still mounted: it cannot be reached", self._place.mountpoint)
            pyfuse3.close(unmount=False)  # libfuse goes by the path alone

    def _detach(self) -> bool:
        return self._mounted is not None and detach(self._mounted)

    async def _after_somebody_else(self) -> bool:
        """Whether the mount is gone that somebody unmounted, or cut off while it was in use."""
        with trio.move_on_after(_LOOKING):
            return self._mounted is None or await trio.to_thread.run_sync(
                detach_dead, self._mounted, abandon_on_cancel=True
            )
        return True  # another is in its place, and does not answer

    async def _end_on_signal(self, serving: trio.CancelScope) -> None:
        with trio.open_signal_receiver(*_ENDING) as signals:
            if self._early:
                _say_unmounting(self._early[0])
                serving.cancel()
            async for number in signals:  # further ones change nothing
                _say_unmounting(number)
                # While requests are answered: the kernel may have something to write.
                self._is_detached = await trio.to_thread.run_sync(self._detach)
                pyfuse3.terminate()


def _say_unmounting(number: int) -> None:
    log.info("%s: unmounting", signal.Signals(number).name)


async def _nothing() -> None:
    """Let what is recorded reach the store, where nothing is."""


def _raise_descriptor_limit() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _fsname(source: str) -> str:
    """The source with libfuse's way to write a comma. Mount tables show it as it is, as mount -a compares."""
    return source.replace("\\", "\\\\").replace(",", "\\,")


class _Bytes(str):
    """An option that names a file, in any alphabet: pyfuse3 encodes options, and as ASCII."""

    __slots__ = ()

    def encode(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        return os.fsencode(str(self))


@contextlib.contextmanager
def _captured_stderr() -> Iterator[Callable[[], str]]:
    """Keep what libfuse and fusermount3 print; the callable gives it."""
    sys.stderr.flush()
    with tempfile.TemporaryFile() as file:
        before = os.dup(2)
        os.dup2(file.fileno(), 2)

        def said() -> str:
            file.seek(0)
            return file.read().decode("utf-8", "replace").strip()

        try:
            yield said
        finally:
            os.dup2(before, 2)
            os.close(before)
