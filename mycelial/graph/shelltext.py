"""Reading the commands behind -c: words, substitutions, variables, pipelines and groups.

Not a shell: it reads what is needed to say what goes where (:mod:`mycelial.graph.substitutions`).
"""

from __future__ import annotations

import re
from typing import NamedTuple

from mycelial.graph.shellparts import BEGINS, DECLARES, Setting, Simple, Substitution, Word

DEEPEST = 8
"""Substitutions within substitutions."""

MOST_GROUPS = 100
"""Groups within groups."""

_NAME = re.compile(r"[A-Za-z_]\w*|[0-9@*]")
_ASSIGNMENT = re.compile(r"(?P<name>[A-Za-z_]\w*)(?:\[[^]]*\])?(?P<adds>\+?)=")
_OPENS = {"{", "if", "while", "until", "for", "case", "select"}
_CLOSES = {"}", "fi", "done", "esac"}
_BRANCHES = {"then", "do", "else", "elif"}
_SEVERAL = re.compile(r"[*?]|\[(?:[^][\s'\"$`\\;|&()<>]|\[:\w+:\])+\](?!\+?=)|\{(?=[^\s{}]*(?:,|\.\.))")
"""What stands for one word or several, and no assignment to a part of an array."""
_QUOTED = re.compile(r"\$'(?:[^'\\]|\\.)*'", re.DOTALL)
_OPERATOR = re.compile(r"&&|\|\||;;&?|;&|<<<|<<-|<<|>>|>\||&>>?|<>|[<>]&|[;|&()<>\n]")


class _Group(NamedTuple):
    """What opened it, its first command, and where what follows it stands."""

    opened: str
    begin: int
    within: tuple[tuple[int, int], ...]
    list_path: tuple[int, ...]
    path: tuple[int, ...]


class Reader:
    def __init__(self, text: str, depth: int) -> None:
        self.text, self.at, self.depth = text, 0, depth
        self.commands: list[Simple] = []
        self.waiting: list[tuple[Word, str, bool, bool]] = []  # here-documents: for, end, raw, tabs left out
        self.pipelines = 0
        self.functions: dict[str, list[Simple]] = {}
        self.functions_at = 0  # in how many groups the function stands that is being read

    def word(self, ends: str = "") -> Word:
        """Read a word; with `ends`, all up to one of these."""
        word, text = Word(), self.text
        while self.at < len(text):
            c = text[self.at]
            if (ends and c in ends) or (not ends and (c.isspace() or c in ";|&()<>")):
                break
            after = text[self.at + 1 : self.at + 2]
            if c == "\\":
                is_kept = ends in ('"', "\0") and after not in '$`"\\\n'
                word.pieces.append(c + after if is_kept else after.removesuffix("\n"))
                self.at += 2
            elif c == "'" and '"' not in ends and "\0" not in ends:
                end = text.index("'", self.at + 1)
                word.pieces.append(text[self.at + 1 : end])
                self.at = end + 1
            elif c == '"' and "\0" not in ends:
                self.at += 1
                self._take(word, self.word('"'))
                self.at += 1
            elif c in "$`" and not (ends and after in ("'", '"') and c == "$"):
                self._expansion(word)
            elif not ends and (several := _SEVERAL.match(text, self.at)) is not None:
                word.pieces.append(None)
                self.at = several.end()
            elif c == "~" and not ends and not word.pieces:
                word.pieces.append(None)
                self.at += 1
            else:
                word.pieces.append(c)
                self.at += 1
        return word

    def _take(self, word: Word, inner: Word) -> None:
        word.pieces += inner.pieces or [""]
        word.names |= inner.names
        word.captured += inner.captured

    def _expansion(self, word: Word) -> None:
        text, begin = self.text, self.at
        if text[begin] == "`":
            end = re.compile(r"(?:[^`\\]|\\.)*", re.DOTALL).match(text, begin + 1)
            inner = Reader(re.sub(r"\\([`$\\])", r"\1", end[0] if end else ""), self.depth + 1)
            word.captured.append(Substitution(inner.read()))
            self.at = (end.end() if end else begin) + 1
        elif text.startswith("$((", begin):
            self.at += 3
            inner_word = self._arithmetic()
            word.names |= inner_word.names
            word.captured += inner_word.captured
        elif text.startswith("$(", begin):
            inner = Reader(text[begin + 2 :], self.depth + 1)
            word.captured.append(Substitution(inner.read(")")))
            self.at = begin + 2 + inner.at + 1
        elif text.startswith("${", begin):
            found = re.compile(r"[#!]?([A-Za-z_]\w*|[0-9@*])?").match(text, begin + 2)
            word.names.add(found[1] or "?") if found else None
            self.at = found.end() if found else begin + 2
            rest = self.word("}")
            word.names |= rest.names
            word.captured += rest.captured
            self.at += 1
        elif (name := _NAME.match(text, begin + 1)) is not None:
            word.names.add(name[0])
            self.at = name.end()
        elif (quoted := _QUOTED.match(text, begin)) is not None:
            self.at = quoted.end()
        elif text.startswith('$"', begin):
            self.at += 1
            return
        else:
            word.pieces.append("$" if text[begin + 1 : begin + 2] not in ("?", "#", "$", "!", "-") else None)
            self.at += 1 if word.pieces[-1] else 2
            return
        word.pieces.append(None)

    def _arithmetic(self) -> Word:
        found, level = Word(), 0
        while self.at < len(self.text) and not (level == 0 and self.text.startswith("))", self.at)):
            c = self.text[self.at]
            if c in "$`":
                self._expansion(found)
                continue
            if (name := re.compile(r"[A-Za-z_]\w*").match(self.text, self.at)) is not None:
                found.names.add(name[0])
                self.at = name.end()
                continue
            level += (c == "(") - (c == ")")
            self.at += 1
            if level < 0:
                raise ValueError("groups within each other")
        if self.at >= len(self.text):
            raise ValueError
        self.at += 2
        return found

    def _documents(self) -> None:
        """Read the here-documents that begin behind this line."""
        for word, end, is_raw, is_indented in self.waiting:
            lines = []
            while self.at < len(self.text):
                line, _, _ = self.text[self.at :].partition("\n")
                self.at += len(line) + 1
                if (line.lstrip("\t") if is_indented else line) == end:
                    break
                lines.append(line)
            if not is_raw:
                inner = Reader("\n".join(lines), self.depth)
                self._take(word, inner.word("\0"))
        self.waiting = []

    def read(self, end: str = "") -> list[Simple]:
        """Read commands up to the parenthesis that closes them, or to the end."""
        if self.depth > DEEPEST:
            raise ValueError
        groups: list[_Group] = []
        within: tuple[tuple[int, int], ...] = ((self._new(), 0),)
        path: tuple[int, ...] = ()
        list_path = path  # of commands after the next semicolon
        goes_on = False  # after && and the like
        command = Simple(within=within)
        closed: list[Simple] = []  # commands of the group that has just been closed: redirections are theirs
        pattern = False  # between `in` and `)` of a case
        function = ""

        def finish() -> None:
            nonlocal command, closed
            if command.words or command.sets or command.outputs:
                command.path = path
                self.commands.append(command)
            command, closed = Simple(within=within), []

        def enter(opened: str) -> None:
            nonlocal within, list_path, command
            if len(groups) >= MOST_GROUPS:
                raise ValueError
            groups.append(_Group(opened, len(self.commands), within, list_path, path))
            within, list_path = (*within, (self._new(), 0)), path
            command = Simple(within=within)

        def leave() -> None:
            nonlocal within, path, list_path, command, closed
            finish()
            _, begin, within, list_path, path = groups.pop()
            command, closed = Simple(within=within), self.commands[begin:]

        def branch(sign: int = 1) -> None:
            nonlocal path, list_path
            path = list_path = (*(groups[-1].path if groups else ()), sign * self._new())

        while self.at < len(self.text):
            c = self.text[self.at]
            if c in " \t" or self.text.startswith("\\\n", self.at):
                self.at += 1 if c in " \t" else 2
                continue
            if c == "#":
                self.at = self.text.find("\n", self.at)
                if self.at < 0:
                    self.at = len(self.text)
                continue
            if self.text.startswith("((", self.at) and not command.words:
                self.at, goes_on = self.at + 2, False
                command.words = [Word(["(("]), self._arithmetic()]
                continue
            operator = _OPERATOR.match(self.text, self.at)
            if operator is None:
                word = self.word()
                if (
                    word.text is not None
                    and word.text.isdigit()
                    and self.text[self.at : self.at + 1] in ("<", ">")
                ):
                    continue  # the number of a descriptor
                if pattern:
                    pattern = word.text != "esac"
                    if pattern:
                        continue
                is_first = not command.words and not command.sets
                text = word.text or ""
                goes_on = False
                if is_first and text in _CLOSES and groups:
                    leave()
                    if function and len(groups) == self.functions_at:
                        self.functions.setdefault(function, []).extend(closed)  # one of them
                        function = ""
                    continue
                if is_first and text in _OPENS:
                    enter(text)
                    if text in ("for", "case", "select"):
                        command.words = [Word([text])]
                    continue
                if is_first and text in BEGINS:
                    finish()
                    if text in _BRANCHES:
                        branch()
                    continue
                if command.words and command.words[0].text == "case" and text == "in":
                    pattern = True
                    finish()
                    branch()
                    continue
                self._add(command, word)
                continue
            sign, self.at = operator[0], operator.end()
            if pattern and sign in ("(", ")"):
                pattern = sign == "("
                continue
            if sign in ("<", ">", ">>", ">|", "<>", "&>", "&>>", "<<<", "<<", "<<-", ">&", "<&"):
                while self.text[self.at : self.at + 1] in (" ", "\t"):
                    self.at += 1
                if sign in ("<", ">") and self.text.startswith("(", self.at):
                    inner = Reader(self.text[self.at + 1 :], self.depth + 1)
                    inner.read(")")
                    self.at += inner.at + 2
                    command.words.append(Word([None]))
                    continue
                raw = self.text[self.at : self.at + 1]
                word = self.word()
                if sign in ("<<", "<<-"):
                    document = Word()
                    self.waiting.append((document, word.text or "", raw in ("'", '"', "\\"), sign == "<<-"))
                    self._redirect(command, closed, document, is_output=False)
                elif sign not in (">&", "<&"):
                    self._redirect(command, closed, word, is_output=">" in sign)
                continue
            if sign == "(":
                if len(command.words) == 1 and self.text[self.at :].lstrip(" \t").startswith(")"):
                    self.at = self.text.index(")", self.at) + 1  # a function: its body follows
                    function, self.functions_at = command.words[0].text or "", len(groups)
                    command = Simple(within=within)
                    continue
                enter("(")
                branch(-1)
                goes_on = False
                continue
            if sign == ")":
                if groups and groups[-1].opened == "(":
                    leave()
                    continue
                finish()
                if end:
                    self.at -= 1
                    return self.commands
                raise ValueError
            number, place = within[-1]
            within = (*within[:-1], (number, place + 1) if sign == "|" else (self._new(), 0))
            finish()
            if sign.startswith(";;") or sign == ";&":
                pattern = True
                branch()
            elif sign in ("&&", "||"):
                path = (*path, self._new())
            elif sign != "|" and not (goes_on and sign == "\n"):
                path = list_path
            goes_on = sign in ("&&", "||", "|") or (goes_on and sign == "\n")
            if sign == "\n":
                self._documents()
        finish()
        if end or groups:
            raise ValueError
        return self.commands

    def _new(self) -> int:
        self.pipelines += 1
        return self.pipelines

    def _add(self, command: Simple, word: Word) -> None:
        begin = "".join("\0" if piece is None else piece for piece in word.pieces[:64])
        setting = _ASSIGNMENT.match(begin)
        if setting is None or (command.words and command.words[0].text not in DECLARES):
            command.words.append(word)
            return
        if self.text.startswith("(", self.at):  # an array
            self.at += 1
            while self.at < len(self.text) and self.text[self.at] != ")":
                if self.text[self.at].isspace():
                    self.at += 1
                else:
                    begun = self.at
                    self._take(word, self.word())
                    self.at = max(self.at, begun + 1)
            self.at += 1
        adds = bool(setting["adds"]) or setting["name"] in word.names
        command.sets.append(Setting(setting["name"], word, adds))

    @staticmethod
    def _redirect(command: Simple, closed: list[Simple], word: Word, *, is_output: bool) -> None:
        for one in closed if closed and not command.words else [command]:
            if is_output:
                one.outputs.append(word)
                one.repeats = one.repeats or one is not command
            else:
                one.inputs.append(word)
