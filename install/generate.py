"""Make the manual pages and the completions for shells out of the programs' own help: generate.py FOLDER.

So they cannot say anything else than the programs. Needs what the command line needs, but not the C core.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from mycelial import __version__  # noqa: E402
from mycelial.cli.main import COMMANDS, mycelial  # noqa: E402
from mycelial.mount import watch  # noqa: E402
from mycelial.mount.main import HELP  # noqa: E402


@dataclass(frozen=True, slots=True)
class Option:
    """One option as it is written, with the name of its value if it takes one."""

    names: tuple[str, ...]
    value: str
    help: str


@dataclass(frozen=True, slots=True)
class Command:
    """A subcommand of `mycelial`: its arguments as usage shows them, paragraphs of help, options."""

    name: str
    arguments: str
    paragraphs: tuple[str, ...]
    options: tuple[Option, ...]


def commands() -> Iterator[Command]:
    """The subcommands, in the order of the help text."""
    context = click.Context(mycelial)
    for name in COMMANDS:
        command = mycelial.get_command(context, name)
        assert command is not None
        yield Command(
            name,
            " ".join(_usage(param) for param in command.params if isinstance(param, click.Argument)),
            tuple(" ".join(part.split()) for part in (command.help or "").split("\n\n")),
            tuple(_option(param) for param in command.params if isinstance(param, click.Option)),
        )


def _usage(argument: click.Argument) -> str:
    text = argument.metavar or (argument.name or "").upper() + ("..." if argument.nargs != 1 else "")
    return text if argument.required else f"[{text}]"


def _option(option: click.Option) -> Option:
    value = "" if option.is_flag or option.count else (option.metavar or option.type.name.upper())
    return Option((*option.opts, *option.secondary_opts), value, " ".join((option.help or "").split()))


def mount_options(text: str) -> Iterator[Option]:
    """The options that a hand-written help text lists."""
    for line in text.splitlines():
        if found := re.match(r"^ +((?:-[^\s,]+(?:, )?)+)(?: ([A-Z][A-Z\[\],.]*))? +(\S.*)$", line):
            yield Option(tuple(found[1].split(", ")), found[2] or "", found[3])


# ---- manual pages


def roff(text: str) -> str:
    """Text as roff takes it literally."""
    escaped = text.replace("\\", r"\e").replace("-", r"\-").replace("'", r"\(aq")
    return re.sub(r"(?m)^([.'])", r"\\&\1", escaped)


def header(name: str, section: int, summary: str) -> str:
    return (
        f'.TH {name.upper()} {section} "" "mycelial {__version__}" "Mycelial"\n'
        f".SH NAME\n{roff(name)} \\- {roff(summary)}\n"
    )


def option_list(options: tuple[Option, ...]) -> str:
    lines = []
    for option in options:
        names = ", ".join(rf"\fB{roff(name)}\fR" for name in option.names)
        value = rf" \fI{roff(option.value)}\fR" if option.value else ""
        lines.append(f".TP\n{names}{value}\n{roff(option.help)}\n")
    return "".join(lines)


def paragraphs(texts: Sequence[str]) -> str:
    return ".PP\n".join(f"{roff(text)}\n" for text in texts)


def page_of_the_command() -> str:
    """mycelial(1)."""
    text = header("mycelial", 1, "ask which files belong together")
    text += ".SH SYNOPSIS\n\\fBmycelial\\fR \\fICOMMAND\\fR [\\fIOPTION\\fR...] [\\fIARGUMENT\\fR...]\n"
    text += ".SH DESCRIPTION\n"
    text += paragraphs([" ".join(part.split()) for part in (mycelial.help or "").split("\n\n")])
    own = tuple(_option(param) for param in mycelial.params if isinstance(param, click.Option))
    text += ".SH OPTIONS\n" + option_list(own) + ".SH COMMANDS\n"
    for command in commands():
        text += f".SS mycelial {roff(command.name)} {roff(command.arguments)}\n"
        text += paragraphs(command.paragraphs)
        text += option_list(command.options)
    return text + ".SH SEE ALSO\n\\fBmycelial\\-mount\\fR(8)\n"


def page_of_a_help_text(name: str, summary: str, text: str, more: str) -> str:
    """A page of section 8: the usage, the sentences, the options, and what the help has no room for."""
    usage, _, rest = text.partition("\n\n")
    sentences = " ".join(line for line in rest.split("\n  ")[0].splitlines())
    words = usage.removeprefix("usage: ").replace(name, "", 1).strip()
    page = header(name, 8, summary)
    page += f".SH SYNOPSIS\n\\fB{roff(name)}\\fR {roff(words)}\n.SH DESCRIPTION\n{roff(sentences.strip())}\n"
    return page + ".SH OPTIONS\n" + option_list(tuple(mount_options(text))) + more


MOUNT_MORE = """\
.SH MOUNTING BY TYPE
\\fBmount.fuse.mycelial\\fR is called by \\fBmount\\fR(8) for the type fuse.mycelial,
so a line of \\fI/etc/fstab\\fR does too:
.PP
.EX
/home/share/papers /srv/papers fuse.mycelial allow_other,nofail 0 0
.EE
.PP
Each long option is a word for \\fB\\-o\\fR; \\fBsetuid=\\fR\\fIUSER\\fR mounts as that user.
.SH SERVICES
With \\fB\\-f\\fR in a unit of systemd with Type=notify, the manager is told when the mount
answers, how it is (STATUS), and that its loop lives (WatchdogSec=). SIGTERM unmounts and stores
what was recorded.
.SH FILES
.TP
\\fI/var/lib/mycelial\\fR
root's databases; a user's own are in \\fI~/.local/state/mycelial\\fR
.TP
\\fI/etc/mycelial/config.toml\\fR
root's settings; a user's own are in \\fI~/.config/mycelial/config.toml\\fR
.SH SEE ALSO
\\fBmycelial\\fR(1), \\fBmycelial\\-watch\\fR(8), \\fBfusermount3\\fR(1), \\fBmount\\fR(8)
"""
WATCH_MORE = ".SH SEE ALSO\n\\fBmycelial\\-mount\\fR(8), \\fBsystemd.mount\\fR(5)\n"


def pages() -> dict[str, str]:
    """Names and texts of all manual pages."""
    mount = page_of_a_help_text(
        "mycelial-mount", "show a directory and notice which files belong together", HELP, MOUNT_MORE
    )
    notice = "notice that the daemon behind a mount died"
    return {
        "man/mycelial.1": page_of_the_command(),
        "man/mycelial-mount.8": mount,
        "man/mycelial-watch.8": page_of_a_help_text("mycelial-watch", notice, watch.HELP, WATCH_MORE),
        **{
            f"man/{helper}.{kind}.8": ".so man8/mycelial-mount.8\n"
            for helper in ("mount", "umount")
            for kind in ("fuse.mycelial", "mycelial")
        },
    }


# ---- completions


def flags(options: tuple[Option, ...]) -> list[str]:
    return sorted({name for option in options for name in option.names} | {"--help"})


def bash() -> str:
    """For bash-completion: commands, then their options; everything else is a file."""
    cases = "".join(f'        {one.name}) words="{" ".join(flags(one.options))}" ;;\n' for one in commands())
    return f"""# bash completion for mycelial
_mycelial() {{
    local current=${{COMP_WORDS[COMP_CWORD]}} command='' words='' word
    COMPREPLY=()
    for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
        [[ $word == -* ]] || {{ command=$word && break; }}
    done
    case $command in
        '') words="{" ".join([*COMMANDS, "--debug", "--help", "--version"])}" ;;
{cases}    esac
    if [[ -z $command || $current == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
    else
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -f -- "$current")
    fi
}}
complete -F _mycelial mycelial
"""


def bash_mount() -> str:
    words = " ".join(flags(tuple(mount_options(HELP))))
    return f"""# bash completion for mycelial-mount
_mycelial_mount() {{
    local current=${{COMP_WORDS[COMP_CWORD]}}
    COMPREPLY=()
    if [[ $current == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "{words}" -- "$current")
    else
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -d -- "$current")
    fi
}}
complete -F _mycelial_mount mycelial-mount mount.fuse.mycelial
"""


def _quoted(text: str) -> str:
    return text.replace("'", "").replace("[", "(").replace("]", ")").replace(":", "\\:")


def _first_sentence(text: str) -> str:
    return text.split(". ")[0].rstrip(".")


def _zsh_options(options: tuple[Option, ...]) -> str:
    specs = []
    for option in options:
        value = f":{_quoted(option.value)}:_files" if option.value else ""
        specs += [
            f"'*{name}[{_quoted(option.help)}]{value}'" for name in option.names if name.startswith("-")
        ]
    return " ".join(specs)


def zsh() -> str:
    """For zsh: both programs in one file."""
    described = " ".join(f"'{one.name}:{_quoted(_first_sentence(one.paragraphs[0]))}'" for one in commands())
    cases = "".join(
        f"    {one.name}) _arguments {_zsh_options(one.options)} '*:file:_files' ;;\n" for one in commands()
    )
    return f"""#compdef mycelial mycelial-mount mount.fuse.mycelial
if [[ $service != mycelial ]]; then
    _arguments {_zsh_options(tuple(mount_options(HELP)))} '*:directory:_files -/'
    return
fi
local -a described
described=({described})
if (( CURRENT == 2 )); then
    _describe command described
    return
fi
local chosen=$words[2]
shift words
(( CURRENT-- ))
case $chosen in
{cases}esac
"""


def _fish_option(program: str, condition: str, option: Option) -> str:
    words = []
    for name in option.names:
        if name.startswith("--"):
            words.append(f"-l {name[2:]}")
        elif re.fullmatch(r"-\w", name):
            words.append(f"-s {name[1]}")
    value = " -r" if option.value else ""
    text = option.help.replace("\\", "").replace("'", "")
    return f"complete -c {program}{condition} {' '.join(words)}{value} -d '{text}'\n" if words else ""


def fish() -> str:
    text = "# fish completion for mycelial\n"
    for command in commands():
        summary = _first_sentence(command.paragraphs[0]).replace("'", "")
        text += f"complete -c mycelial -n __fish_use_subcommand -a {command.name} -d '{summary}'\n"
        for option in command.options:
            text += _fish_option("mycelial", f" -n '__fish_seen_subcommand_from {command.name}'", option)
    return text


def fish_mount() -> str:
    return "# fish completion for mycelial-mount\n" + "".join(
        _fish_option("mycelial-mount", "", option) for option in mount_options(HELP)
    )


def completions() -> dict[str, str]:
    """Names and texts of all completions."""
    return {
        "completions/mycelial.bash": bash(),
        "completions/mycelial-mount.bash": bash_mount(),
        "completions/_mycelial": zsh(),
        "completions/mycelial.fish": fish(),
        "completions/mycelial-mount.fish": fish_mount(),
    }


if __name__ == "__main__":
    for file, content in {**pages(), **completions()}.items():
        path = Path(sys.argv[1], file)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, "utf-8")
