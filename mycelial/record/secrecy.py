"""Secrets in any text, a script for example: by what stands before them, or by a shape that only tokens have.

The names of options, variables and settings that say that their value is a secret are here, too.
"""

from __future__ import annotations

import re
from functools import lru_cache

from mycelial.record.events import REDACTED

_WORDS = (
    r"pass|passw|passwd|passwort|password|passphrase|passcode|pwd|pw|pin|secret|secrets|token|auth|authorization|"
    r"credential|credentials|creds|cookie|bearer|jwt|apikey|authkey|authtoken|accesskey|secretkey|privatekey|"
    r"oauth|psk|sonar\.login|signature|sharedaccesssignature|sig|otp|dsn|(?:subscription|functions|api|access|secret|private|account|encryption|auth|signing|shared|master|license|"
    r"session|storage|decryption|hmac|deploy|client|consumer|webhook)[-_.]?(?:key|token|secret|password|id(?=secret))"
)
_GLUED = (
    r"(?:password|passwd|passphrase|secret|apikey|(?<=[a-z]{2})token|(?<=[a-z]{2})(?<!by|om)(?<!tres)pass)"
)
_NAME = re.compile(
    rf"(?i:(?:(?:^|[^a-z0-9])(?:{_WORDS})|{_GLUED})\d*)$"
    r"|[a-z0-9](?:Pass|Passwd|Password|Secret|Token|ApiKey|AccessKey|SecretKey)$"
)
_HARMLESS = re.compile(r"^-{0,2}(?:no|ask|prompt|without|disable)[-_]", re.IGNORECASE)
PLAIN = re.compile(
    r"\d{0,3}|\w?|\.\*|-|yes|no|true|false|on|off|none|null|never|always|auto|ask|prompt", re.IGNORECASE
)

_VALUE = re.compile(r"(?!\[redacted\])(?:\"(?:[^\"\\]|\\.)*\"|'[^']*'|(?:[^\s;&|\"'\\]|\\.)+)+", re.DOTALL)
_IN_TEXT = re.compile(
    r"(?<![A-Za-z0-9_./-])(?P<name>-{0,2}[A-Za-z][-A-Za-z0-9_.]*)(?:=|[\"']?\s*:\s*|(?:[\"']\]\s*|\s+)=\s*(?=[\"']))"
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
    | (?<![\w-])eyJ[\w-]{5,1000}\.[\w-]{5,}\.[\w-]*
    | \bnpm_[A-Za-z0-9]{20,} | \bhf_[A-Za-z0-9]{20,} | \bpypi-[\w-]{16,} | \bSG\.[\w-]{10,}\.[\w-]{10,}
    | \bhv[sbr]\.[\w-]{20,} | (?<=hooks\.slack\.com/services/)[\w/]+ | (?<=api\.telegram\.org/bot)\d+:[\w-]+
    | (?<=/api/webhooks/)\d+/[\w-]+
    | \bdop_v1_[a-f0-9]{16,} | \bshp(?:at|ca|pa|ss)_[a-fA-F0-9]{16,} | \bglsa_\w{16,} | \bAGE-SECRET-KEY-\w+
    """,
    re.VERBOSE | re.DOTALL,
)
_SHAPES_BEGIN = (
    "PRIVATE KEY-----",
    *(f"gh{kind}_" for kind in "pousr"),
    "github_pat_",
    *(f"gl{kind}-" for kind in ("pat", "dt", "rt", "cbt", "ptt", "soat")),
    *(
        "xox",
        "xapp-",
        "sk-",
        "sk_",
        "pk-",
        "pk_",
        "rk-",
        "rk_",
        "AKIA",
        "ASIA",
        "ABIA",
        "ACCA",
        "AIza",
        "ya29.",
    ),
    *(
        "eyJ",
        "npm_",
        "hf_",
        "pypi-",
        "SG.",
        "hvs.",
        "hvb.",
        "hvr.",
        "hooks.slack",
        "api.telegram",
        "/webhooks/",
    ),
    *("dop_v1_", "shpat_", "shpca_", "shppa_", "shpss_", "glsa_", "AGE-SECRET-KEY-"),
)
_IN_HEADERS = ("authorization", "cookie", "token", "key", "auth", "secret", "password")
_SCHEMES = ("bearer", "basic", "token", "login")
_MARKS = re.compile(r"[\s:=?&\\]|^s[/|#,!@]")  # without one of these only a shape gives a secret away
_BEARER = re.compile(
    r"(?P<name>\bbearer\s+|(?<=[:\"'=\s])(?:basic|token)\s+(?=\S*\d)|\blogin\s+\S+\s+password\s+)(?P<value>[A-Za-z0-9._~+/=-]{8,})",
    re.IGNORECASE,
)
_IN_SQL = re.compile(
    r"(?P<name>\b(?:identified\s+by\s+|password(?:\s+|\s*\(\s*)|(?:secret|encryption_key)\s+|pragma\s+(?:re)?key\s*=\s*))(?P<value>'[^']*'|\"[^\"]*\")",
    re.IGNORECASE,
)

_IN_TEX = re.compile(
    r"(?P<begin>\\(?:[gex]?def|(?:re)?newcommand\*?)\s*\{?\\(?P<name>[A-Za-z]+)\}?\s*\{)(?P<value>[^{}]+)"
)
_IN_SED = re.compile(
    r"(?P<begin>(?:^|[\s'\";{])s(?P<sign>[/|#,!@])(?P<what>[^\n]{0,200}?)(?P=sign))(?P<value>[^\n]+?)(?P<end>(?<!\\)(?P=sign))"
)
_FILLED_IN = re.compile(r"(?:[@%{<_$\[(]|\\\$)\s*(?P<name>[A-Za-z][A-Za-z0-9_.-]*?)\s*[@%}>_\])]*$")
"""What stands for a value that is put there: @NAME@, {{ NAME }}, $NAME."""

VARIABLE = re.compile(
    r"\"?\$(?:\w+|\{\w+\})\"?|\"?\$\([^()]*\)\"?|\"?`[^`]*`\"?"
)  # a name, which gives nothing away
_IS_VARIABLE = re.compile(rf"(?:{VARIABLE.pattern})(?=[\s;&|)\"']|$)")
_CACHED = 64
"""Length of names up to which it is remembered whether they are those of secrets."""


def redact_text(text: str) -> str:
    """Return any text, a script for example, without the secrets in it."""
    if len(text) < 5:
        return text
    if any(begin in text for begin in _SHAPES_BEGIN):
        text = _SHAPES.sub(REDACTED, text)
    if not _MARKS.search(text):
        return text
    small = text.lower()  # the cheap questions first: nearly all texts hold none of it
    if "://" in text:
        text = _USERINFO.sub(_without_userinfo, text)
    if "=" in text:
        text = _QUERY.sub(lambda m: f"{m['name']}={REDACTED}", text)
    if ":" in text and any(word in small for word in _IN_HEADERS):
        text = _HEADER.sub(lambda m: m["name"] + REDACTED, text)
    if "'" in text or '"' in text:
        text = _IN_SQL.sub(
            lambda m: m[0] if VARIABLE.fullmatch(m["value"]) else f"{m['name']}'{REDACTED}'", text
        )
    if "\\" in text:
        text = _IN_TEX.sub(lambda m: m["begin"] + REDACTED if is_secret_name(m["name"]) else m[0], text)
    text = _IN_SED.sub(_without_filling, text)
    if any(word in small for word in _SCHEMES):
        text = _BEARER.sub(lambda m: m["name"] + REDACTED, text)
    return _without_values(_OPTION_IN_TEXT, _without_values(_IN_TEXT, text))


def is_secret_name(name: str) -> bool:
    return _is_known_as_secret(name) if len(name) <= _CACHED else _is_called_secret(name)


@lru_cache(maxsize=2048)
def _is_known_as_secret(name: str) -> bool:
    return _is_called_secret(name)


def _is_called_secret(name: str) -> bool:
    return _NAME.search(name.removeprefix("-D")) is not None and not _HARMLESS.match(name)


def _without_userinfo(match: re.Match[str]) -> str:
    user, rest = match["user"], match["rest"]
    if rest is not None:
        return f"://{user}:{REDACTED}@" if rest != ":" else match[0]
    before = match.string[max(match.start() - len("https"), 0) : match.start()].lower()
    if before.endswith(("http", "https")) and user not in _PUBLIC_USERS:
        return f"://{REDACTED}@"
    return match[0]


def _without_filling(match: re.Match[str]) -> str:
    into = _FILLED_IN.search(match["what"])
    is_secret = into is not None and is_secret_name(into["name"]) and not VARIABLE.fullmatch(match["value"])
    value = REDACTED if is_secret else _without_values(_IN_TEXT, match["value"])
    return match["begin"] + value + match["end"]


def _without_values(assignment: re.Pattern[str], text: str) -> str:
    pieces, done, at = [], 0, 0
    while (match := assignment.search(text, at)) is not None:
        at = match.end()  # what is no secret itself may hold one: {"user":"me","password":"…"}
        value = _VALUE.match(text, at) if is_secret_name(match["name"]) else None
        if value is None or _IS_VARIABLE.match(text, at) or PLAIN.fullmatch(value[0]):
            continue
        pieces += [text[done:at], REDACTED]
        done = at = value.end()
    return "".join([*pieces, text[done:]])
