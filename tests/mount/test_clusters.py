"""Pieces of work on a real mount: found while work goes on, and told apart by their terminals."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from tests.mount.actor import run_apart
from tests.mount.mounted import Mounted, processes_naming, wait_until
from tests.mount.recorded import mycelial

WORK = """
for round in 1 2; do
    for file in {files}; do echo $round >> $file; cat $file > /dev/null; done
    sleep 0.2
done
"""


def work(mount: Mounted, *projects: str) -> None:
    """Work on several lists of files at the same time, each in a session of its own."""
    shells = [
        subprocess.Popen(
            ["/bin/bash", "-c", WORK.format(files=files)], cwd=mount.mountpoint, start_new_session=True
        )
        for files in projects
    ]
    assert [shell.wait(60) for shell in shells] == [0] * len(projects)


def test_two_projects_at_the_same_time_become_two_clusters(mount: Mounted) -> None:
    for directory in ("thesis", "tool"):
        (mount.source / directory).mkdir()
    work(mount, "thesis/intro.tex thesis/method.tex thesis/refs.bib", "tool/parse.c tool/parse.h")
    clusters = mount.mountpoint / ".mycelial" / "clusters"
    found: list[str] = wait_until(
        lambda: len(names := run_apart(os.listdir, clusters)) == 2 and sorted(names), what="two clusters"
    )
    assert found == ["thesis", "tool"]
    for label, size in (("thesis", 3), ("tool", 2)):
        links = run_apart(os.listdir, clusters / label)
        targets = {str(Path(os.path.realpath(clusters / label / link)).parent.name) for link in links}
        assert len(links) == size
        assert targets == {label}
        assert run_apart(os.getxattr, mount.mountpoint / label / links[0][3:], "user.mycelial.cluster") == (
            label.encode() + b"\n"
        )
    told = json.loads(mycelial("clusters", "--json", mount.mountpoint).stdout)
    assert {cluster["label"]: len(cluster["members"]) for cluster in told} == {"thesis": 3, "tool": 2}
    (session,) = json.loads(mycelial("sessions", "--json", mount.mountpoint).stdout)
    assert session["label"] == "thesis, tool"
    day = mount.mountpoint / ".mycelial" / "sessions" / session["day"]
    assert run_apart(os.listdir, day) == [session["name"]]
    assert len(run_apart(os.listdir, day / session["name"])) == 5
    found = mount.mountpoint / ".mycelial" / "search" / "Parse C"
    first, *others = sorted(run_apart(os.listdir, found))
    assert os.path.realpath(found / first) == str(mount.mountpoint / "tool" / "parse.c")
    assert others
    mount.unmount()
    assert not processes_naming(str(mount.mountpoint.parent))
