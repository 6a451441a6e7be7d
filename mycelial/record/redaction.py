"""Secrets on command lines are left out before anything is stored.

Passwords, tokens and keys are given to programs in a few usual ways: as the value of an option or a
variable whose name says so, in a header, in a URL, as a word of a shape that only tokens have, or with the
short option of a well-known program.  What stands there is replaced by :data:`REDACTED`; names stay, so that
the command can still be understood.  This is a net, not a wall: a secret that nothing marks as one is stored.
"""

from __future__ import annotations

import re
import shlex

from mycelial.record.secrets import RUNNERS, TRUSTED, WAYS, Ways

REDACTED = "[redacted]"

_WORDS = (
    r"pass|passw|passwd|passwort|password|passphrase|passcode|pwd|pw|pin|secret|secrets|token|auth|authorization|"
    r"credential|credentials|creds|cookie|bearer|jwt|apikey|authkey|authtoken|accesskey|secretkey|privatekey|"
    r"signature|sharedaccesssignature|sig|otp|dsn|(?:api|access|secret|private|account|encryption|auth|signing|shared|master|license|"
    r"session|storage|decryption|hmac|deploy|client|consumer|webhook)[-_.]?(?:key|token|secret|password|id(?=secret))"
)
_GLUED = r"(?:password|passwd|passphrase|secret|apikey|authtoken|(?<=[a-z]{2})(?<!by|om)(?<!tres)pass)"
_NAME = re.compile(
    rf"(?i:(?:(?:^|[^a-z0-9])(?:{_WORDS})|{_GLUED})\d*)$"
    r"|[a-z0-9](?:Pass|Passwd|Password|Secret|Token|ApiKey|AccessKey|SecretKey)$"
)
_HARMLESS = re.compile(r"^-{0,2}(?:no|ask|prompt|without|disable)[-_]", re.IGNORECASE)
_ASSIGNMENT = re.compile(r"(?P<name>[-A-Za-z0-9_.]*[A-Za-z0-9])\s*[=:]\s*", re.DOTALL)
_FURTHER = re.compile(r"(?:(?<=^/)|(?<=[,=:]))(?P<name>[-A-Za-z0-9_.]*[A-Za-z0-9])(?:=|:(?=[^/]))", re.DOTALL)
_PLAIN = re.compile(
    r"\d{0,3}|-|yes|no|true|false|on|off|none|null|never|always|auto|ask|prompt", re.IGNORECASE
)

_VALUE = re.compile(r"(?!\[redacted\])(?:\"(?:[^\"\\]|\\.)*\"|'[^']*'|(?:[^\s;&|\"'\\]|\\.)+)+", re.DOTALL)
_IN_TEXT = re.compile(
    r"(?<![A-Za-z0-9_./-])(?P<name>-{0,2}[A-Za-z][-A-Za-z0-9_.]*)(?:=|[\"']?\s*:\s*|\s+=\s+(?=[\"']))"
)
_OPTION_IN_TEXT = re.compile(r"(?<![\w.-])(?P<name>--?[A-Za-z][-A-Za-z0-9_.]+)\s+(?!-)")
_HEADER = re.compile(
    r"(?P<name>(?:(?:\b|(?<=-H))(?:(?:proxy-)?authorization|(?:set-)?cookie|(?:private|job|deploy|api|access)-(?:token|key)|apikey)|"
    r"(?:(?<![-\w])|(?<=^-H)|(?<=[^-\w]-H))x-(?=[-a-z]*(?:key|token|auth|secret|password))[-a-z]++)"
    r"\s*:(?!\s*\[redacted\])\s*)[^\r\n\"']+",
    re.IGNORECASE,
)
_USERINFO = re.compile(r"(?<=[A-Za-z0-9+.-])://(?P<user>[^/\s?#@:]*)(?P<rest>:[^/\s?#]*)?@")
_QUERY = re.compile(
    rf"(?P<name>[?&#;](?:[-A-Za-z0-9_.%]*?[-_.])?(?:{_WORDS}|key|code))=[^&\s#\"']+", re.IGNORECASE
)
_PUBLIC_USERS = frozenset(("", "git", "anonymous", "ftp"))
_SHAPES = re.compile(
    r"""
      -----BEGIN[ ][A-Z ]*PRIVATE[ ]KEY-----.*?(?:-----END[ ][A-Z ]*PRIVATE[ ]KEY-----|\Z)
    | \b(?:ghp|gho|ghu|ghs|ghr)_[A-Za-z0-9]{16,} | \bgithub_pat_\w{16,}
    | \bgl(?:pat|dt|rt|cbt|ptt|soat)-[\w-]{16,}
    | \bxox[abeoprs]-[\w-]{10,} | \bxapp-[\w-]{10,}
    | (?<![\w-])(?:sk|pk|rk)[-_](?=[\w-]*\d)(?=[\w-]*[A-Z])(?=[\w-]*[a-z])[\w-]{16,}+(?!\.\w)
    | (?<![\w-])sk-(?:or-v1-)?[0-9a-f]{32,}+(?!\.?\w)
    | \b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b
    | \bAIza[\w-]{30,} | \bya29\.[\w-]{10,}
    | \beyJ[\w-]{5,1000}\.[\w-]{5,}\.[\w-]*
    | \bnpm_[A-Za-z0-9]{20,} | \bhf_[A-Za-z0-9]{20,} | \bpypi-[\w-]{16,} | \bSG\.[\w-]{10,}\.[\w-]{10,}
    | \bhv[sbr]\.[\w-]{20,} | (?<=hooks\.slack\.com/services/)[\w/]+ | (?<=api\.telegram\.org/bot)\d+:[\w-]+
    | (?<=/api/webhooks/)\d+/[\w-]+
    | \bdop_v1_[a-f0-9]{16,} | \bshp(?:at|ca|pa|ss)_[a-fA-F0-9]{16,} | \bglsa_\w{16,} | \bAGE-SECRET-KEY-\w+
    """,
    re.VERBOSE | re.DOTALL,
)
_MARKS = re.compile(r"[\s:=?&]")  # without one of these only a shape gives a secret away
_BEARER = re.compile(
    r"(?P<name>\bbearer\s+|(?<=[:\"'=\s])(?:basic|token)\s+(?=\S*\d))(?P<value>[A-Za-z0-9._~+/=-]{8,})",
    re.IGNORECASE,
)
_IN_SQL = re.compile(
    r"(?P<name>\b(?:identified\s+by\s+|password\s+|pragma\s+(?:re)?key\s*=\s*))(?P<value>'[^']*'|\"[^\"]*\")",
    re.IGNORECASE,
)

_COMMANDS = re.compile(r"-[a-z]*c|--command")  # what follows is a script
_VARIABLE = re.compile(
    r"\"?\$(?:\w+|\{\w+\})\"?|\"?\$\([^()]*\)\"?|`[^`]*`"
)  # a name, which gives nothing away
_GUESSED = re.compile(r"-p(?P<value>[^-=/\s][^\s/]{4,})")
_ACCOUNT = re.compile(r"(?P<name>[^/@\s]+/)[^@\s]+(?=@|$)")

_WORD = re.compile(
    r"(?:[^\s;&|()<>\"'\\`$]|\\.|\$\([^()]*\)|\$|\"(?:[^\"\\]|\\.)*\"|'[^']*'|`[^`]*`)+", re.DOTALL
)
_ENDS = re.compile(r"[;&|()\n]")  # a simple command
_UNQUOTED = re.compile(r"'([^']*)'|\"((?:[^\"\\]|\\.)*)\"|\\(.)", re.DOTALL)
_NEEDS_NO_QUOTES = re.compile(r"[\w@%+=:,./\[\]{}?&#~^-]+")
_SUSPECT = re.compile(
    r"[/-]p|p(?:ass|wd|w|in|ypi-)|s(?:ecret|ig|ession|g\.|hp|k[-_])|t(?:oken|wine)|auth|c(?:red|ookie)|bearer|key|jwt|otp|dsn"
    r"|hmac|webhook|identified|://|eyj|akia|a[bs]ia|acca|aiza|ya29|g(?:[hl][a-z]{1,4}|ithub_pat)[-_]|x(?:ox|app)|[pr]k[-_]|npm_|hf_|dop_|hv[sbr]\."
)
"""Without any of this, in small letters, there is no secret to be found, but with programs that have ways."""
_OWN_WAYS = re.compile(rf"(?<![\w.-])(?:{'|'.join(map(re.escape, WAYS))})(?![\w.-])")

_DEEPEST = 3
"""Scripts within scripts that are looked into word by word."""

_ROUNDS = 6
"""How often a command line is looked at; of one that changes even then, nothing of what changes is kept."""

_NO_WAYS = Ways()
_ACCOUNTS = ("sqlplus", "sqlldr", "rman", "imp", "exp")


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


def redact_text(text: str) -> str:
    """Return any text, a script for example, without the secrets in it."""
    if len(text) < 5:
        return text
    text = _SHAPES.sub(REDACTED, text)
    if not _MARKS.search(text):
        return text
    text = _USERINFO.sub(_without_userinfo, text)
    text = _QUERY.sub(lambda m: f"{m['name']}={REDACTED}", text)
    text = _HEADER.sub(lambda m: m["name"] + REDACTED, text)
    text = _IN_SQL.sub(
        lambda m: m[0] if _VARIABLE.fullmatch(m["value"]) else f"{m['name']}'{REDACTED}'", text
    )
    text = _BEARER.sub(lambda m: m["name"] + REDACTED, text)
    return _without_values(_OPTION_IN_TEXT, _without_values(_IN_TEXT, text))


def _redact_script(text: str, depth: int) -> str:
    if depth > _DEEPEST:
        return redact_text(text)
    pieces: list[str] = []
    done = 0
    for command in _commands_in(text):
        words = [_unquoted(match[0]) for match in command]
        for match, word, new in zip(
            command, words, _redact_words(words, depth + 1, is_script=True), strict=True
        ):
            if new != word:
                pieces += [
                    text[done : match.start()],
                    new if _NEEDS_NO_QUOTES.fullmatch(new) else shlex.quote(new),
                ]
                done = match.end()
    return redact_text("".join([*pieces, text[done:]]))


def _commands_in(text: str) -> list[list[re.Match[str]]]:
    """Return the words of each simple command of a script, as far as that shows without being a shell."""
    commands: list[list[re.Match[str]]] = [[]]
    end = 0
    for match in _WORD.finditer(text):
        if _ENDS.search(text, end, match.start()):
            commands.append([])
        if "<" not in (between := text[end : match.start()]) and ">" not in between:
            commands[-1].append(match)
        end = match.end()
    return commands


def _unquoted(word: str) -> str:
    return _UNQUOTED.sub(lambda m: next((part for part in m.groups() if part is not None), ""), word)


def _redact_words(words: list[str], depth: int, *, is_script: bool) -> list[str]:
    """Redact one command, and what it runs if it only runs another."""
    found = list(words)
    begun, program, there = 0, "", frozenset(words)
    for at, word in enumerate(words):
        name = word.rpartition("/")[2]
        if at == 0 or (_runs_others(program) and (name in WAYS or name in RUNNERS)):
            begun, program = at, name
        if at == 0:
            found[0] = _redact_word(word, "", _NO_WAYS, depth)
            continue
        ways = WAYS.get(program, _NO_WAYS)
        if ways.only and there.isdisjoint(ways.only):
            ways = _NO_WAYS
        if is_script and word.startswith("$"):
            continue
        value = _given(words, at, ways)
        if value is not None:
            found[at] = value
        elif _COMMANDS.fullmatch(words[at - 1]) and " " in word:
            found[at] = _redact_script(word, depth + 1)
        else:
            found[at] = _redact_word(word, program, ways, depth)
    for place in _places(words, begun, program):
        found[place] = REDACTED
    return found


def _runs_others(program: str) -> bool:
    return program in RUNNERS or "=" in program  # as in a shell's A=b command


def _given(words: list[str], at: int, ways: Ways) -> str | None:
    """Return what is left of a word if the option before it says that it is a secret; None otherwise."""
    option, word = words[at - 1], words[at]
    if ways.bundled and re.fullmatch(rf"-[{ways.bundled}]+[A-Za-z]", option):
        option = f"-{option[-1]}"
    if (sign := ways.behind.get(option)) is not None:
        return _without_password(word, sign)
    if option not in ways.apart:
        marked = (option.startswith("-") and "=" not in option) or (ways.settings and at > 1)
        if (
            not marked
            or not _is_secret_name(option)
            or (ways.settings and not option.startswith("-") and "=" in word)
        ):
            return None
        if _PLAIN.fullmatch(word):
            return word
    elif option in ("-b", "--cookie") and "=" not in word:
        return word  # a file
    return word if not word or word.startswith(ways.kept or ("\0",)) else REDACTED


def _without_password(word: str, sign: str) -> str | None:
    user, parted, password = word.partition(sign)
    if not parted:
        return None
    return f"{user}{sign}{REDACTED}" if password else f"{REDACTED}{sign}" if sign == ":" else word


def _places(words: list[str], begun: int, program: str) -> list[int]:
    """Return where secrets stand that are known by their place only."""
    if program == "htpasswd" and any(
        word.startswith("-") and "b" in word for word in words[begun + 1 : begun + 2]
    ):
        return [len(words) - 1]
    if program == "qpdf" and "--encrypt" in words:
        at = words.index("--encrypt")
        return [place for place in (at + 1, at + 2) if place < len(words)]
    for word, count in WAYS.get(program, _NO_WAYS).places.items():
        begin = (
            begun
            if word == program
            else next((i for i in range(begun + 1, len(words)) if words[i] == word), len(words))
        )
        plain = [
            i for i in range(begin + 1, len(words)) if not words[i].startswith("-") and "=" not in words[i]
        ]
        if len(plain) >= count and len(words[plain[count - 1]]) >= 6:
            return [plain[count - 1]]
    return []


def _redact_word(arg: str, program: str, ways: Ways, depth: int) -> str:
    whole = _ASSIGNMENT.match(arg)
    if whole is not None and _is_secret_name(whole["name"]) and not _PLAIN.fullmatch(arg[whole.end() :]):
        return arg[: whole.end()] + REDACTED
    for option in ways.joined:
        if arg.startswith(option) and len(arg) > len(option):
            sign = ways.behind.get(option)
            value = REDACTED if sign is None else _without_password(arg[len(option) :], sign)
            return arg if value is None else option + value
    bundle = re.match(rf"-[{ways.bundled}]*[A-Za-z]", arg) if ways.bundled else None
    if bundle and (sign := ways.behind.get(f"-{bundle[0][-1]}")) is not None and bundle.end() < len(arg):
        value = _without_password(arg[bundle.end() :], sign)
        return arg if value is None else bundle[0] + value
    if program.startswith(_ACCOUNTS) and (account := _ACCOUNT.match(arg)):
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
        if not _is_secret_name(match["name"]):
            continue
        end = arg.find(",", at) if arg[match.start() - 1] == "," else -1
        value = arg[at : end if end >= 0 else len(arg)]
        if value and REDACTED not in value and not _PLAIN.fullmatch(value):
            pieces += [arg[done:at], REDACTED]
            done = at = at + len(value)
    return "".join([*pieces, arg[done:]])


def _is_secret_name(name: str) -> bool:
    return _NAME.search(name.removeprefix("-D")) is not None and not _HARMLESS.match(name)


def _looks_secret(value: str) -> bool:
    """Whether what stands right behind ``-p`` is rather a password than a word, a number or a port."""
    kinds = (r"[a-z]", r"[A-Z]", r"[0-9]", r"[^A-Za-z0-9=:.,_-]")
    return REDACTED not in value and sum(re.search(kind, value) is not None for kind in kinds) >= 3


def _without_userinfo(match: re.Match[str]) -> str:
    user, rest = match["user"], match["rest"]
    if rest is not None:
        return f"://{user}:{REDACTED}@" if rest != ":" else match[0]
    before = match.string[max(match.start() - len("https"), 0) : match.start()].lower()
    if before.endswith(("http", "https")) and user not in _PUBLIC_USERS:
        return f"://{REDACTED}@"
    return match[0]


def _without_values(assignment: re.Pattern[str], text: str) -> str:
    pieces, done, at = [], 0, 0
    while (match := assignment.search(text, at)) is not None:
        at = match.end()  # what is no secret itself may hold one: {"user":"me","password":"…"}
        value = _VALUE.match(text, at) if _is_secret_name(match["name"]) else None
        if value is None or _VARIABLE.fullmatch(value[0]) or _PLAIN.fullmatch(value[0]):
            continue
        pieces += [text[done:at], REDACTED]
        done = at = value.end()
    return "".join([*pieces, text[done:]])
