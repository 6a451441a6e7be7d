"""doctor: what this machine lacks, and the mend."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import click

from mycelial.cli import health, machine, options, output
from mycelial.cli.finding import Finding, State
from mycelial.record.display import one_line, printable
from mycelial.record.location import state_dir


@click.command()
@options.as_json
@click.option(
    "--db",
    "database",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="Look at this database instead of all that are kept for this user.",
)
@click.pass_context
def doctor(ctx: click.Context, as_json: bool, database: Path | None) -> None:
    """What this machine lacks, and the mend.

    Also finds mounts whose daemon is gone or that do not record, disks that are full, and databases that
    cannot be used.

    Exit code 1 if something failed.
    """
    findings = list(_findings(database))
    if as_json:
        output.print_json([asdict(finding) for finding in findings])
    else:
        for finding in findings:
            print(f"{finding.state:<6}  {finding.check:<11}  {printable(finding.text)}")
            if finding.mend:
                print(f"        {'':<11}  -> {one_line(finding.mend)}")
    if any(finding.state is State.FAILED for finding in findings):
        ctx.exit(1)


def _findings(database: Path | None) -> Iterator[Finding]:
    yield machine.check_device()
    yield machine.check_fusermount()
    yield machine.check_pyfuse3()
    yield machine.check_core()
    yield machine.check_libfuse()
    capabilities = machine.effective_capabilities(Path("/proc/self/status").read_text())
    yield machine.check_passthrough(os.uname().release, capabilities)
    yield machine.check_allow_other()
    yield machine.check_descriptors()
    looks = health.look_at_mounts(os.fsdecode(Path("/proc/self/mountinfo").read_bytes()))
    yield from health.check_mounts(looks)
    kept = {*state_dir().glob("*.db"), *health.databases_in_use(looks)}
    databases = [database] if database is not None else sorted(kept)
    for path in databases:
        yield health.check_database(path)


COMMANDS = {"doctor": doctor}
