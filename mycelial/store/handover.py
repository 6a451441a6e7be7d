"""Lending the writer's place: a command changes the database of a live mount, and nothing is stopped for it.

The engine of a mount is the writer for as long as the mount lives.  It listens at a socket beside the
database.  A command that has to write asks there; the engine stores what came before the question, closes
the database, and answers with the descriptor that holds the writer's lock.  So the lock is never free in
between.  When the command says that it is done, or dies, the engine opens the database again and reads all
that it keeps of it anew.  Events wait meanwhile.

The socket is for the database's owner (and root) alone: it lies in a directory that others cannot enter, has
mode 0600, and both ends ask the kernel who the other is.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import socket
import stat
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mycelial.record.location import lock_path
from mycelial.record.trust import Sticky, objection
from mycelial.store.errors import BusyError, StoreError
from mycelial.store.lock import WriterLock
from mycelial.store.writer import Writer

ANSWERS_WITHIN = 20.0
"""Seconds that an engine has to store what waits and stand aside."""

STARTS_WITHIN = 5.0
"""Seconds that the engine of a live mount has for opening the database."""

_POLL = 0.1
_SIZE = 65536  # bytes of a message
_CREDENTIALS = struct.Struct("=iII")  # struct ucred: pid, uid, gid (unix(7))
_DIGITS = 16


@contextmanager
def maintaining(db: Path, *, live: bool = False) -> Iterator[Writer]:
    """Be the writer of `db` (made if missing) for the time of the block; a mount's engine stands aside.

    Parameters
    ----------
    live : bool
        A mount records into it: its engine is waited for if it is just starting, as it will come with
        events that have happened already.

    Raises
    ------
    StoreError
        The database cannot be used, or whoever has it does not let go of it.
    """
    db = Path(os.path.realpath(db))  # a link on the way could be turned elsewhere meanwhile
    if (doubt := objection(db, Sticky.ACCEPTED)) is not None:
        raise StoreError(f"{db}: {doubt}")
    borrowed = _borrow_from_engine(db) if live else None
    if borrowed is None:
        try:
            db.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = WriterLock(db, patience=0.0)
        except BusyError:
            borrowed = _borrow(db)
            lock = WriterLock(db) if borrowed is None else borrowed.lock
        except OSError as error:
            raise StoreError(f"{db}: {error.strerror}") from error
    else:
        lock = borrowed.lock
    try:
        with Writer(db, lock) as writer:
            yield writer
    finally:
        if borrowed is not None:
            borrowed.give_back()


def nudge(db: Path) -> bool:
    """Have the engine of a live mount read its settings anew; whether there is one.

    Raises
    ------
    StoreError
        It does not answer.
    """
    borrowed = _borrow(db)
    if borrowed is None:
        return False
    borrowed.lock.release()
    borrowed.give_back()
    return True


def _borrow_from_engine(db: Path) -> _Borrowed | None:
    """Ask the engine to stand aside, waiting a moment for one that is just starting."""
    until = time.monotonic() + STARTS_WITHIN
    while (borrowed := _borrow(db)) is None and time.monotonic() < until:
        time.sleep(_POLL)
    return borrowed


class Doorbell:
    """Where commands ask for the writer's place; made by whoever holds the lock.

    Raises
    ------
    OSError
        The socket cannot be made.
    """

    def __init__(self, db: Path) -> None:
        self._db = db
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            self._listener.setblocking(False)
            with _short_path(db) as path:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(path)  # one that a killed engine left: only the lock's holder comes here
                before = os.umask(0o177)
                try:
                    self._listener.bind(path)
                finally:
                    os.umask(before)
                self._mark = _identity(path)
            self._listener.listen(8)
        except BaseException:
            self._listener.close()
            raise

    def fileno(self) -> int:
        """Return what becomes readable when somebody asks."""
        return self._listener.fileno()

    def is_reachable(self) -> bool:
        """Whether the socket still has its name; another engine may have taken it meanwhile."""
        with _short_path(self._db) as path:
            return _identity(path) == self._mark

    def accept(self) -> Asking | None:
        """Return who asks; None if nobody does, or nobody who may."""
        try:
            connection, _ = self._listener.accept()
        except OSError:
            return None
        if _peer(connection) not in (os.geteuid(), 0):
            connection.close()
            return None
        connection.setblocking(False)
        return Asking(connection)

    def close(self) -> None:
        """Listen no more."""
        self._listener.close()
        with contextlib.suppress(OSError), _short_path(self._db) as path:
            if _identity(path) == self._mark:
                os.unlink(path)


class Asking:
    """The engine's side of one loan."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def fileno(self) -> int:
        """Return what becomes readable when the other is done, or gone."""
        return self._connection.fileno()

    def lend(self, lock: WriterLock) -> None:
        """Give the writer's place away; if nobody is there any more, that is noticed at the next look."""
        with contextlib.suppress(OSError):
            socket.send_fds(self._connection, [b'{"lent": true}'], [lock.fileno()])

    def refuse(self, reason: str) -> None:
        """Say why it cannot be, and end."""
        with contextlib.suppress(OSError):
            self._connection.send(json.dumps({"refused": reason}).encode())
        self._connection.close()

    def is_done(self) -> bool:
        """Whether the other said that it is done, or is gone; does not wait."""
        try:
            self._connection.recv(_SIZE)
        except BlockingIOError:
            return False
        except OSError:
            pass
        return True

    def close(self) -> None:
        """Tell the other, which waits for it, that the database is in use again."""
        self._connection.close()


class _Borrowed:
    """The command's side of one loan."""

    def __init__(self, connection: socket.socket, lock: WriterLock) -> None:
        self._connection = connection
        self.lock = lock

    def give_back(self) -> None:
        """Return the place and wait, not for ever, until the engine has taken it."""
        with contextlib.suppress(OSError):
            self._connection.send(b'{"done": true}')
            self._connection.recv(1)
        self._connection.close()


def _borrow(db: Path) -> _Borrowed | None:
    """Ask the engine of a mount to stand aside; None if nobody listens."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        connection.settimeout(ANSWERS_WITHIN)
        try:
            with _short_path(db) as path:
                connection.connect(path)
        except (FileNotFoundError, ConnectionRefusedError):
            connection.close()
            return None
        if _peer(connection) not in (os.stat(db).st_uid, os.geteuid(), 0):
            raise StoreError(f"{db}: somebody else listens where the mount's engine should")
        message, fds, _, _ = socket.recv_fds(connection, _SIZE, 1)
        if not fds:
            reason = json.loads(message).get("refused") if message else "it is ending"
            raise StoreError(f"{db}: the mount's engine cannot stand aside: {reason}")
        if not os.path.samestat(os.fstat(fds[0]), os.stat(lock_path(db), follow_symlinks=False)):
            raise StoreError(f"{db}: the mount's engine holds the lock of another file; unmount first")
        return _Borrowed(connection, WriterLock(db, fd=fds[0]))
    except TimeoutError:
        connection.close()
        raise StoreError(f"{db}: the mount's engine does not answer; try again, or unmount first") from None
    except OSError as error:
        connection.close()
        raise StoreError(f"{db}: the mount's engine cannot be asked: {error.strerror or error}") from error
    except BaseException:
        connection.close()
        raise


def _peer(connection: socket.socket) -> int:
    """Return the user at the other end, as the kernel noted it."""
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    uid: int = _CREDENTIALS.unpack(raw)[1]
    return uid


@contextmanager
def _short_path(db: Path) -> Iterator[str]:
    """Yield the socket's path: short enough for any database, as sun_path holds 107 bytes (unix(7))."""
    name = hashlib.sha256(os.fsencode(db.name)).hexdigest()[:_DIGITS] + ".control"
    directory = os.open(db.absolute().parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{directory}/{name}"
    finally:
        os.close(directory)


def _identity(path: str) -> tuple[int, int] | None:
    try:
        found = os.lstat(path)
    except OSError:
        return None
    return (found.st_dev, found.st_ino) if stat.S_ISSOCK(found.st_mode) else None
