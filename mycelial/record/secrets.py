"""Which programs are given secrets by options of their own, that no name marks as such.

`-p` is a port to one program, a prefix to the next and a password to the third.
"""

from __future__ import annotations

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
        By plain word, how many plain words further the secret is.
    only : tuple of str
        Words of which one has to be there; otherwise the options mean something else.
    kept : tuple of str
        What values begin with that only say where the secret is.
    bundled : str
        Options of a letter that take no value, of which several may stand before another behind one dash.
    settings : bool
        Whether a plain word may be the name of a setting, and the next its value.
    """

    joined: tuple[str, ...] = ()
    apart: tuple[str, ...] = ()
    behind: dict[str, str] = field(default_factory=dict)
    places: dict[str, int] = field(default_factory=dict)
    only: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    bundled: str = ""
    settings: bool = False


_NAMED = {"-u": ":", "--user": ":", "-U": ":", "--proxy-user": ":", "-a": ":", "--auth": ":"}
_CERTIFICATE = {"-E": ":", "--cert": ":"}
_WAYS = {
    "mysql mysqldump mysqladmin mysqlimport mysqlshow mysqlcheck mysqlpump mysqlsh mysqlbinlog mariadb"
    " mariadb-dump mariadb-admin 7z 7za 7zr 7zz rar unrar": Ways(joined=("-p",)),
    "sshpass mongo mongosh mongodump mongorestore": Ways(joined=("-p",), apart=("-p",)),
    "zip unzip zipcloak sqlcmd bcp isql": Ways(joined=("-P",), apart=("-P",)),
    "ldapsearch ldapmodify ldapadd ldapdelete ldapwhoami": Ways(joined=("-w",), apart=("-w",)),
    "ldappasswd": Ways(joined=("-w", "-s", "-a"), apart=("-w", "-s", "-a")),
    "redis-cli": Ways(joined=("-a",), apart=("-a",)),
    "xfreerdp xfreerdp3 wlfreerdp": Ways(joined=("/p:",)),
    "curl": Ways(
        apart=("--oauth2-bearer", "--pass", "-b", "--cookie"),
        behind={**_NAMED, **_CERTIFICATE},
        bundled="0-46aBfgGiIjJklLMnNOpqRsSvVZ#",
    ),
    "http https xh": Ways(apart=("-A",), behind=_NAMED),
    "docker podman nerdctl buildah skopeo": Ways(apart=("-p",), only=("login",), behind={"--creds": ":"}),
    "twine ncftpget ncftpput ncftp rdesktop yt-dlp youtube-dl vncviewer": Ways(apart=("-p", "-2")),
    "az": Ways(apart=("-p",), only=("login", "credential", "create")),
    "openssl": Ways(
        apart=("-pass", "-passin", "-passout", "-password", "-k", "-K", "-hmac"),
        places={"passwd": 1},
        kept=("env:", "file:", "fd:", "stdin"),
    ),
    "smbclient rpcclient smbget net": Ways(joined=("-U",), behind={"-U": "%", "--user": "%"}),
    "lftp": Ways(behind={"-u": ","}),
    "wget": Ways(),
    "ssh-keygen": Ways(apart=("-N", "-P")),
    "snmpwalk snmpget snmpset snmpbulkwalk": Ways(apart=("-A", "-X", "-c")),
    "ipmitool": Ways(apart=("-P",)),
    "swaks": Ways(apart=("-ap",)),
    "gpg gpg2": Ways(apart=("--passphrase",)),
    "qpdf": Ways(),
    "pdftotext pdftoppm pdfimages pdfinfo pdftocairo pdfseparate": Ways(apart=("-upw", "-opw")),
    "pdftk": Ways(settings=True),
    "wpa_passphrase": Ways(places={"wpa_passphrase": 2}),
    "iwconfig": Ways(apart=("key", "enc")),
    "aws nmcli rclone npm yarn pnpm heroku svn vault": Ways(places={"login": 1}, settings=True),
    "cargo": Ways(places={"login": 1}),
    "gh": Ways(apart=("--body", "-b"), only=("secret",)),
    "kubectl oc": Ways(behind={"--from-literal": "="}, only=("secret",)),
    "git": Ways(settings=True, only=("config",)),
    "sqlplus sqlldr rman imp impdp exp expdp": Ways(places={"": 1}),
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

TRUSTED = frozenset(("perl", "ruby", "sed", "gcc", "cc", "clang", "g++", "c++", "tar", "cpio"))
"""Programs whose -p with something right behind it is no password."""
