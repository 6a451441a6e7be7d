"""Cases about several processes at one file, and about real programs at work."""

from __future__ import annotations

import errno
import fcntl
import mmap
import os
import sqlite3
import struct
import subprocess
import time

from tests.mount import linux
from tests.mount.actor import Actor
from tests.mount.matrix import World, case, portrait

RW = os.O_RDWR | os.O_CREAT


def append_lines(path: bytes, number: int, count: int) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    for line in range(count):
        os.write(fd, b"%d %d " % (number, line) + b"x" * (line * 7 % 50) + b"\n")
    os.close(fd)


@case()
def appending_from_several_processes_loses_nothing(w: World) -> None:
    path = w.file("log")
    actors = [Actor() for _ in range(4)]
    for number, actor in enumerate(actors):
        actor.start(append_lines, path, number, 200)
    for actor in actors:
        actor.finish()
        actor.close()
    lines = w.read(path).split(b"\n")
    w.note("every line is whole", sorted(lines))
    order = [[int(line.split()[1]) for line in lines if line.startswith(b"%d " % n)] for n in range(4)]
    w.note("in order for each", all(numbers == sorted(numbers) for numbers in order))
    os.unlink(path)


def create_exclusively(directory: bytes, count: int) -> list[int]:
    won = []
    for number in range(count):
        try:
            os.close(os.open(os.path.join(directory, b"%d" % number), os.O_WRONLY | os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            continue
        won.append(number)
    return won


def create_directories(directory: bytes, count: int) -> list[int]:
    won = []
    for number in range(count):
        try:
            os.mkdir(os.path.join(directory, b"d%d" % number))
        except FileExistsError:
            continue
        won.append(number)
    return won


@case()
def racing_for_a_name_has_one_winner(w: World) -> None:
    for race in (create_exclusively, create_directories):
        with Actor() as one, Actor() as two, Actor() as three:
            for actor in (one, two, three):
                actor.start(race, w.root, 100)
            winners = sorted(number for actor in (one, two, three) for number in actor.finish())
        w.note("each name once", winners)


def try_lock(path: bytes, how: str, start: int = 0, length: int = 0) -> str:
    """Open the file, try to lock it, and keep the descriptor open by leaking it to the actor's end."""
    fd = os.open(path, os.O_RDWR)
    try:
        if how == "flock exclusive":
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        elif how == "flock shared":
            fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
        elif how == "record write":
            fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB, length, start)
        elif how == "record read":
            fcntl.lockf(fd, fcntl.LOCK_SH | fcntl.LOCK_NB, length, start)
        elif how == "open file description":
            data = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, start, length, 0)
            fcntl.fcntl(fd, fcntl.F_OFD_SETLK, data)
        elif how == "ask":
            data = fcntl.fcntl(fd, fcntl.F_GETLK, struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, start, length, 0))
            kind, _, begin, size, _ = struct.unpack("hhqqi4x", data)
            return f"{kind} {begin} {size}"
    except OSError as error:
        os.close(fd)
        return errno.errorcode[error.errno or 0]
    return "locked"


@case()
def locks_between_processes(w: World) -> None:
    path = w.file("f", b"x" * 1000)
    for first, second in (
        ("flock exclusive", "flock exclusive"),
        ("flock exclusive", "flock shared"),
        ("flock shared", "flock shared"),
        ("flock shared", "flock exclusive"),
        ("record write", "record write"),
        ("record write", "record read"),
        ("record read", "record read"),
        ("record write", "ask"),
        ("record read", "ask"),
        ("open file description", "record write"),
        ("open file description", "open file description"),
        ("flock exclusive", "record write"),
    ):
        with Actor() as holder, Actor() as other:
            w.note(f"{first}: holder", holder.call(try_lock, path, first, 0, 100))
            w.note(f"{first} then {second}", other.call(try_lock, path, second, 50, 10))
            w.note(f"{first} then {second} elsewhere", other.call(try_lock, path, second, 500, 10))
            holder.close()
            w.note(f"{second} after the holder's end", other.call(try_lock, path, second, 50, 10))


def wait_for_lock(path: bytes) -> str:
    fd = os.open(path, os.O_RDWR)
    fcntl.flock(fd, fcntl.LOCK_EX)
    return "got it"


@case()
def waiting_for_a_lock(w: World) -> None:
    path = w.file("f")
    with Actor() as holder, Actor() as waiter:
        holder.call(try_lock, path, "flock exclusive")
        waiter.start(wait_for_lock, path)
        time.sleep(0.1)
        holder.close()
        w.note("waiter", waiter.finish())


def change_map(path: bytes) -> None:
    with open(path, "r+b") as file, mmap.mmap(file.fileno(), 0) as area:
        area[0:5] = b"other"


@case()
def memory_maps_are_shared_between_processes(w: World) -> None:
    path = w.file("f", b"." * 8192)
    with open(path, "r+b") as file, mmap.mmap(file.fileno(), 0) as area, Actor() as other:
        other.call(change_map, path)
        w.note("seen at once", bytes(area[:8]))
    w.attempt("in the file", w.read, path)


@case()
def running_programs_from_here(w: World) -> None:
    script = w.file("script", b"#!/bin/sh\necho script $1\n", 0o755)
    w.note("script", subprocess.run([script, "word"], capture_output=True, timeout=60, check=False).stdout)
    with open("/bin/echo", "rb") as program:
        binary = w.file("echo", program.read(), 0o755)
    w.note("binary", subprocess.run([binary, "hello"], capture_output=True, timeout=60, check=False).stdout)
    os.chmod(script, 0o644)
    w.attempt("not executable", os.execv, script, [script])
    with open("/bin/sleep", "rb") as program:
        sleep = w.file("sleep", program.read(), 0o755)
    running = subprocess.Popen([sleep, "20"])
    time.sleep(0.05)
    w.works("write to a running program", os.open, sleep, os.O_WRONLY)
    w.attempt("truncate a running program", os.truncate, sleep, 10)
    w.attempt("unlink it", os.unlink, sleep)
    w.note("runs on", running.poll())
    running.kill()
    running.wait()
    busy = w.file("busy", b"#!/bin/sh\n", 0o755)
    with open("/bin/true", "rb") as program, w.opened(busy, os.O_WRONLY) as fd:
        os.write(fd, program.read())
        w.attempt("run what is open for writing", subprocess.run, [busy], timeout=60, check=False)


@case()
def inotify_tells_of_changes(w: World) -> None:
    directory = w.directory("watched")
    path = w.file("watched/f", b"content")
    events = linux.Inotify()
    events.watch(directory)
    with w.opened(path, os.O_RDWR) as fd:
        os.read(fd, 1)
        os.write(fd, b"x")
    w.note("read and write", events.events())
    os.close(os.open(w.path("watched/g"), RW))
    os.rename(w.path("watched/g"), w.path("watched/h"))
    os.rename(w.path("watched/h"), w.path("out"))
    os.rename(w.path("out"), w.path("watched/in"))
    os.chmod(path, 0o600)
    os.truncate(path, 1)
    os.mkdir(w.path("watched/d"))
    os.link(path, w.path("watched/hard"))
    os.symlink("f", w.path("watched/link"))
    os.setxattr(path, "user.x", b"1")
    os.unlink(path)
    os.rmdir(w.path("watched/d"))
    w.note("names", events.events())
    events.close()


@case()
def sqlite_databases(w: World) -> None:
    for journal in ("wal", "delete", "truncate"):
        path = os.fsdecode(w.path(f"{journal}.db"))
        one, two = sqlite3.connect(path, timeout=5), sqlite3.connect(path, timeout=5)
        w.note("mode", one.execute(f"pragma journal_mode={journal}").fetchone())
        w.note("maps", one.execute("pragma mmap_size=10000000").fetchone())
        one.execute("create table t (n integer primary key, text)")
        with one:
            one.executemany("insert into t values (?, ?)", [(n, "x" * n) for n in range(300)])
        w.note("second connection", two.execute("select count(*), sum(length(text)) from t").fetchone())
        one.execute("begin immediate")
        w.note("locked", _error(two, "begin immediate"))
        one.rollback()
        w.note("integrity", two.execute("pragma integrity_check").fetchone())
        one.close()
        two.close()
    w.listing("files", w.root)
    for name in os.listdir(w.root):
        os.unlink(w.path(name))


def _error(connection: sqlite3.Connection, statement: str) -> str:
    connection.execute("pragma busy_timeout=0")
    try:
        connection.execute(statement)
    except sqlite3.OperationalError as error:
        return str(error)
    return "no error"


@case()
def git_at_work(w: World) -> None:
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": os.fsdecode(w.root),
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_CONFIG_SYSTEM": "/dev/null",
        **{f"GIT_{who}_{what}": "x" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
        "GIT_AUTHOR_DATE": "2020-01-01T00:00:00Z",
        "GIT_COMMITTER_DATE": "2020-01-01T00:00:00Z",
    }

    def git(*words: str) -> None:
        done = subprocess.run(
            ["git", *words],
            cwd=w.path("repository"),
            env=environment,
            capture_output=True,
            timeout=60,
            check=False,
        )
        w.note(f"git {words[0]}", (done.returncode, done.stdout, done.stderr.replace(w.root, b"")))

    w.directory("repository")
    git("init", "-q", "-b", "main")
    w.directory("repository/src")
    for number in range(20):
        w.file(f"repository/src/f{number}", b"line\n" * number)
    git("add", ".")
    git("commit", "-q", "-m", "first")
    w.file("repository/src/f3", b"changed\n")
    git("status", "--short")
    git("checkout", "-q", "-b", "other")
    git("commit", "-q", "-a", "-m", "second")
    git("checkout", "-q", "main")
    git("log", "--oneline", "--all")
    git("gc", "-q")
    git("fsck", "--strict")
    git("status", "--short")
    w.note("content", w.read(w.path("repository/src/f3")))
    subprocess.run(["rm", "-rf", w.path("repository")], timeout=60, check=True)
    w.note("all gone", os.listdir(w.root))


@case()
def copying_trees_with_everything(w: World) -> None:
    w.directory("tree")
    w.directory("tree/sub", 0o2750)
    path = w.file("tree/sub/f", b"content" * 1000, 0o4711)
    os.setxattr(path, "user.note", b"kept")
    os.link(path, w.path("tree/hard"))
    os.symlink("sub/f", w.path("tree/link"))
    os.utime(path, ns=(1_000_000_000_000_000_001, 1_000_000_000_000_000_002))
    with w.opened(w.path("tree/sparse"), RW) as fd:
        os.pwrite(fd, b"end", 1 << 20)
    original = portrait(w.path("tree"))
    archive = w.path("archive.tar")
    for name, commands in {
        "cp": [["cp", "-a", w.path("tree"), w.path("cp")]],
        "tar": [
            ["tar", "--xattrs", "-cSf", archive, "-C", w.root, "tree"],
            ["mkdir", w.path("tar")],
            ["tar", "--xattrs", "-xpf", archive, "-C", w.path("tar"), "--strip-components=1"],
        ],
        "mv": [["cp", "-a", w.path("tree"), w.path("tree2")], ["mv", w.path("tree2"), w.path("mv")]],
    }.items():
        for command in commands:
            done = subprocess.run(command, capture_output=True, timeout=60, check=False)
            w.note(name, (done.returncode, done.stderr.replace(w.root, b"")))
        w.note(f"{name} the same", portrait(w.path(name)) == original)
        w.note(f"{name} time", os.stat(w.path(name, "sub/f")).st_mtime_ns)
    os.unlink(archive)


@case()
def a_compiler_at_work(w: World) -> None:
    w.file("add.h", b"int add(int, int);\n")
    w.file("add.c", b'#include "add.h"\nint add(int a, int b) { return a + b; }\n')
    w.file("main.c", b'#include "add.h"\nint main(void) { return add(40, 2); }\n')
    os.chdir(w.root)
    for command in (["gcc", "-c", "add.c", "main.c"], ["gcc", "-o", "program", "main.o", "add.o"]):
        done = subprocess.run(command, capture_output=True, timeout=60, check=False)
        w.note("gcc", (done.returncode, done.stderr))
    w.note("program", subprocess.run(["./program"], timeout=60, check=False).returncode)
    os.chdir("/")
