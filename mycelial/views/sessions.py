"""sessions/: days, on each day the stretches of work that began then, and in each its files as links."""

from __future__ import annotations

from mycelial.record.events import bytes_of, text_of
from mycelial.store.answers import Session
from mycelial.views.entries import Entry, numbered
from mycelial.views.links import Links
from mycelial.views.listing import Listings
from mycelial.views.node import Caller, Directory, Kind, Node, Source, SourceKind, VirtualPath
from mycelial.views.questions import Questions

DAYS = 400
"""Days that are listed, the latest; older ones are found by name."""

_DEPTH = 4  # the view directory, sessions/, the day and the session


class SessionsView:
    """Three levels: days, sessions, and links."""

    def __init__(self, source: Source, questions: Questions, listings: Listings) -> None:
        self._source = source
        self._questions = questions
        self._listings = listings

    def find(self, path: VirtualPath, caller: Caller) -> Node | None:
        """Return a directory or a link, or None."""
        match path:
            case ():
                return Directory(lambda: [(bytes_of(day), Kind.DIRECTORY) for day in self._days(caller)])
            case (day,):
                if not self._sessions(day, caller):
                    return None
                return Directory(lambda: [(name, Kind.DIRECTORY) for name in self._sessions(day, caller)])
            case (day, name):
                links = self._links(day, name, caller)
                return links.directory() if links.entries() else None
            case (day, name, link):
                return self._links(day, name, caller).link(link)
        return None

    def _days(self, caller: Caller) -> list[str]:
        return self._questions.ask(caller, lambda answers: answers.days(DAYS)).value or []

    def _sessions(self, day: bytes, caller: Caller) -> dict[bytes, Session]:
        """Return the sessions of a day with a file that the caller may reach, by name."""
        text = text_of(day)
        found = self._questions.ask(caller, lambda answers: answers.sessions_of(text)).value or []
        return {
            bytes_of(session.name): session
            for session in found
            if any(self._source.kind(bytes_of(path), caller) is SourceKind.FILE for path in session.members)
        }

    def _links(self, day: bytes, name: bytes, caller: Caller) -> Links:
        return Links(self._listings, (self, day, name, caller), _DEPTH, lambda: self._make(day, name, caller))

    def _make(self, day: bytes, name: bytes, caller: Caller) -> tuple[Entry, ...]:
        session = self._sessions(day, caller).get(name)
        return () if session is None else numbered(session.members, self._source, caller)
