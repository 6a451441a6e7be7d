"""Random but plausible work: programs of some users that open, write, rename and remove a few files."""

from __future__ import annotations

from hypothesis import strategies as st

from mycelial.record.events import Event, Op, Process

PATHS = [
    f"{directory}{name}" for directory in ("", "src/", "out/") for name in ("a.c", "b.c", "a.o", "t", "b~")
]
PROGRAMS = ("vim", "cat", "gcc", "cc1", "as", "bash", "make", "grep", "python3", "cp", "git")
START = 1_760_000_000.0


@st.composite
def logs(draw: st.DrawFn, *, users: tuple[int, ...] = (1000, 1001), most: int = 60) -> list[Event]:
    """Return a log in order of time."""
    processes = draw(st.lists(_processes(users), min_size=1, max_size=6))
    steps = draw(st.lists(_steps(len(processes)), max_size=most))
    events, t = [], START
    for index, op, path, to, pause in steps:
        t += pause
        target = to if op.has_target else None
        events.append(Event(t, op, path, processes[index], target))
    return events


@st.composite
def _processes(draw: st.DrawFn, users: tuple[int, ...]) -> Process:
    pid = draw(st.integers(10, 14))
    comm = draw(st.sampled_from(PROGRAMS))
    parent = draw(st.sampled_from([(5, "bash"), (6, "make"), (7, "gcc")]))
    pipes = st.lists(st.sampled_from(["1", "2"]), max_size=1).map(tuple)
    return Process(
        pid=pid,
        ppid=parent[0],
        comm=comm,
        uid=draw(st.sampled_from(users)),
        chain=(parent, (5, "bash")),
        pipe_in=draw(pipes),
        pipe_out=draw(pipes),
        start=draw(st.sampled_from([None, pid, pid + 1])),
        args=draw(st.sampled_from([None, (comm, "a.c")])),
    )


def _steps(processes: int) -> st.SearchStrategy[tuple[int, Op, str, str, float]]:
    return st.tuples(
        st.integers(0, processes - 1),
        st.sampled_from(list(Op)),
        st.sampled_from(PATHS),
        st.sampled_from(PATHS),
        st.sampled_from([0.001, 0.5, 2.0, 6.0, 400.0, 4000.0, 100_000.0]),
    )
