"""sessions/: days, on each day the stretches of work that began then, and in each its files as links."""

from __future__ import annotations

from mycelial.record.events import bytes_of, text_of
from mycelial.store.answers import Answers
from mycelial.views.links import Linker, Links
from mycelial.views.node import Caller, Directory, Kind, Node, VirtualPath

DAYS = 400
"""Days that are listed, the latest; older ones are found by name."""


class SessionsView:
    """Three levels: days, sessions, and links."""

    def __init__(self, linker: Linker) -> None:
        self._linker = linker

    def find(self, path: VirtualPath, caller: Caller) -> Node | None:
        """Return a directory or a link, or None."""
        match path:
            case ():
                return Directory(lambda: [(bytes_of(day), Kind.DIRECTORY) for day in self._days(caller)])
            case (day,):
                if not self._names(day, caller):
                    return None
                return Directory(lambda: [(name, Kind.DIRECTORY) for name in self._names(day, caller)])
            case (day, name):
                links = self._links(day, name, caller)
                return links.directory() if links.entries() else None
            case (day, name, link):
                return self._links(day, name, caller).link(link)
        return None

    def _days(self, caller: Caller) -> list[str]:
        return self._linker.questions.ask(caller, lambda answers: answers.days(DAYS)).value or []

    def _names(self, day: bytes, caller: Caller) -> list[bytes]:
        """Return the sessions of a day with a file that the caller may reach."""
        text = text_of(day)
        found = self._linker.questions.ask(caller, lambda answers: answers.sessions_of(text)).value or []
        within_reach = (session for session in found if self._linker.leads_anywhere(session.members, caller))
        return list(dict.fromkeys(bytes_of(session.name) for session in within_reach))  # clocks are set back

    def _links(self, day: bytes, name: bytes, caller: Caller) -> Links:
        on, called = text_of(day), text_of(name)

        def members(answers: Answers) -> tuple[str, ...]:
            found = (session.members for session in answers.sessions_of(on) if session.name == called)
            return next(found, ())

        return self._linker.links(self, (day, name), caller, members)
