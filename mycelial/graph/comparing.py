"""Whether the relations are those that follow from the log: everything is derived again, and compared."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from mycelial.graph.rebuild import derive_again
from mycelial.store.backup import back_up
from mycelial.store.compare import derived_differences, is_comparable, log_size
from mycelial.store.writer import Writer


def differences(db: Path, progress: Callable[[int], None]) -> Iterator[str]:
    """Yield a line for each table that differs from what the log gives; `progress` is told of thousandths.

    A log that was pruned says too little for that, and an older version derived less from it; until the
    next rebuild there is nothing to compare then.

    Raises
    ------
    StoreError
        The database cannot be read, or there is no room for two copies of it where temporary files go.
    """
    with TemporaryDirectory(prefix="mycelial-check-") as directory:
        copy, again = Path(directory) / "copy.db", Path(directory) / "again.db"
        back_up(db, copy, lambda done, total: None)
        if not is_comparable(copy):
            return
        shutil.copyfile(copy, again)
        size = max(1, log_size(copy))
        with Writer(again) as writer:
            writer.begin()
            writer.drop_derived()
            derive_again(writer, lambda done: progress(1000 * done // size))
            writer.commit()
        yield from derived_differences(copy, again)
