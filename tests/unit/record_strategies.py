"""Hypothesis strategies for everything that can be recorded."""

from __future__ import annotations

from hypothesis import strategies as st

from mycelial.record.events import Event, Neighbour, Op, Process, text_of

names = st.binary(min_size=1, max_size=12).filter(
    lambda raw: raw not in (b".", b"..") and not set(raw) & set(b"/\0")
)
paths = st.lists(names, min_size=1, max_size=4).map(lambda parts: text_of(b"/".join(parts)))
texts = st.binary(max_size=15).filter(lambda raw: b"\0" not in raw).map(text_of)
ids = st.integers(0, 2**32 - 1)
known_ids = st.none() | st.integers(1, 2**32 - 1)
lists = st.lists(texts, max_size=4).map(tuple)


def _optional(values: st.SearchStrategy[str]) -> st.SearchStrategy[str | None]:
    return st.none() | values.filter(bool)


processes = st.builds(
    Process,
    pid=ids,
    ppid=ids,
    comm=texts,
    uid=ids,
    chain=st.lists(st.tuples(ids, texts), max_size=3).map(tuple),
    pipe_in=lists,
    pipe_out=lists,
    sid=known_ids,
    pgid=known_ids,
    start=st.none() | st.integers(1, 2**63 - 1),
    cgroup=_optional(texts),
    exe=_optional(texts),
    args=st.none() | st.lists(texts, min_size=1, max_size=4).map(tuple),
    cwd=_optional(texts),
    chain_args=st.lists(lists, max_size=3).map(tuple),
    fds=st.lists(st.tuples(ids, texts), max_size=3).map(tuple),
    neighbours=st.lists(
        st.builds(Neighbour, pid=ids, streams=st.tuples(texts, texts, texts), args=lists), max_size=2
    ).map(tuple),
    same_input=ids,
)


@st.composite
def events(draw: st.DrawFn, ops: tuple[Op, ...] = tuple(Op)) -> Event:
    """Any event, at whole microseconds."""
    op = draw(st.sampled_from(ops))
    return Event(
        t=draw(st.integers(0, 4_000_000_000_000_000)) / 1e6,
        op=op,
        path=draw(paths),
        process=draw(processes),
        to=draw(paths) if op.has_target else None,
    )
