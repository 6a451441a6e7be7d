"""What is recorded of commands: their ancestors, the rest of their pipeline, and where their streams lead."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.mount.mounted import Mounted
from tests.mount.recorded import Event, events, shell, told, wait_for_events


@pytest.fixture
def in_mount(mount: Mounted) -> Path:
    """The mountpoint of a mount with two files."""
    (mount.source / "in.txt").write_text("b\na\n")
    (mount.source / "other.txt").write_text("c\n")
    return mount.mountpoint


def written(command: str, path: str, mount: Mounted, program: str = "/bin/bash") -> Event:
    """Run a command line; the last event of the file that it writes."""
    shell(command, mount, program)
    log = wait_for_events(mount, lambda log: "write" in told(log, path))
    return [event for event in log if event["path"] == path and event["op"] == "write"][-1]


def streams(event: Event) -> dict[int, str]:
    return {number: target.rpartition("/")[2] for number, target in event.get("fds", ())}


def test_a_pass_of_the_compiler_is_recorded_with_its_drivers_command_line(mount: Mounted) -> None:
    (mount.source / "a.c").write_text("int a;\n")
    event = written("gcc -c a.c -o a.o; true", "a.o", mount)
    assert event["comm"] == "as"
    assert event["chain_args"][0] == ["gcc", "-c", "a.c", "-o", "a.o"]


def test_a_long_command_line_is_recorded_whole_and_of_an_endless_one_it_is_said(mount: Mounted) -> None:
    (mount.source / "a.c").write_text("int a;\n")
    many, endless = ([f"-DNUMBER_{number}={number}" for number in range(count)] for count in (400, 4000))
    line = ["gcc", *many, "-c", "a.c", "-o", "a.o"]
    event = written(f"{' '.join(line)}; true", "a.o", mount)
    assert event["chain_args"][0] == line
    event = written(f"gcc {' '.join(endless)} -c a.c -o b.o; true", "b.o", mount)
    assert (event["chain_args"][0][:2], event["chain_args"][0][-1]) == (["gcc", endless[0]], "[cut]")


def test_redirections_are_known_after_the_program_has_closed_them(mount: Mounted, in_mount: Path) -> None:
    event = written("sort < in.txt > out.txt 2> err.txt; true", "out.txt", mount)
    assert event["args"] == ["sort"]
    assert streams(event) == {0: "in.txt", 1: "out.txt", 2: "err.txt"}


def test_appending_redirections_are_known(mount: Mounted, in_mount: Path) -> None:
    event = written("tr a b < other.txt >> in.txt; true", "in.txt", mount)
    assert (event["args"], streams(event)[1]) == (["tr", "a", "b"], "in.txt")


def test_where_a_shells_input_leads_is_known_when_it_opens_a_file_to_add_to_it(
    mount: Mounted, in_mount: Path
) -> None:
    script = mount.source.parent / "script"
    known = "[ -e other.txt ]"  # to the kernel, which asks for a mere opening then
    script.write_text(f"while read -r x; do echo $x; done < in.txt > out.txt\n{known}\necho y >> other.txt\n")
    event = written(f"bash {script} < /dev/null > /dev/null 2>&1; true", "other.txt", mount)
    assert streams(event)[0] != "in.txt"


def test_a_program_that_leaves_its_output_to_its_end_is_known_by_its_command_line(
    mount: Mounted, in_mount: Path
) -> None:
    event = written("perl -e 'select undef, undef, undef, 0.3; print 1' > out.txt; true", "out.txt", mount)
    assert (event["comm"], event["args"][0]) == ("perl", "perl")


def test_filters_that_touch_no_file_are_recorded_with_their_neighbours(
    mount: Mounted, in_mount: Path
) -> None:
    event = written("cat in.txt | tr a z | sort -r > out.txt; true", "out.txt", mount)
    between = [other for other in event["neighbours"] if other["args"] == ["tr", "a", "z"]]
    assert between
    assert between[0]["streams"][1] == dict(event["fds"])[0]


def test_a_substitution_is_joined_by_the_pipe_that_it_names(mount: Mounted, in_mount: Path) -> None:
    event = written("sort <(cut -c1 in.txt) <(cut -c1 other.txt) > out.txt; true", "out.txt", mount)
    cuts = [other for other in events(mount) if other["comm"] == "cut"]
    assert len(cuts) == 2
    for cut in cuts:
        assert set(cut["pipe_out"]) & set(event["pipe_in"])


def test_a_pipe_may_be_named_by_its_place_in_proc(mount: Mounted, in_mount: Path) -> None:
    event = written("sort /proc/self/fd/9 9< <(cut -c1 in.txt) > out.txt; true", "out.txt", mount)
    cut = next(other for other in events(mount) if other["comm"] == "cut")
    assert set(cut["pipe_out"]) & set(event["pipe_in"])


def test_secrets_on_command_lines_are_not_recorded(mount: Mounted, in_mount: Path) -> None:
    (mount.source / "tool").write_text("#!/bin/sh\ncat in.txt > out.txt; true\n")
    (mount.source / "tool").chmod(0o755)
    written(
        "./tool --password=Hush1 -H 'Authorization: Bearer Hush2Hush2' https://me:Hush3@host",
        "out.txt",
        mount,
    )
    mount.unmount()
    assert "Hush" not in str(events(mount))
    assert b"Hush" not in mount.database.read_bytes()


def test_command_lines_need_not_be_recorded(new_mount: Callable[..., Mounted], workspace: Path) -> None:
    config = workspace / "config.toml"
    config.write_text("record_arguments = false\n")
    mount = new_mount("--config", str(config))
    (mount.source / "in.txt").write_text("x")
    event = written("cat in.txt | tr a b > out.txt; true", "out.txt", mount)
    assert not {"args", "chain_args", "neighbours"} & event.keys()


def test_a_shell_that_becomes_another_of_its_name_is_known_by_what_that_is_told(
    mount: Mounted, in_mount: Path
) -> None:
    (mount.source / "run.sh").write_text("sort in.txt | uniq\n")
    written("bash run.sh > out.txt 2>&1; true", "out.txt", mount)
    (reading,) = [event for event in events(mount) if event["path"] == "run.sh"]
    assert reading["args"] == ["bash", "run.sh"]
    assert streams(reading)[1] == "out.txt"
