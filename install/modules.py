"""Copy the packages that requirements.txt names into a folder, as they are installed here: modules.py FOLDER.

Without pip, which one of them names and none needs to run.
"""

from __future__ import annotations

import re
import shutil
import sys
from importlib.metadata import distribution
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    folder = Path(sys.argv[1])
    for name in re.findall(
        r"^([A-Za-z0-9._-]+)==", (ROOT / "requirements.txt").read_text("utf-8"), re.MULTILINE
    ):
        if name == "pip":
            continue
        for file in distribution(name).files or ():
            if ".." in file.parts or "__pycache__" in file.parts:  # commands, and what Python made
                continue
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file.locate(), folder / file)


if __name__ == "__main__":
    main()
