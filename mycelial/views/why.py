"""why/: for each link in related/ a text of the same name that says what speaks for it."""

from __future__ import annotations

from mycelial.record.display import moment, printable
from mycelial.record.events import bytes_of, text_of
from mycelial.store.answers import STRONG, Reason
from mycelial.views.mirror import Mirror
from mycelial.views.node import Caller, Directory, Kind, Node, Source, SourceKind, Text
from mycelial.views.questions import Questions
from mycelial.views.ranked import RankedView
from mycelial.views.wording import text_bytes


class WhyView(Mirror):
    """Explains the entries of `related`."""

    file_kind = Kind.DIRECTORY

    def __init__(self, source: Source, questions: Questions, related: RankedView) -> None:
        super().__init__(source)
        self._questions = questions
        self._related = related

    def file(self, path: bytes, caller: Caller) -> Node:
        """Return the directory of texts that stands for `path`."""
        return Directory(
            lambda: [(entry.name, Kind.TEXT) for entry in self._related.links(path, caller).entries()]
        )

    def inside(self, path: bytes, name: bytes, caller: Caller) -> Node | None:
        """Return the text that explains the entry `name` of related/`path`."""
        entry = self._related.links(path, caller).entry(name)
        if entry is None:
            return None
        file, other = text_of(path), entry.path
        answer = self._questions.ask(caller, lambda answers: answers.why(file, other))
        told = [reason for reason in answer.value or () if self._may_be_told(reason, caller)]
        return Text(text_bytes(_explanation(file, other, told, answer.problem)))

    def _may_be_told(self, reason: Reason, caller: Caller) -> bool:
        """Whether the caller may reach all other files that the reason names."""
        return all(self._source.kind(bytes_of(path), caller) is SourceKind.FILE for path in reason.through)


def _explanation(file: str, other: str, reasons: list[Reason], problem: str) -> list[str]:
    lines = [printable(file), printable(other), ""]
    if problem:
        return [*lines, f"The reasons cannot be read now: {printable(problem)}"]
    for reason in reasons:
        lines.append(f"{reason.kind}: {printable(reason.text)}")
        if reason.last:
            lines.append(f"    {reason.count} times, last {moment(reason.last)}")
        if reason.programs:
            lines.append("    by " + ", ".join(map(printable, reason.programs)))
    if not reasons:
        return [*lines, "No access joins them, only their names or places."]
    return lines if any(map(_is_strong, reasons)) else [*lines, "", "This is weak: it was seen too seldom."]


def _is_strong(reason: Reason) -> bool:
    """Whether one kind of evidence is enough by itself, as it is for `Related.weak`."""
    if reason.kind in ("source", "product"):
        return True
    return reason.kind in ("together", "next") and reason.count >= STRONG
