"""The whole derivation, one event at a time: pure, deterministic, and independent of the clock.

The same events in the same order give the same evidence, whether they come from a live mount, a log
file or the database itself, and wherever the work was cut into transactions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from mycelial.graph.actors import Actor
from mycelial.graph.bursts import Bursts
from mycelial.graph.episodes import Episodes
from mycelial.graph.habits import Habits
from mycelial.graph.identity import Act, Fact, Identity
from mycelial.graph.processes import Processes
from mycelial.graph.provenance import Provenance
from mycelial.record.events import Event, Op
from mycelial.store.errors import DatabaseError, StoreError
from mycelial.store.writer import Writer

_OPEN, _READ, _OPENED = Op.OPEN, Op.READ, Op.WRITE


class _Part(Protocol):
    """What keeps working state between two events."""

    def dump(self) -> Iterator[tuple[str, Any]]: ...

    def load(self, states: Iterator[tuple[str, Any]]) -> None: ...


class Pipeline:
    """Derives evidence from events into one writer's open transaction."""

    def __init__(self, writer: Writer) -> None:
        """Take up the working state that the last run left in the database."""
        self._writer = writer
        evidence = writer.evidence
        self._bursts = Bursts()
        self._habits = Habits()
        self._episodes = Episodes(evidence, writer.files, self._bursts, self._habits)
        self._identity = Identity(writer.files, self._episodes.working_since)
        self._processes = Processes()
        self._provenance = Provenance(self._processes, writer.provenance, writer.files)
        self._parts: dict[str, _Part] = {
            "burst": self._bursts,
            "aside": self._identity,
            "process": self._processes,
            "generation": self._provenance,
            "habit": self._habits,
            "episode": self._episodes,
        }
        for kind, part in self._parts.items():
            part.load(evidence.read_work(kind))
        self._landmark = writer.landmark()
        self._episodes.landmark = self._landmark or 0.0
        self.failures = 0
        self.first_failure: Exception | None = None

    def feed(self, events: Sequence[Event]) -> None:
        """Log events and derive what follows from them.

        First all are logged, as that takes a third less if nothing else is done between: what one of the two
        needs does not fit into the processor's caches beside the other.
        An event that cannot be derived stays in the log and is counted in `failures`.

        Raises
        ------
        StoreError, DatabaseError
            The database failed; the transaction is to be given up.
        """
        for event, process in zip(events, self._writer.log.extend(events), strict=True):
            self.derive(event, process)

    def derive(self, event: Event, record: int) -> None:
        """Derive what follows from one event that is in the log already, `record` being its process."""
        if self._landmark is None:
            self._landmark = self._episodes.landmark = event.t
            self._writer.set_landmark(event.t)
        try:
            op, t = event.op, event.t
            actor = self._processes.actor(event.process, record, t, opener=op is _OPENED)
            if op is _OPEN or op is _READ:  # most are
                file = self._identity.read(event.path, t, actor)
                if file is not None:
                    self._provenance.read(actor, file, event.path, t, closed=op is _READ)
                    self._episodes.access(actor, file, t, reads=1)
                return
            for fact in self._identity.facts(event, actor):
                self._apply(fact, actor, event)
        except (StoreError, DatabaseError):
            raise
        except Exception as error:
            self.failures += 1
            self.first_failure = self.first_failure or error

    @property
    def sweeps(self) -> int:
        """Sweeps recognised since this pipeline was made."""
        return self._episodes.sweeps

    def flush(self) -> None:
        """Hand the working state to the writer, to be committed with the events."""
        for kind, part in self._parts.items():
            for key, state in part.dump():
                self._writer.evidence.work(kind, key, state)

    def _apply(self, fact: Fact, actor: Actor, event: Event) -> None:
        episodes, provenance, file, t = self._episodes, self._provenance, fact.file, event.t
        if fact.anew:
            provenance.begin_anew(file)
        match fact.act:
            case Act.EXEC:
                provenance.execute(actor, file, t)
                episodes.access(actor, file, t, reads=1)
            case Act.WRITE:
                is_made = provenance.write(actor, file, t, event)
                self._writer.files.change(file, t)
                episodes.access(actor, file, t, writes=1)
                if is_made:
                    episodes.make(actor.uid, file)
                    self._writer.files.settle(
                        [file]
                    )  # what was removed and made again of others is a product
            case Act.CREATE:
                provenance.create(actor, file, t, existed=fact.existed)
                episodes.access(actor, file, t, writes=1)
            case Act.LINK:
                provenance.link(actor, file, fact.other)
                episodes.access(actor, file, t, reads=1)
            case Act.SETTLE:
                provenance.settle(actor, file)
            case Act.REPLACE:
                is_made = provenance.replace(actor, file, fact.other, existed=fact.existed)
                self._writer.files.change(file, t)
                episodes.discard(fact.other)
                episodes.access(actor, file, t, writes=1)
                if is_made:
                    episodes.make(actor.uid, file)
            case Act.DISCARD:
                episodes.discard(file)
            case Act.REMOVE:
                pass
