"""Secrets on command lines are left out before anything is stored.

Passwords, tokens and keys are given to programs in a few usual ways: as the value of an option or a
variable whose name says so, in a header, in a URL, as a word of a shape that only tokens have, or with the
short option of a well-known program.  What stands there is replaced by :data:`REDACTED`; names stay, so that
the command can still be understood.  This is a net, not a wall: a secret that nothing marks as one is stored.
"""

from __future__ import annotations

import re
import shlex

from mycelial.record.events import REDACTED
from mycelial.record.secrecy import PLAIN, VARIABLE, is_secret_name, redact_text
from mycelial.record.secrets import NO_ACCOUNTS, NO_WAYS, RUNNERS, STDIN, TRUSTED, WAYS, Ways

_JOINED = re.compile(r"-[A-Za-z](?=[A-Za-z])")  # an option of one letter, and what it is given: -dtoken=
_DULL = re.compile(r"[\w./+,-]*")
_NO_PASSWORD = re.compile(
    r"\d{1,5}(?:-\d{1,5})?(?::|/(?:tcp|udp|sctp)$|$)|(?:\d{1,3}\.){3}\d{1,3}:|\[[0-9a-fA-F:]+\]:|[-./]|\[redacted\]"
)
_SAID = re.compile(r"-|\$|\[redacted\]|(?:%s|\\n)+$")  # an option, a variable, a format
_PAIR = re.compile(r"[\w.-]+=(?![@-]|\[redacted\])", re.ASCII)
_ASSIGNMENT = re.compile(r"(?P<name>[-A-Za-z0-9_.]*[A-Za-z0-9])\s*[=:]\s*", re.DOTALL)
_FURTHER = re.compile(r"(?:(?<=^/)|(?<=[,=:]))(?P<name>[-A-Za-z0-9_.]*[A-Za-z0-9])(?:=|:(?=[^/]))", re.DOTALL)
_COMMANDS = re.compile(r"-[a-z]*c|--command")  # what follows is a script
_GUESSED = re.compile(r"-p(?P<value>[^-=/\s][^\s/]{4,})")
_ACCOUNT = re.compile(r"(?P<name>[^/@\s]+/)[^@\s]+(?=@|$)")

_WORD = re.compile(
    r"(?:[^\s;&|()<>\"'\\`$]|\\.|\$\([^()]*\)|\$|\"(?:[^\"\\]|\\.)*\"|'[^']*'|`[^`]*`)+", re.DOTALL
)
_ENDS = re.compile(r"[;&|()\n]")  # a simple command
_TAKEN = re.compile(rf"[\w.-]+=(?:{VARIABLE.pattern})")  # from a variable, or from what commands say
_INNER = re.compile(r"(\$\(|`)([^()`]*)([)`])")
_KEPT_IN = re.compile(r"\s*>[>|]?\s*[\"']?(?P<file>[^\s;&|<>\"']+)")
_HOLDS_SECRETS = re.compile(
    r"\.(?:pgpass|netrc|my\.cnf|npmrc|pypirc|s3cfg|git-credentials|htpasswd)|(?:.*[._-])?(?:password|passwd|passphrase|secret|token|apikey"
    r"|api[._-]key|pass|pw|credentials)(?:\.(?:txt|key|b64|env|conf|cfg))?",
    re.IGNORECASE,
)
_SAYING = ("echo", "printf")
_UNQUOTED = re.compile(r"'([^']*)'|\"((?:[^\"\\]|\\.)*)\"|\\(.)", re.DOTALL)
_NEEDS_NO_QUOTES = re.compile(r"[\w@%+=:,./\[\]{}?&#~^-]+")
_SUSPECT = re.compile(
    r"[/-]p|p(?:ass|wd|w|in|ypi-)|s(?:ecret|ig|ession|g\.|hp|k[-_])|t(?:oken|wine)|auth|c(?:red|ookie)|bearer|key|jwt|otp|dsn|login|sudo|psk"
    r"|hmac|webhook|identified|://|eyj|akia|a[bs]ia|acca|aiza|ya29|g(?:[hl][a-z]{1,4}|ithub_pat)[-_]|x(?:ox|app)|[pr]k[-_]|npm_|hf_|dop_|hv[sbr]\."
)
"""Without any of this, in small letters, there is no secret to be found, but with programs that have ways."""
_OWN_WAYS = re.compile(rf"(?<![\w.-])(?:{'|'.join(map(re.escape, WAYS))})(?![\w.-])")

_NAMING = ("--arg", "--argjson", "--stringparam", "--param")
"""Options that name a variable and give its value."""

_RUN_BY_OPTION = re.compile(r"(?:-o\s*)?proxycommand\s*[=\s]\s*", re.IGNORECASE)
"""Behind this, ssh runs the rest through a shell."""

_DEEPEST = 3
"""Scripts within scripts that are looked into word by word."""

_ROUNDS = 6
"""How often a command line is looked at; of one that changes even then, nothing of what changes is kept."""

_SAYS_HOW = {
    "mkpasswd": re.compile(r"-[mSRP]|--(?:method|salt|rounds|password-fd)"),
    "ansible-vault": re.compile(
        r"-n|--(?:(?:encrypt-)?vault-(?:id|(?:password-|pass-)?file)|(?:stdin-)?name|output)"
    ),
}
"""Options, by program, with a value that is none of the words in which its secret is looked for."""

_ALL_READ = re.compile(r"-[A-Za-z]*S[A-Za-z]*")  # by sudo
_PIPED = re.compile(r"[\s;})]*\|&?\s*")
_BEFORE = re.compile(r"time|builtin|command|exec|nohup|(?:.*/)?env|\{|!|[A-Za-z_]\w*=.*", re.DOTALL)
"""What may stand before the name of the program."""

_ACCOUNTS = ("sqlplus", "sqlplus64", "sqlldr", "rman", "imp", "impdp", "exp", "expdp")


def redact(args: tuple[str, ...]) -> tuple[str, ...]:
    """Return a command line without the secrets in it; one that has none is returned as it is."""
    line = "\0".join(args)
    if not _SUSPECT.search(line.lower()) and not _OWN_WAYS.search(line):
        return args
    for _ in range(_ROUNDS):  # quotes that never end may give a word another meaning
        before, args = args, tuple(_redact_words(list(args), 0, is_script=False))
        if args == before:
            return args
    again = _redact_words(list(args), 0, is_script=False)
    return tuple(word if word == new else REDACTED for word, new in zip(args, again, strict=True))


def redact_script(text: str) -> str:
    """Return commands for a shell without the secrets in them; variables that hold one may be named."""
    return _redact_script(text, 0)


def _redact_script(text: str, depth: int) -> str:
    if depth > _DEEPEST:
        return redact_text(text)
    if "$(" in text or "`" in text:
        text = _INNER.sub(lambda m: m[1] + _redact_script(m[2], depth + 1) + m[3], text)
    found: list[tuple[re.Match[str], str]] = []
    commands, given = _commands_in(text)
    for number, command in enumerate(commands):
        words = [_unquoted(match[0]) for match in command]
        redacted = _redact_words(words, depth + 1, is_script=True)
        at, program = _program(words)
        says = program in _SAYING
        if says and (
            _are_kept_as_secret(text, command) or _are_piped_as_secret(text, command, commands[number + 1 :])
        ):
            said = (word if _SAID.match(word) else REDACTED for word in redacted[at + 1 :])
            redacted = [*redacted[: at + 1], *said]
        found += [
            (match, _quoted(new))
            for match, word, new in zip(command, words, redacted, strict=True)
            if new != word and not (_TAKEN.fullmatch(match[0]) and _is_taken(match[0]))
        ]
        if number in given and _is_given_secret(words) and not _SAID.match(_unquoted(given[number][0])):
            found.append((given[number], REDACTED))
    pieces, done = [], 0
    for match, new in sorted(found, key=lambda item: item[0].start()):
        pieces += [text[done : match.start()], new]
        done = match.end()
    return redact_text("".join([*pieces, text[done:]]))


def _quoted(word: str) -> str:
    return word if _NEEDS_NO_QUOTES.fullmatch(word) else shlex.quote(word)


def _is_taken(word: str) -> bool:
    """Whether a value is really taken from elsewhere: echo and <<< say themselves what it is."""
    for inner in _INNER.finditer(word):
        commands, given = _commands_in(inner[2])
        for command in commands:
            at, program = _program(words := [_unquoted(match[0]) for match in command])
            if program in _SAYING and not all(map(_SAID.match, words[at + 1 :])):
                return False
        if not all(_SAID.match(_unquoted(match[0])) for match in given.values()):
            return False
    return True


def _are_kept_as_secret(text: str, said: list[re.Match[str]]) -> bool:
    """Whether what a command says is written into a file that is called by what it holds: password.txt."""
    into = _KEPT_IN.match(text, said[-1].end())
    return into is not None and _HOLDS_SECRETS.fullmatch(into["file"].rpartition("/")[2]) is not None


def _are_piped_as_secret(text: str, said: list[re.Match[str]], following: list[list[re.Match[str]]]) -> bool:
    """Whether what a command says is the standard input of one that is given a secret that way."""
    reader = next((words for words in following if [word[0] for word in words] != ["}"]), [])
    if not reader or not _PIPED.fullmatch(text[said[-1].end() : reader[0].start()]):
        return False
    return _is_given_secret([match[0] for match in reader])


def _is_given_secret(words: list[str]) -> bool:
    """Whether a command's standard input is a secret."""
    _, program = _program(words)
    return (
        any(map(STDIN.fullmatch, words))
        or program == "passwd"
        or (program == "sudo" and any(map(_ALL_READ.fullmatch, words)))
        or (program == "openssl" and "stdin" in words)
    )


def _program(words: list[str]) -> tuple[int, str]:
    """Return which word of a command is its program, and that without its directory."""
    at = next((at for at, word in enumerate(words) if not _BEFORE.fullmatch(word)), len(words))
    return at, words[at].rpartition("/")[2] if at < len(words) else ""


def _commands_in(text: str) -> tuple[list[list[re.Match[str]]], dict[int, re.Match[str]]]:
    """Return the words of each simple command of a script, as far as that shows without being a shell.

    The word that is the standard input of the command of a number comes apart: <<< word.
    """
    commands: list[list[re.Match[str]]] = [[]]
    given: dict[int, re.Match[str]] = {}
    end = 0
    for match in _WORD.finditer(text):
        if _ENDS.search(text, end, match.start()):
            commands.append([])
        if "<" not in (between := text[end : match.start()]) and ">" not in between:
            commands[-1].append(match)
        elif between.rstrip().endswith("<<<"):
            given[len(commands) - 1] = match
        end = match.end()
    return commands, given


def _unquoted(word: str) -> str:
    return _UNQUOTED.sub(lambda m: next((part for part in m.groups() if part is not None), ""), word)


def _redact_words(words: list[str], depth: int, *, is_script: bool) -> list[str]:
    """Redact one command, and what it runs if it only runs another."""
    found = list(words)
    begun, program, there = 0, "", frozenset(words)
    # By program, the word and the three before it: no more is looked at.
    known: dict[tuple[str, ...], str] = {}
    dull = {word for word in there if _DULL.fullmatch(word) and not _SUSPECT.search(word.lower())}
    for at, word in enumerate(words):
        name = word.rpartition("/")[2]
        if at == 0 or (_runs_others(program) and (name in WAYS or name in RUNNERS)):
            begun, program = at, name
        if at == 0:
            found[0] = _redact_word(word, "", NO_WAYS, depth)
            continue
        ways = WAYS.get(program, NO_WAYS)
        is_dull = word in dull and words[at - 1] in dull and program not in _ACCOUNTS
        if is_dull and not ways.concerns(words[at - 1], word):
            continue
        if ways.only and there.isdisjoint(ways.only):
            ways = NO_WAYS
        if is_script and word.startswith("$"):
            continue
        place = (program, *words[max(0, at - 3) : at + 1])
        if place not in known:
            known[place] = _redact_at(words, at, program, ways, depth)
        found[at] = known[place]
    for hidden in _places(words, begun, program):
        name, parted, _ = words[hidden].partition("=")
        found[hidden] = f"{name}={REDACTED}" if parted and WAYS[program].pairs else REDACTED
    return found


def _redact_at(words: list[str], at: int, program: str, ways: Ways, depth: int) -> str:
    value = _given(words, at, ways)
    if value is not None:
        return value
    if _COMMANDS.fullmatch(words[at - 1]) and " " in words[at]:
        return _redact_script(words[at], depth + 1)
    if (run := _RUN_BY_OPTION.match(words[at])) is not None:
        return run[0] + _redact_script(words[at][run.end() :], depth + 1)
    return _redact_word(words[at], program, ways, depth)


def _runs_others(program: str) -> bool:
    return program in RUNNERS or "=" in program  # as in a shell's A=b command


def _given(words: list[str], at: int, ways: Ways) -> str | None:
    """Return what is left of a word if the option before it says that it is a secret; None otherwise."""
    option, word = words[at - 1], words[at]
    if at > 1 and words[at - 2] in _NAMING and is_secret_name(option):
        return REDACTED
    if ways.bundled and option.startswith("-") and re.fullmatch(rf"-[{ways.bundled}]+[A-Za-z]", option):
        option = f"-{option[-1]}"
    if (sign := ways.behind.get(option)) is not None:
        return REDACTED if "bearer" in words and sign not in word else _without_password(word, sign)
    if option in ways.files:
        return REDACTED if "=" in word else word
    if option == "-p" and _is_accounts_password(words, at):
        return REDACTED
    if option not in ways.apart:
        marked = (option.startswith("-") and "=" not in option) or (ways.settings and at > 1)
        if (
            not marked
            or not (is_secret_name(option) or (ways.settings and _is_secret_setting(words, at)))
            or (ways.settings and not option.startswith("-") and "=" in word)
        ):
            return None
        if PLAIN.fullmatch(word):
            return word
    return word if not word or word.startswith(ways.kept or ("\0",)) else REDACTED


def _is_accounts_password(words: list[str], at: int) -> bool:
    """Whether the value of ``-p`` follows that of ``-u``: a user and his password; but no port or path."""
    return (
        at > 3
        and words[at - 3] in ("-u", "--user", "--username")
        and not words[at - 2].startswith("-")
        and _NO_PASSWORD.match(words[at]) is None
        and words[0].rpartition("/")[2] not in (TRUSTED if at > 4 else TRUSTED | NO_ACCOUNTS)
    )


def _is_secret_setting(words: list[str], at: int) -> bool:
    """Whether a setting that is called by what it is and where it is for is a secret: pypi-token.pypi."""
    name, _, place = words[at - 1].partition(".")
    return (bool(place) and is_secret_name(name)) or words[at - 2].startswith("http-basic.")


def _without_password(word: str, sign: str) -> str | None:
    user, parted, password = word.partition(sign)
    if not parted or word == sign:
        return None
    return f"{user}{sign}{REDACTED}" if password else f"{REDACTED}{sign}" if sign == ":" else word


def _places(words: list[str], begun: int, program: str) -> list[int]:
    """Return where secrets stand that are known by their place only."""
    if program == "htpasswd" and any(
        word.startswith("-") and "b" in word for word in words[begun + 1 : begun + 2]
    ):
        return [len(words) - 1]
    if program == "mkpasswd":
        return _plain(program, words, begun + 1)  # options may be short for others, or several in one
    if program == "ansible-vault" and "encrypt_string" in words:
        return _plain(program, words, words.index("encrypt_string") + 1)
    if program == "qpdf" and "--encrypt" in words:
        at = words.index("--encrypt")
        return [place for place in (at + 1, at + 2) if place < len(words)]
    ways = WAYS.get(program, NO_WAYS)
    if ways.only and not any(word in ways.only for word in words):
        return []
    if "%" in ways.behind.values():  # smbclient //host/share PASSWORD
        share = next(
            (at for at in range(begun + 1, len(words) - 1) if words[at].startswith("//")), len(words)
        )
        after = range(share + 1, len(words))
        return [at for at in after if words[at][:1] != "-" and (at == share + 1 or words[at - 1][:1] != "-")][
            :1
        ]
    if ways.pairs and any(word in ways.pairs for word in words):
        return [at for at in range(begun + 1, len(words)) if _PAIR.match(words[at])]
    for word, count in ways.places.items():
        begin = (
            begun
            if word == program
            else next((i for i in range(begun + 1, len(words)) if words[i] == word), len(words))
        )
        plain = [
            i for i in range(begin + 1, len(words)) if not words[i].startswith("-") and "=" not in words[i]
        ]
        chosen = plain[count if count < 0 else count - 1 :][:1] if plain else []
        if chosen and len(words[chosen[0]]) >= 6:
            return chosen
    return []


def _plain(program: str, words: list[str], begin: int) -> list[int]:
    """Return where words stand that are neither options nor the values of those that have one."""
    says_how = _SAYS_HOW[program]
    return [
        at
        for at in range(begin, len(words))
        if not words[at].startswith("-") and (at == begin or not says_how.fullmatch(words[at - 1]))
    ]


def _redact_word(arg: str, program: str, ways: Ways, depth: int) -> str:
    whole = _ASSIGNMENT.match(arg)
    if (
        whole is not None
        and (is_secret_name(whole["name"]) or is_secret_name(_JOINED.sub("", whole["name"])))
        and not PLAIN.fullmatch(arg[whole.end() :])
    ):
        return arg[: whole.end()] + REDACTED
    for option in ways.joined:
        if arg.startswith(option) and len(arg) > len(option):
            sign = ways.behind.get(option)
            value = REDACTED if sign is None else _without_password(arg[len(option) :], sign)
            return arg if value is None else option + value
    is_bundle = ways.bundled and arg.startswith("-")
    bundle = re.match(rf"-[{ways.bundled}]*[A-Za-z]", arg) if is_bundle else None
    if bundle and (sign := ways.behind.get(f"-{bundle[0][-1]}")) is not None and bundle.end() < len(arg):
        value = _without_password(arg[bundle.end() :], sign)
        return arg if value is None else bundle[0] + value
    if bundle and f"-{bundle[0][-1]}" in ways.files:
        return bundle[0] + REDACTED if "=" in arg else arg
    if program in _ACCOUNTS and (account := _ACCOUNT.match(arg)):
        return account["name"] + REDACTED + arg[account.end() :]
    option, parted, value = arg.partition("=")
    if parted and (option in ways.behind or option in ways.apart):
        left = _without_password(value, ways.behind[option]) if option in ways.behind else REDACTED
        return arg if left is None else f"{option}={left}"
    guessed = None if "-p" in ways.joined or program in TRUSTED else _GUESSED.fullmatch(arg)
    if guessed and _looks_secret(guessed["value"]):
        return "-p" + REDACTED
    arg = _redact_further(arg)
    return _redact_script(arg, depth + 1) if " " in arg else redact_text(arg)


def _redact_further(arg: str) -> str:
    """Redact the settings in a list of them, a=b,password=c, and those behind an option, --env=PASSWORD=c."""
    pieces, done, at = [], 0, 0
    while (match := _FURTHER.search(arg, at)) is not None:
        at = match.end()
        if not is_secret_name(match["name"]):
            continue
        end = arg.find(",", at) if arg[match.start() - 1] == "," else -1
        value = arg[at : end if end >= 0 else len(arg)]
        if value and REDACTED not in value and not PLAIN.fullmatch(value):
            pieces += [arg[done:at], REDACTED]
            done = at = at + len(value)
    return "".join([*pieces, arg[done:]])


def _looks_secret(value: str) -> bool:
    """Whether what stands right behind ``-p`` is rather a password than a word, a number or a port."""
    kinds = (r"[a-z]", r"[A-Z]", r"[0-9]", r"[^A-Za-z0-9=:.,_-]")
    return REDACTED not in value and sum(re.search(kind, value) is not None for kind in kinds) >= 3
