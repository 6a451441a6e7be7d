"""Secrets on command lines are not stored, and what is none is left alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mycelial.graph import admission
from mycelial.graph.admission import Admission
from mycelial.record import redaction
from mycelial.record.events import REDACTED, Event, Neighbour, Op, Process
from mycelial.record.redaction import redact

MARKED = (
    ("tool", "--password={}"),
    ("tool", "--password", "{}"),
    ("tool", "--passwd={}", "file"),
    ("tool", "-password", "{}"),
    ("tool", "--db-password={}"),
    ("tool", "--dbPassword={}"),
    ("tool", "--passphrase={}"),
    ("tool", "--token={}"),
    ("tool", "--auth-token", "{}"),
    ("tool", "--api-key={}"),
    ("tool", "--apikey", "{}"),
    ("tool", "--client-secret={}"),
    ("tool", "--secret-access-key={}"),
    ("env", "AWS_SECRET_ACCESS_KEY={}", "aws", "s3", "ls"),
    ("env", "GITHUB_TOKEN={}", "make"),
    ("make", "DB_PASS={}"),
    ("cc", "-DPASSWORD={}", "-c", "a.c"),
    ("mysql", "-u", "root", "-p{}", "db"),
    ("/usr/bin/mysqldump", "-p{}"),
    ("sshpass", "-p", "{}", "ssh", "host"),
    ("sshpass", "-p{}", "ssh", "host"),
    ("ssh", "-o", "ProxyCommand=sshpass -p {} ssh gate", "host"),
    ("bash", "-c", "echo $(curl -u me:{} host) > out"),
    ("bash", "-c", "token=$(curl -u me:{} host); use $token"),
    ("bash", "-c", "PASSWORD=$(echo '{}') run"),
    ("bash", "-c", "token=`printf %s {} | base64`; use $token"),
    ("bash", "-c", "token=$(base64 <<< {}); use $token"),
    ("sqlplus", "scott/{}"),
    ("expdp", "scott/{}", "full=y"),
    ("bash", "-c", "echo '{}' > password.txt"),
    ("bash", "-c", "echo '{}' >| password.txt"),
    ("bash", "-c", "printf 'host:5432:db:me:{}' >> ~/.pgpass"),
    ("python3", "-c", 'import os; os.environ["API_KEY"] = "{}"'),
    ("pdflatex", r"\def\password{{{}}}\input{{a}}"),
    ("sed", "s/@TOKEN@/{}/", "file"),
    ("sed", "-i", "s/PASSWORD=.*/PASSWORD={}/", "file"),
    ("mysql", "-e", "SET PASSWORD FOR me = PASSWORD('{}')"),
    ("duckdb", "-c", "CREATE SECRET (TYPE S3, SECRET '{}')"),
    ("zip", "-rP", "{}", "a.zip", "b"),
    ("fly", "secrets", "set", "WORD={}"),
    ("ccrypt", "-K", "{}", "file"),
    ("ssh", "-oProxyCommand=sshpass -p {} ssh gate", "host"),
    ("ssh", "-o", "proxycommand sshpass -p {} ssh gate", "host"),
    ("sqlplus64", "scott/{}@db"),
    ("convert", "-authenticate", "{}", "a.pdf", "b.png"),
    ("swift", "-K", "{}", "list"),
    ("jq", "--arg", "token", "{}", ".", "a.json"),
    ("7z", "x", "-p{}", "a.7z"),
    ("curl", "-u", "me:{}", "https://host"),
    ("curl", "-ume:{}", "https://host"),
    ("curl", "-sSume:{}", "https://host"),
    ("curl", "-4sUme:{}", "https://host"),
    ("curl", "-4u", "me:{}", "https://host"),
    ("ldappasswd", "-s", "{}", "-w", "{}"),
    ("curl", "--user", "me:{}"),
    ("curl", "-H", "Authorization: Bearer {}"),
    ("curl", "-HAuthorization: Basic {}"),
    ("curl", "--header=Proxy-Authorization: {}"),
    ("curl", "-H", "X-Api-Key: {}"),
    ("curl", "-H", "PRIVATE-TOKEN: {}"),
    ("curl", "-d", "user=me&password={}"),
    ("curl", "-d", '{{"user": "me", "password": "{}"}}'),
    ("curl", "https://me:{}@host/path"),
    ("git", "clone", "https://{}@host/repository"),
    ("psql", "postgresql://me:{}@host/db"),
    ("curl", "https://host/path?x=1&access_token={}&y=2"),
    ("curl", "https://host/path?api_key={}"),
    ("docker", "login", "-u", "me", "-p", "{}", "host"),
    ("openssl", "enc", "-aes256", "-pass", "pass:{}"),
    ("sh", "-c", "TOKEN={} make install"),
    ("sh", "-c", "cd x && tool --password '{}' > out"),
    ("sh", "-c", 'tool --token="{}" | sort > out'),
    ("bash", "-ec", "mysql -p{} db < in.sql > out"),
    ("sh", "-c", "curl -H 'Authorization: token {}' host > out"),
    ("sh", "-c", "export API_KEY={}; run"),
    ("sh", "-c", "curl https://me:{}@host > out"),
    ("sh", "-c", "cd x && timeout 5 curl -sSu 'me:{}' host > out"),
    ("env", "PGPASSWORD={}", "psql", "-h", "host"),
    ("env", "SSHPASS={}", "sshpass", "-e", "ssh", "host"),
    ("env", "LANG=C", "sshpass", "-p", "{}", "ssh", "host"),
    ("timeout", "5", "curl", "-u", "me:{}", "host"),
    ("xargs", "-I%", "curl", "-sSLu", "me:{}", "%"),
    ("sudo", "nice", "mysql", "-p{}", "db"),
    ("curl", "--user=me:{}", "host"),
    ("curl", "--cert", "client.pem:{}", "host"),
    ("curl", "-b", "sid={}", "host"),
    ("curl", "-d", '{{"user":"me","password":"{}"}}'),
    ("curl", "https://host/callback#access_token={}"),
    ("aws", "configure", "set", "aws_secret_access_key", "{}"),
    ("npm", "config", "set", "//registry/:_authToken={}"),
    ("docker", "run", "--env=API_TOKEN={}", "image"),
    ("docker", "build", "--build-arg=NPM_TOKEN={}", "."),
    ("mount", "-t", "cifs", "//host/share", "/mnt", "-o", "user=me,password={},ro"),
    ("helm", "install", "--set", "replicas=2,auth.password={}", "name"),
    ("kubectl", "create", "secret", "generic", "name", "--from-literal=key={}"),
    ("openssl", "dgst", "-hmac", "{}", "file"),
    ("openssl", "passwd", "-6", "{}"),
    ("pdftotext", "-upw", "{}", "a.pdf"),
    ("pdftk", "a.pdf", "input_pw", "{}", "output", "b.pdf"),
    ("qpdf", "--encrypt", "{}", "{}", "256", "--", "a.pdf", "b.pdf"),
    ("smbclient", "-U", "me%{}", "//host/share"),
    ("lftp", "-u", "me,{}", "host"),
    ("nmcli", "dev", "wifi", "connect", "net", "password", "{}"),
    ("wpa_passphrase", "net", "{}"),
    ("keytool", "-storepass", "{}", "-keypass", "{}", "-list"),
    ("ssh-keygen", "-N", "{}", "-f", "key"),
    ("vault", "login", "{}"),
    ("mysql", "-e", "CREATE USER me IDENTIFIED BY '{}'"),
    ("curl", "-bsid={}", "host"),
    ("curl", "-sSbsid={}", "host"),
    ("sh", "-c", "curl -b'sid={}; x=1' host > out"),
    ("curl", "-dtoken={}", "host"),
    ("curl", "-H", "Ocp-Apim-Subscription-Key: {}", "host"),
    ("http", "--auth-type", "bearer", "--auth", "{}", "host"),
    ("mysqladmin", "password", "{}"),
    ("cqlsh", "-u", "me", "-p", "{}"),
    ("unknown", "-u", "me", "-p", "{}", "host"),
    ("lftp", "-e", "open -u me,{} host"),
    ("smbclient", "//host/share", "{}", "-U", "me"),
    ("ipmitool", "-U", "me", "-P{}", "-H", "host"),
    ("nmcli", "con", "modify", "net", "wifi-sec.psk", "{}"),
    ("aws", "secretsmanager", "put-secret-value", "--secret-string", "{}"),
    ("mc", "alias", "set", "name", "http://host", "me", "{}"),
    ("gcloud", "config", "set", "auth/token", "{}"),
    ("az", "keyvault", "secret", "set", "--name", "it", "--value", "{}"),
    ("rclone", "obscure", "{}"),
    ("doctl", "auth", "init", "-t", "{}"),
    ("pulumi", "config", "set", "--secret", "name", "{}"),
    ("vault", "kv", "put", "secret/it", "value={}", "other={}"),
    ("vault", "operator", "unseal", "{}"),
    ("sops", "--set", '["password"] "{}"', "file"),
    ("bw", "unlock", "{}"),
    ("gh", "secret", "set", "NAME", "-b{}"),
    ("gh", "secret", "set", "NAME", "-b", "{}"),
    ("poetry", "config", "pypi-token.pypi", "{}"),
    ("composer", "config", "http-basic.host", "me", "{}"),
    ("dotnet", "nuget", "push", "-k", "{}", "a.nupkg"),
    ("coveralls", "--repotoken={}"),
    ("sonar-scanner", "-Dsonar.login={}"),
    ("dvc", "remote", "modify", "--local", "r", "secret_access_key", "{}"),
    ("openssl", "dgst", "-mac", "HMAC", "-macopt", "key:{}", "file"),
    ("rar", "a", "-hp{}", "a.rar", "a"),
    ("useradd", "-p", "{}", "me"),
    ("mkpasswd", "-m", "sha-512", "{}"),
    ("mkpasswd", "{}", "salt"),
    ("mkpasswd", "-n", "{}"),
    ("mkpasswd", "--name", "{}"),
    ("mkpasswd", "--meth", "sha-512", "{}"),
    ("mkpasswd", "-5S", "saltsalt", "{}"),
    ("sudo", "tool", "-u", "me", "-p", "{}"),
    ("mosquitto_pub", "-u", "me", "-P", "{}", "-t", "topic"),
    ("rabbitmqctl", "change_password", "me", "{}"),
    ("etcdctl", "--user=me:{}", "get", "key"),
    ("sh", "-c", "echo {} | sudo -S make > out"),
    ("sh", "-c", "echo {} | sudo -kS make > out"),
    ("sh", "-c", "A=1 time /bin/echo {} | sudo -Sk make > out"),
    ("sh", "-c", "builtin echo {} | passwd bob"),
    ("sh", "-c", "echo {} | openssl enc -pass stdin -in a"),
    ("sh", "-c", "echo me:{} | chpasswd"),
    ("bash", "-c", "{{ echo {}; }} | sudo -S make > out"),
    ("bash", "-c", "(printf '%s\\n' {}) | passwd bob"),
    ("bash", "-c", "sudo -S make <<< {} > out"),
    ("bash", "-c", "LC_ALL=C /usr/bin/sudo -S make <<< {} > out"),
    ("bash", "-c", "env X=1 sudo -S make <<< {} > out"),
    ("bash", "-c", "echo {} | /usr/bin/sudo -S make > out"),
    ("bash", "-c", "echo {} |& sudo -S make > out"),
    ("bash", "-c", "docker login --password-stdin <<<'{}'; make"),
    ("ansible-vault", "encrypt_string", "{}", "--name", "db"),
    ("ansible-vault", "encrypt_string", "--vault-id", "dev@prompt", "-n", "db", "{}"),
    ("smbclient", "//host/share", "-U", "me", "{}"),
    ("sh", "-c", "printf '%s' {} | docker login --password-stdin"),
    ("sh", "-c", "cat <<E > .netrc\nmachine host login me password {}\nE"),
    ("tool", "/password:{}", "in"),
    ("tool", "--jwt", "{}"),
)
"""Ways to give a secret to a program."""

SHAPED = (
    "ghp_" + "a1B2" * 9,
    "glpat-" + "a1B2" * 5,
    "xoxb-" + "1234-" * 5 + "abc",
    "AKIA" + "A1B2" * 4,
    "AIza" + "a1B2-" * 7,
    "eyJhbGciOiJI.eyJzdWIiOiIx.c2lnbmF0dXJl",
    "sk-proj-" + "a1B2" * 6,
    "sk_live_51" + "a1B2" * 6,
    "sk-" + "a1b2" * 8,
    "sk-or-v1-" + "a1b2" * 16,
    "github_pat_" + "a1B2" * 6,
)

HARMLESS = (
    ("grep", "token=x", "file"),
    ("bash", "-c", "token=$(cat file); echo $token > out"),
    ("bash", "-c", 'token=$(printf %s "$key" | base64); password=$(tr -d x <<< "$1"); echo "$token" > out'),
    ("bash", "-c", 'token="`cat file`"; password=$1; echo "$token" > out'),
    ("bash", "-c", "echo done > out; sort keys > passwords.txt"),
    ("sed", "-e", "s/password/word/; s/token: /k=/", "file"),
    ("gcc", "-pthread", "-pipe", "-pedantic-errors", "-c", "a.c", "-DMAX_TOKENS=5", "-o", "a.o"),
    ("cp", "-p", "a", "b"),
    ("bash", "-c", "export PLACE=/srv/data; sort a"),
    ("expand", "from/here", "to/there"),
    ("import", "shots/window.png"),
    ("curl", "-L", "-u", ":", "--negotiate", "https://host/a"),
    ("jq", "--arg", "name", "value", ".token", "a.json"),
    ("convert", "a.png", "-resize", "50%", "b.png"),
    ("ssh", "-o", "ProxyCommand=ssh -p 22 -W %h:%p gate", "host"),
    ("ssh", "-oProxyCommand=ssh -p 22 -W %h:%p gate", "host"),
    ("patch", "-p1", "-i", "fix.patch"),
    ("docker", "run", "-p", "8080:80", "-p127.0.0.1:80:80", "image"),
    ("ssh", "-p", "2222", "host"),
    ("sort", "-k2", "--key=2"),
    ("tool", "--author=me", "--bypass=1", "--passes=2", "--no-password"),
    ("git", "clone", "ssh://git@host/repository"),
    ("scp", "me@host:/etc/hosts", "."),
    ("curl", "https://host:8080/a@b?page=2"),
    ("perl", "-pe", "s/token/TOKEN/"),
    ("pandoc", "--pdf-engine=xelatex", "a.md"),
    ("pdflatex", "-interaction=nonstopmode", "paper.tex"),
    ("sh", "-c", 'curl -H "$HEADER" --password "$PASSWORD" host > out'),
    ("python3", "-c", "import secrets; token = secrets.token_hex(8)"),
    ("sed", "-i", "s/a/b/; s/c/d/", "words.txt"),
    ("gcc", "-Ipass", "-DPASS=1", "-c", "a.c"),
    ("ffmpeg", "-i", "in.mp4", "-pass", "1", "-passlogfile", "log", "out.mp4"),
    ("curl", "-b", "cookies.txt", "-c", "cookies.txt", "https://host"),
    ("curl", "-u", "me", "https://host"),
    ("openssl", "enc", "-pass", "file:pw.txt", "-in", "a", "-out", "b"),
    ("sh", "-c", "jq .token auth.json > out; grep password passwd.txt"),
    ("sh", "-c", 'tool --token "$(cat token.txt)" in > out'),
    ("cp", "secret.txt", "token.key", "out/"),
    ("git", "grep", "password", "src"),
    ("python", "sk_learn_tutorial_notebook.py", "rk_four_integrator_example.py"),
    (
        "pandoc",
        "data/pk-migration-plan-2024.md",
        "sk_Learn_Tutorial_2024_Notes.md",
        "pk_fields_of_the_tables_2024",
    ),
    ("ldapsearch", "-x", "-s", "sub", "-b", "dc=example"),
    ("sort", "-u", "-p", "words"),
    ("docker", "run", "-u", "me", "-p", "8080:80", "image"),
    ("docker", "run", "-u", "1000", "-p", "127.0.0.1:8080:80", "image"),
    ("docker", "run", "-u", "1000", "-p", "8080-8090:80-90", "image"),
    ("docker", "run", "-u", "1000", "-p", "[::1]:8080:80/udp", "image"),
    ("sudo", "-u", "postgres", "-p", "prompt", "make"),
    ("lsof", "-u", "bob", "-p", "words"),
    ("psql", "-U", "me", "-p", "5432", "base"),
    ("ssh", "-l", "me", "-p", "22", "host"),
    ("psql", "--password-file", "password.txt", "-f", "secrets.sql"),
    ("make", "password", "token", "secret.o", "KEY=1"),
    ("mc", "cp", "a", "b", "c", "directory"),
    ("smbclient", "-U", "me", "//host/share"),
    ("smbclient", "//host/share", "-N", "-c", "get report.pdf"),
    ("ansible-vault", "encrypt", "--vault-password-file", "key.txt", "secrets.yml"),
    ("ansible-vault", "encrypt_string", "--vault-id", "dev@prompt", "--stdin-name", "db"),
    ("bash", "-c", "sort <<< words > out; { echo words; } | wc"),
    ("vault", "kv", "get", "secret/it"),
    ("sh", "-c", "echo password | sort > out; echo words | tee all | wc"),
    ("pdftoppm", "-r", "150", "-png", "a.pdf", "page"),
    ("lpr", "-P", "printer", "a.pdf"),
    ("gh", "pr", "create", "-b", "what was done"),
    ("curl", "-bcookies.txt", "https://host"),
    ("poetry", "config", "virtualenvs.path", "environments"),
    ("bw", "sync", "environment"),
    ("curl", "-sSuadmin", "-ofour:3", "-HAccept-Currencies: EUR", "https://host"),
)

LONGEST = 8192
ENDLESS = (
    "x-key-",
    " -Hx-key-",
    ",pw=ab",
    ":pw=",
    "pw=,",
    "ghgh",
    "eyJ-",
    "sk-a-",
    "-a.",
    "a+",
    "://a:",
    "&key-",
    "password '\" ",
    "$(`",
    "git ",
    "PRIVATE KEY",
    " s/$",
    "\\def\\a{",
    "$(",
)
"""What the expressions for secrets begin with, over and over, so that none may look at all that follows."""

secrets = st.text(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!%_+.~-", min_size=8, max_size=40
)


def with_secret(way: tuple[str, ...], secret: str) -> tuple[str, ...]:
    return tuple(word.format(secret) for word in way)


@given(st.sampled_from(MARKED), secrets.map(lambda drawn: f"Q7{drawn}x"))
def test_what_is_marked_as_a_secret_is_left_out(way: tuple[str, ...], secret: str) -> None:
    stored = redact(with_secret(way, secret))
    assert secret not in "\0".join(stored)
    assert REDACTED in "\0".join(stored)
    assert len(stored) == len(way)


@given(st.sampled_from(MARKED), secrets, st.lists(st.text(max_size=8), max_size=3))
def test_to_leave_out_twice_changes_nothing_more(way: tuple[str, ...], secret: str, more: list[str]) -> None:
    stored = redact((*with_secret(way, secret), *more))
    assert redact(stored) == stored


@given(st.lists(st.text(), max_size=6).map(tuple))
def test_any_command_line_keeps_its_length_and_settles(args: tuple[str, ...]) -> None:
    stored = redact(args)
    assert len(stored) == len(args)
    assert redact(stored) == stored


@pytest.mark.parametrize("part", ENDLESS)
def test_looking_for_secrets_ends_soon_whatever_a_command_line_holds(part: str) -> None:
    for end in ("", " a", "[redacted]", ".a key"):
        line = (part * LONGEST)[:LONGEST] + end
        for args in (("tool", line), ("sh", "-c", line), ("git", *line.split(" "))):
            assert len(redact(args)) == len(args)


def test_any_number_of_secrets_in_one_argument_is_left_out() -> None:
    stored = redact(("tool", "x=1" + ",pw=abcd" * 1000 + ",y=2"))
    assert stored == ("tool", "x=1" + f",pw={REDACTED}" * 1000 + ",y=2")


def test_what_changes_each_time_it_is_looked_at_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def longer(words: list[str], _: int, *, is_script: bool) -> list[str]:
        assert not is_script
        return [word if word in ("tool", REDACTED) else f"{word}+" for word in words]

    monkeypatch.setattr(redaction, "_redact_words", longer)
    assert redact(("tool", "--key=1")) == ("tool", REDACTED)


@pytest.mark.parametrize("token", SHAPED)
def test_tokens_are_known_by_their_shape(token: str) -> None:
    assert redact(("tool", token, f"in {token}, here")) == ("tool", REDACTED, f"in {REDACTED}, here")


@pytest.mark.parametrize("args", HARMLESS, ids=" ".join)
def test_what_is_no_secret_stays(args: tuple[str, ...]) -> None:
    assert redact(args) == args


def test_names_stay_so_that_the_command_can_be_understood() -> None:
    args = ("mysql", "-u", "me", "--password=Hunter2!", "--host=db", "shop")
    assert redact(args) == ("mysql", "-u", "me", f"--password={REDACTED}", "--host=db", "shop")


def test_a_script_stays_one_that_can_be_read() -> None:
    script = "cd x && curl -u 'me:Hunter2!' -o page host\nenv PGPASSWORD=Hunter2! psql -f 'a b.sql' > out"
    assert redact(("sh", "-c", script))[2] == (
        f"cd x && curl -u me:{REDACTED} -o page host\nenv PGPASSWORD={REDACTED} psql -f 'a b.sql' > out"
    )


SECRETIVE = Process(
    pid=9,
    ppid=8,
    comm="cc1",
    chain=((8, "gcc"), (7, "timeout"), (6, "sh"), (5, "bash")),
    args=("cc1", "--token=hush"),
    chain_args=(("gcc", "--token=hush"), ("timeout", "5", "gcc"), ("sh", "-c", "true"), ("bash",)),
    fds=((0, "/dev/pts/1"), (1, "/mnt/out"), (2, "pipe:[7]")),
    neighbours=(Neighbour(10, ("pipe:[7]", "/dev/null", ""), ("tool", "--token=hush")),),
)
MADE = Event(1.0, Op.WRITE, "out", SECRETIVE)


def test_nothing_that_is_stored_of_a_process_has_its_secrets() -> None:
    (stored,) = Admission().admit(MADE)
    assert "hush" not in repr(stored)
    assert stored.process.neighbours[0].args == ("tool", f"--token={REDACTED}")
    assert Admission().admit(stored) == (stored,)


def test_ancestors_are_stored_up_to_what_decides_about_other_work() -> None:
    (stored,) = Admission().admit(MADE)
    assert [line[0] for line in stored.process.chain_args] == ["gcc", "timeout", "sh"]
    assert stored.process.fds == ((0, ""), (1, "/mnt/out"), (2, "pipe:[7]"))


@pytest.mark.parametrize(
    ("comm", "line", "name"),
    [
        ("build-all", ("/bin/bash", "./build-all"), "bash"),
        ("report", ("/usr/bin/python3", "report", "--fast"), "python3"),
        ("latexmk", ("/usr/bin/perl", "/usr/bin/latexmk", "p"), "latexmk"),
        ("gcc", ("gcc", "-c", "a.c"), "gcc"),
        ("bash", ("bash",), "bash"),
    ],
)
@pytest.mark.parametrize("arguments", [True, False])
def test_a_script_among_the_ancestors_is_known_by_what_runs_it(
    comm: str, line: tuple[str, ...], name: str, arguments: bool
) -> None:
    process = Process(2, 1, "sort", chain=((1, comm), (50, "bash")), chain_args=(line,))
    (stored,) = Admission(arguments=arguments).admit(Event(1.0, Op.WRITE, "a", process))
    assert stored.process.chain == ((1, name), (50, "bash"))


def test_recording_goes_on_without_arguments_that_cannot_be_looked_through(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(args: tuple[str, ...]) -> tuple[str, ...]:
        raise RecursionError(len(args))

    monkeypatch.setattr(admission, "redact", fails)
    admit = Admission().admit
    for event in (MADE, MADE._replace(process=SECRETIVE._replace(pid=10))):
        (stored,) = admit(event)
        assert "hush" not in repr(stored)
        assert stored.process.args == stored.process.neighbours[0].args == (REDACTED,)
        assert stored.process.chain == SECRETIVE.chain
    assert len(caplog.records) == 1
    assert "hush" not in caplog.text


def test_arguments_need_not_be_stored_at_all() -> None:
    (stored,) = Admission(arguments=False).admit(MADE)
    process = stored.process
    assert (process.args, process.chain_args, process.neighbours) == (None, (), ())
    assert process.chain == SECRETIVE.chain
