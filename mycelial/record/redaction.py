"""Secrets on command lines are left out before anything is stored.

Passwords, tokens and keys are given to programs in a few usual ways: as the value of an option or a
variable whose name says so, in a header, in a URL, as a word of a shape that only tokens have, or with the
short option of a well-known program.  What stands there is replaced by :data:`REDACTED`; names stay, so that
the command can still be understood.  This is a net, not a wall: a secret that nothing marks as one is stored.
"""

from __future__ import annotations

import re

REDACTED = "[redacted]"

_WORDS = (
    r"pass|passw|passwd|passwort|password|passphrase|passcode|pwd|pw|pin|secret|secrets|token|auth|authorization|"
    r"credential|credentials|creds|cookie|bearer|apikey|authkey|authtoken|accesskey|secretkey|privatekey|"
    r"signature|sig|otp|dsn|(?:api|access|secret|private|account|encryption|auth|signing|shared|master|license|"
    r"session|storage)[-_.]?(?:key|token|secret|password|id(?=secret))"
)
_NAME = re.compile(
    rf"(?i:(?:^|[^a-z0-9])(?:{_WORDS}))$|[a-z0-9](?:Pass|Passwd|Password|Secret|Token|ApiKey|AccessKey|SecretKey)$"
)
_HARMLESS = re.compile(r"^-{0,2}(?:no|ask|prompt|without|disable)[-_]", re.IGNORECASE)
_ASSIGNMENT = re.compile(r"(?P<name>[-A-Za-z0-9_.]*[A-Za-z0-9])\s*[=:]\s*", re.DOTALL)

_VALUE = r"(?:\"(?:[^\"\\]|\\.)*\"|'[^']*'|(?:[^\s;&|\"'\\]|\\.)+)+"
_IN_TEXT = re.compile(
    rf"(?P<name>(?<![A-Za-z0-9_./-])-{{0,2}}[A-Za-z][-A-Za-z0-9_.]*)"
    rf"(?P<sign>=|[\"']?\s*:\s*|\s+=\s+(?=[\"']))(?!\[redacted\])(?P<value>{_VALUE})",
    re.DOTALL,
)
_OPTION_IN_TEXT = re.compile(
    rf"(?P<name>(?<![\w-])--?[A-Za-z][-A-Za-z0-9_.]+)(?P<sign>\s+)(?P<value>(?!-){_VALUE})", re.DOTALL
)
_HEADER = re.compile(
    r"(?P<name>(?:\b|(?<=-H))(?:(?:proxy-)?authorization|(?:set-)?cookie|x-[-a-z]*(?:key|token|auth|secret|password)[-a-z]*|"
    r"(?:private|job|deploy|api|access)-(?:token|key)|apikey)\s*:\s*)[^\r\n\"']+",
    re.IGNORECASE,
)
_USERINFO = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*://)(?P<user>[^/\s?#@:]*)(?P<rest>:[^/\s?#]*)?@")
_QUERY = re.compile(
    rf"(?P<name>[?&](?:[-A-Za-z0-9_.%]*?[-_.])?(?:{_WORDS}|key|code))=[^&\s#\"']+", re.IGNORECASE
)
_PUBLIC_USERS = frozenset(("", "git", "anonymous", "ftp"))
_SHAPES = re.compile(
    r"""
      -----BEGIN[ ][A-Z ]*PRIVATE[ ]KEY-----.*?(?:-----END[ ][A-Z ]*PRIVATE[ ]KEY-----|\Z)
    | \b(?:ghp|gho|ghu|ghs|ghr)_[A-Za-z0-9]{16,} | \bgithub_pat_\w{16,}
    | \bgl(?:pat|dt|rt|cbt|ptt|soat)-[\w-]{16,}
    | \bxox[abeoprs]-[\w-]{10,} | \bxapp-[\w-]{10,}
    | \b(?:sk|pk|rk)[-_](?:[a-z]+[-_])?[A-Za-z0-9_-]{16,}
    | \b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b
    | \bAIza[\w-]{30,} | \bya29\.[\w-]{10,}
    | \beyJ[\w-]{5,}\.[\w-]{5,}\.[\w-]*
    | \bnpm_[A-Za-z0-9]{20,} | \bhf_[A-Za-z0-9]{20,} | \bpypi-[\w-]{16,} | \bSG\.[\w-]{10,}\.[\w-]{10,}
    | \bdop_v1_[a-f0-9]{16,} | \bshp(?:at|ca|pa|ss)_[a-fA-F0-9]{16,} | \bglsa_\w{16,} | \bAGE-SECRET-KEY-\w+
    """,
    re.VERBOSE | re.DOTALL,
)
_MARKS = re.compile(r"[\s:=?&]")  # without one of these only a shape gives a secret away
_BEARER = re.compile(r"\b(?P<name>(?:bearer|basic|token)\s+)[A-Za-z0-9._~+/=-]{8,}", re.IGNORECASE)

_JOINED = {  # programs whose short option has the secret right behind it
    "mysql": "-p", "mysqldump": "-p", "mysqladmin": "-p", "mysqlimport": "-p", "mysqlshow": "-p",
    "mysqlcheck": "-p", "mysqlpump": "-p", "mysqlsh": "-p", "mysqlbinlog": "-p", "mariadb": "-p",
    "mariadb-dump": "-p", "mariadb-admin": "-p", "sshpass": "-p", "7z": "-p", "7za": "-p", "7zr": "-p",
    "7zz": "-p", "rar": "-p", "unrar": "-p", "zip": "-P", "unzip": "-P", "mongo": "-p", "mongosh": "-p",
    "mongodump": "-p", "curl": "-u", "redis-cli": "-a", "sqlcmd": "-P", "bcp": "-P", "isql": "-P",
    "xfreerdp": "/p:",
    "ldapsearch": "-w", "ldapmodify": "-w", "ldapadd": "-w", "ldapwhoami": "-w", "ldappasswd": "-w",
}  # fmt: skip
_APART = {  # programs whose option has it as the next word
    "sshpass": ("-p",), "zip": ("-P",), "unzip": ("-P",), "mongo": ("-p",), "mongosh": ("-p",),
    "mongodump": ("-p",), "redis-cli": ("-a",), "sqlcmd": ("-P",), "bcp": ("-P",), "isql": ("-P",),
    "curl": ("-u", "-U", "-b", "--user", "--proxy-user", "--oauth2-bearer"), "http": ("-a",),
    "https": ("-a",),
    "docker": ("-p",), "podman": ("-p",), "smbclient": ("-U",),
    "openssl": ("-pass", "-passin", "-passout", "-k", "-K"),
    "ldapsearch": ("-w",), "ldapmodify": ("-w",), "ldapadd": ("-w",), "ldapwhoami": ("-w",),
    "ipmitool": ("-P",), "snmpwalk": ("-A", "-X", "-c"), "snmpget": ("-A", "-X", "-c"),
    "gpg": ("--passphrase",),
}  # fmt: skip
_COMMANDS = re.compile(r"-[a-z]*c|--command")  # what follows is a script
_VARIABLE = re.compile(r"\"?\$(?:\w+|\{\w+\})\"?")  # a name, which gives nothing away
_LOGINS = {"docker": "login", "podman": "login"}  # -p means it with this word only
_NO_GUESS = frozenset(("perl", "ruby", "sed", "gcc", "cc", "clang", "g++", "c++", "tar", "cpio"))
_GUESSED = re.compile(r"-p(?P<value>[^-=/\s][^\s/]{4,})")


def redact(args: tuple[str, ...]) -> tuple[str, ...]:
    """Return a command line without the secrets in it; one that has none is returned as it is."""
    if not args:
        return args
    program = args[0].rpartition("/")[2]
    found = list(args)
    for at, arg in enumerate(args):
        if at and _takes_secret(args[at - 1], program, args) and not _HARMLESS.match(args[at - 1]):
            found[at] = arg if _is_path_like_flag(arg) else REDACTED
        elif at and (not _COMMANDS.fullmatch(args[at - 1]) or " " not in arg):
            found[at] = _redact_word(arg, program)
        elif at:
            found[at] = redact_script(arg)
        else:
            found[at] = redact_text(arg)
    if program == "htpasswd" and any(arg.startswith("-") and "b" in arg for arg in args[1:2]):
        found[-1] = REDACTED
    return tuple(found)


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
    text = _BEARER.sub(lambda m: m["name"] + REDACTED, text)
    text = _IN_TEXT.sub(_without_value, text)
    return _OPTION_IN_TEXT.sub(_without_value, text)


def redact_script(text: str) -> str:
    """Return commands for a shell without the secrets in them; variables that hold one may be named."""
    return redact_text(_redact_programs(text))


def _redact_word(arg: str, program: str) -> str:
    whole = _ASSIGNMENT.match(arg)
    if whole is not None and _is_secret_name(whole["name"]):
        return arg[: whole.end()] + (REDACTED if arg[whole.end() :] else "")
    short = _JOINED.get(program)
    if short is not None and arg.startswith(short) and len(arg) > len(short):
        return short + REDACTED
    if (
        short is None
        and program not in _NO_GUESS
        and (guessed := _GUESSED.fullmatch(arg))
        and _looks_secret(guessed["value"])
    ):
        return "-p" + REDACTED
    return redact_script(arg) if " " in arg else redact_text(arg)


def _takes_secret(option: str, program: str, args: tuple[str, ...]) -> bool:
    if option in _APART.get(program, ()):
        return program not in _LOGINS or _LOGINS[program] in args
    return option.startswith("-") and "=" not in option and _is_secret_name(option)


def _is_secret_name(name: str) -> bool:
    return _NAME.search(name.removeprefix("-D")) is not None and not _HARMLESS.match(name)


def _is_path_like_flag(arg: str) -> bool:
    return arg == ""


def _looks_secret(value: str) -> bool:
    """Whether what stands right behind ``-p`` is rather a password than a word, a number or a port."""
    kinds = (r"[a-z]", r"[A-Z]", r"[0-9]", r"[^A-Za-z0-9=:.,_-]")
    return REDACTED not in value and sum(re.search(kind, value) is not None for kind in kinds) >= 3


_PROGRAMS = "|".join(sorted(map(re.escape, _JOINED.keys() | _APART.keys()), key=len, reverse=True))
_PROGRAM_IN_TEXT = re.compile(
    rf"\b(?P<program>{_PROGRAMS})"
    r"(?P<rest>(?:\s+[^;&|\n]*)?)"
)


def _redact_programs(text: str) -> str:
    """Redact the short options of known programs within a script."""

    def redacted(match: re.Match[str]) -> str:
        program, rest = match["program"], match["rest"]
        if (short := _JOINED.get(program)) is not None:
            rest = re.sub(rf"(?<=\s){re.escape(short)}{_VALUE}", short + REDACTED, rest)
        login = _LOGINS.get(program)
        for option in _APART.get(program, ()):
            if login is None or login in rest.split():
                rest = re.sub(rf"(?<=\s)({re.escape(option)}\s+){_VALUE}", lambda m: m[1] + REDACTED, rest)
        return program + rest

    return _PROGRAM_IN_TEXT.sub(redacted, text)


def _without_userinfo(match: re.Match[str]) -> str:
    user, rest = match["user"], match["rest"]
    if rest is not None:
        return f"{match['scheme']}{user}:{REDACTED}@" if rest != ":" else match[0]
    if match["scheme"].lower() in ("http://", "https://") and user not in _PUBLIC_USERS:
        return f"{match['scheme']}{REDACTED}@"
    return match[0]


def _without_value(match: re.Match[str]) -> str:
    if (
        not _is_secret_name(match["name"])
        or match["value"] == REDACTED
        or _VARIABLE.fullmatch(match["value"])
    ):
        return match[0]
    return match["name"] + match["sign"] + REDACTED
