"""Which programs are given secrets by options of their own, that no name marks as such.

`-p` is a port to one program, a prefix to the next and a password to the third.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Ways:
    """How one program is given secrets.

    Attributes
    ----------
    joined : tuple of str
        Options with the secret right behind them.
    apart : tuple of str
        Options, or plain words, with the secret as the next word.
    behind : dict
        By option, what stands between a user's name, which may be known, and the password.
    places : dict
        By plain word, how many plain words further the secret is; -1 for the last of them.
    only : tuple of str
        Words of which one has to be there; otherwise the options mean something else.
    kept : tuple of str
        What values begin with that only say where the secret is.
    bundled : str
        Options of a letter that take no value, of which several may stand before another behind one dash.
    settings : bool
        Whether a plain word may be the name of a setting, and the next its value.
    pairs : tuple of str
        Plain words behind which the value of each a=b is a secret.
    files : tuple of str
        Options, also with the value right behind them, whose value is a secret if it has a = and else a file.
    """

    joined: tuple[str, ...] = ()
    apart: tuple[str, ...] = ()
    behind: dict[str, str] = field(default_factory=dict)
    places: dict[str, int] = field(default_factory=dict)
    only: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    bundled: str = ""
    settings: bool = False
    pairs: tuple[str, ...] = ()
    files: tuple[str, ...] = ()

    def concerns(self, option: str, word: str) -> bool:
        """Whether a word behind an option may be a secret though nothing in it looks like one."""
        if self is NO_WAYS:
            return False
        return (
            word[:1] in "-/"
            or option[:1] in "-/"
            or self.settings
            or bool(self.joined)
            or option in self.apart
        )


NO_WAYS = Ways()

_NAMED = {"-u": ":", "--user": ":", "-U": ":", "--proxy-user": ":", "-a": ":", "--auth": ":"}
_CERTIFICATE = {"-E": ":", "--cert": ":"}
_WAYS = {
    "mysqladmin": Ways(joined=("-p",), places={"password": 1}),
    "mysql mysqldump mysqlimport mysqlshow mysqlcheck mysqlpump mysqlsh mysqlbinlog mariadb"
    " mariadb-dump mariadb-admin 7z 7za 7zr 7zz rar unrar": Ways(joined=("-p", "-hp")),
    "mycli cqlsh cypher-shell mutool usermod useradd hydra": Ways(joined=("-p",), apart=("-p",)),
    "sshpass mongo mongosh mongodump mongorestore": Ways(joined=("-p",), apart=("-p",)),
    "zip zipcloak": Ways(joined=("-P",), apart=("-P",), bundled="0-9AcdDefFgjJklLmoqrSTuvwXyz"),
    "unzip sqlcmd bcp isql mssql-cli mosquitto_pub mosquitto_sub ipmitool": Ways(
        joined=("-P",), apart=("-P",)
    ),
    "ldapsearch ldapmodify ldapadd ldapdelete ldapwhoami": Ways(joined=("-w",), apart=("-w",)),
    "ldappasswd": Ways(joined=("-w", "-s", "-a"), apart=("-w", "-s", "-a")),
    "redis-cli": Ways(joined=("-a",), apart=("-a", "auth", "AUTH")),
    "ccrypt ccencrypt ccdecrypt": Ways(apart=("-K", "-H"), joined=("-K", "-H")),
    "mcrypt mdecrypt": Ways(apart=("-k",), joined=("-k",)),
    "aescrypt steghide": Ways(apart=("-p",)),
    "xfreerdp xfreerdp3 wlfreerdp": Ways(joined=("/p:",)),
    "curl": Ways(
        apart=("--oauth2-bearer", "--pass"),
        files=("-b", "--cookie"),
        behind={**_NAMED, **_CERTIFICATE},
        bundled="0-46aBfgGiIjJklLMnNOpqRsSvVZ#",
    ),
    "http https xh": Ways(apart=("-A",), behind=_NAMED),
    "docker podman nerdctl buildah skopeo": Ways(apart=("-p",), only=("login",), behind={"--creds": ":"}),
    "twine ncftpget ncftpput ncftp rdesktop yt-dlp youtube-dl vncviewer": Ways(apart=("-p", "-2")),
    "az": Ways(apart=("-p", "--value"), only=("login", "credential", "create", "secret")),
    "glab uv vercel codecov doctl netlify": Ways(apart=("-t",)),
    "fly flyctl": Ways(apart=("-t",), pairs=("set", "import")),
    "dotnet nuget": Ways(apart=("-k", "-p"), only=("nuget", "push")),
    "openssl": Ways(
        apart=("-pass", "-passin", "-passout", "-password", "-k", "-K", "-hmac"),
        behind={"-macopt": ":"},
        places={"passwd": 1},
        kept=("env:", "file:", "fd:", "stdin"),
    ),
    "smbclient rpcclient smbget net winexe": Ways(joined=("-U",), behind={"-U": "%", "--user": "%"}),
    "lftp open": Ways(behind={"-u": ","}),
    "etcdctl ab hey check_http sqlmap nikto": Ways(
        behind={**_NAMED, "-A": ":", "-P": ":", "--auth-cred": ":", "-id": ":"}
    ),
    "wget": Ways(),
    "ssh-keygen": Ways(apart=("-N", "-P")),
    "snmpwalk snmpget snmpset snmpbulkwalk": Ways(apart=("-A", "-X", "-c")),
    "swaks sendemail": Ways(apart=("-ap", "-xp")),
    "signtool": Ways(apart=("/p",)),
    "sops": Ways(apart=("--set",)),
    "bw": Ways(apart=("--session",), places={"unlock": 1, "login": 2}),
    "mc mcli": Ways(places={"set": 4, "add": 4}, only=("alias", "host")),
    "mkpasswd": Ways(apart=("-S", "--salt"), places={"mkpasswd": 1}),
    "neo4j-admin": Ways(places={"set-initial-password": 1}),
    "grafana-cli": Ways(places={"reset-admin-password": 1}),
    "rabbitmqctl": Ways(places={"add_user": 2, "change_password": 2}),
    "snyk": Ways(places={"auth": 1}),
    "convert magick mogrify identify montage composite compare stream": Ways(apart=("-authenticate",)),
    "swift": Ways(joined=("-K",), apart=("-K",)),
    "pulumi": Ways(places={"set": 2}, only=("--secret",)),
    "gpg gpg2": Ways(apart=("--passphrase",)),
    "qpdf ansible-vault": Ways(),
    "pdftotext pdftoppm pdfimages pdfinfo pdftocairo pdfseparate": Ways(apart=("-upw", "-opw")),
    "pdftk": Ways(settings=True),
    "wpa_passphrase": Ways(places={"wpa_passphrase": 2}),
    "iwconfig": Ways(apart=("key", "enc")),
    "aws": Ways(apart=("--secret-string", "--value"), settings=True),
    "nmcli npm yarn pnpm heroku svn wandb": Ways(places={"login": 1}, settings=True),
    "gcloud dvc poetry composer hostapd_cli": Ways(settings=True),
    "rclone": Ways(places={"obscure": 1}, settings=True),
    "vault": Ways(
        places={"login": 1, "unseal": 1}, settings=True, pairs=("put", "patch", "write"), kept=("@", "-")
    ),
    "cargo": Ways(places={"login": 1}),
    "gh": Ways(joined=("-b",), apart=("--body", "-b"), only=("secret",)),
    "kubectl oc": Ways(behind={"--from-literal": "="}, only=("secret",)),
    "git": Ways(settings=True, only=("config",)),
    "sqlplus sqlplus64 sqlldr rman imp impdp exp expdp": Ways(places={"": 1}),
}
WAYS = {name: ways for names, ways in _WAYS.items() for name in names.split()}

RUNNERS = frozenset(
    """
    env timeout nice ionice nohup stdbuf setsid time sudo doas su runuser chrt taskset flock watch strace
    ltrace xargs parallel find fd unshare nsenter chroot fakeroot systemd-run exec command eval ssh busybox
    then do else if while until ! { builtin chronic torsocks proxychains proxychains4 entr script
    """.split()  # noqa: SIM905
)
"""Programs, and words of a shell, that are followed by the program that is really run."""

STDIN = re.compile(r"--?(?:[a-z]+-)*stdin|--with-token|--passphrase-fd(?:=0)?|chpasswd|smbpasswd")
"""Words of a command that is given a secret through its standard input."""

NO_ACCOUNTS = frozenset(("sudo", "lsof"))
"""Programs whose -p behind -u is no password."""

TRUSTED = frozenset(("perl", "ruby", "sed", "gcc", "cc", "clang", "g++", "c++", "tar", "cpio"))
"""Programs whose -p with something right behind it is no password."""
