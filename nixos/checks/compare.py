"""Compare what was evaluated with what is committed: units, tmpfiles' rules, the options in docs/nixos.md.

    compare.py TESTS.json OPTIONS.md UNITS [--update]

UNITS is the folder for the units as they are, with store paths, to be run. What is committed has no hashes.
"""

from __future__ import annotations

import ast
import difflib
import json
import re
import shutil
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
EXPECTED = HERE / "units"
DOCUMENT = HERE.parent.parent / "docs" / "nixos.md"
BEGIN, END = "<!-- options: begin -->\n", "<!-- options: end -->\n"


def files_of(tests: dict[str, dict[str, object]]) -> dict[str, str]:
    """Relative paths and contents of all that the machines get."""
    files: dict[str, str] = {}
    for test, description in tests.items():
        ast.parse(str(description["script"]), filename=f"{test}: testScript")
        nodes = description["nodes"]
        assert isinstance(nodes, dict)
        for node, machine in nodes.items():
            if machine["warnings"]:
                sys.exit(f"{test}.{node}: {machine['warnings']}")
            folder = f"{test}/{node}"
            for kind, place in (("units", "system"), ("userUnits", "user")):
                files.update({f"{folder}/{place}/{name}": text for name, text in machine[kind].items()})
            if machine["tmpfiles"]:
                files[f"{folder}/tmpfiles.conf"] = "\n".join(machine["tmpfiles"]) + "\n"
    return files


def main() -> None:
    tests, options, units = json.loads(Path(sys.argv[1]).read_text()), Path(sys.argv[2]), Path(sys.argv[3])
    update = "--update" in sys.argv[4:]
    files = files_of(tests)
    shutil.rmtree(units, ignore_errors=True)
    for name, text in files.items():
        (units / name).parent.mkdir(parents=True, exist_ok=True)
        (units / name).write_text(text)

    found = {name: re.sub(r"/nix/store/[a-z0-9]{32}-", "/nix/store/", text) for name, text in files.items()}
    document = DOCUMENT.read_text()
    before, _, rest = document.partition(BEGIN)
    current, _, after = rest.partition(END)
    if update:
        shutil.rmtree(EXPECTED, ignore_errors=True)
        for name, text in found.items():
            (EXPECTED / name).parent.mkdir(parents=True, exist_ok=True)
            (EXPECTED / name).write_text(text)
        DOCUMENT.write_text(f"{before}{BEGIN}{options.read_text()}{END}{after}")
        return
    expected = {
        str(path.relative_to(EXPECTED)): path.read_text() for path in EXPECTED.rglob("*") if path.is_file()
    }
    expected["docs/nixos.md"], found["docs/nixos.md"] = current, options.read_text()
    different = False
    for name in sorted(expected.keys() | found.keys()):
        lines = difflib.unified_diff(
            expected.get(name, "").splitlines(),
            found.get(name, "").splitlines(),
            name,
            "evaluated",
            lineterm="",
        )
        for line in lines:
            different = True
            print(line)
    if different:
        sys.exit("not as committed: see above; nixos/checks/run --update takes it over")


if __name__ == "__main__":
    main()
