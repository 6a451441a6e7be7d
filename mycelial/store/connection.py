"""The open database, as all that asks or writes is given it.

Nearly all of that is SQL on the connection.  What looks at the tables themselves has sqlite-utils for it,
which is loaded then: that takes as long as half of what else an engine needs, and a mount has two processes
that ask or write.
"""

from __future__ import annotations

import sqlite3
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite_utils


class Database:
    """A connection, and the tables behind it."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.conn = connection

    @cached_property
    def tables(self) -> sqlite_utils.Database:
        """The same for sqlite-utils; to look for its plugins would take longer than most questions."""
        import sqlite_utils

        return sqlite_utils.Database(self.conn, execute_plugins=False)
