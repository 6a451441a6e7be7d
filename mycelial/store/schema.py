"""The tables, and what each column means: the comments below are the documentation of the database.

SQLite keeps the text of CREATE TABLE as written, so the comments also show in Datasette and in
``sqlite3 FILE .schema``.  There are two halves.  The *log* (``event``, ``log_path``, ``log_process``)
is the truth and is only ever appended to.  Everything else is *derived*: it can be dropped and made
again from the log, so it needs no care when its shape changes.
"""

from __future__ import annotations

import re
import sqlite3

from mycelial.store.connection import Database

_MUTE = """
-- Pairs that a user said are not related (by removing a link in related/).
CREATE TABLE mute (
    uid INTEGER NOT NULL,
    a INTEGER NOT NULL REFERENCES log_path(id),
    b INTEGER NOT NULL REFERENCES log_path(id),
    after INTEGER NOT NULL,      -- number of the last event by then: the names mean what they meant there
    PRIMARY KEY (uid, a, b)
) WITHOUT ROWID;
CREATE INDEX log_process_uid ON log_process(uid);
"""

STEPS: tuple[str, ...] = (
    f"""
ALTER TABLE touch ADD COLUMN tree INTEGER NOT NULL DEFAULT 0;
ALTER TABLE log_process ADD COLUMN chain_args TEXT;
ALTER TABLE log_process ADD COLUMN fds TEXT;
ALTER TABLE log_process ADD COLUMN neighbours TEXT;
ALTER TABLE recipe ADD COLUMN steps TEXT;
ALTER TABLE file ADD COLUMN changed REAL;
{_MUTE}
""",
    """
ALTER TABLE usage ADD COLUMN habitual REAL NOT NULL DEFAULT 0;
""",
    """
ALTER TABLE usage ADD COLUMN kept INTEGER NOT NULL DEFAULT 0;
UPDATE usage SET kept = (SELECT count(DISTINCT episode) FROM touch JOIN episode ON episode.id = episode
    WHERE touch.file = usage.file AND episode.uid = usage.uid AND versions AND NOT open) WHERE file > 0;
UPDATE usage SET kept = (SELECT count(DISTINCT episode) FROM touch JOIN episode ON episode.id = episode
    WHERE episode.uid = usage.uid AND versions AND NOT open) WHERE file = 0;
""",
    """
ALTER TABLE touch ADD COLUMN made INTEGER NOT NULL DEFAULT 0;
ALTER TABLE log_process ADD COLUMN same_input INTEGER NOT NULL DEFAULT 0;
""",
)
"""Scripts that bring the tables of an older database up to date: the first from version 1 to 2, and so on.

Tables, indexes and views of the derived half that are missing after them are made by themselves.
"""

VERSION = 1 + len(STEPS)
"""Kept in ``PRAGMA user_version``; raised with every change of the tables."""

_FIRST_LOG = """
-- The event log: one row for each access, in the order of arrival.
CREATE TABLE event (
    id INTEGER PRIMARY KEY,      -- order of arrival; never used twice
    t REAL NOT NULL,             -- seconds since the epoch
    op TEXT NOT NULL,            -- open, read, write, create, rename, unlink, link or exec
    path INTEGER NOT NULL REFERENCES log_path(id),
    "to" INTEGER REFERENCES log_path(id),  -- new name (rename and link only)
    process INTEGER NOT NULL REFERENCES log_process(id)
);

-- Every path that the log ever named, once; what the path stands for today is table file's business.
CREATE TABLE log_path (
    id INTEGER PRIMARY KEY,
    path NOT NULL UNIQUE         -- relative to the mount root; a BLOB where the bytes are not UTF-8
);

-- Processes as they were seen: one row for each state (an exec or a new pipe makes a new row).
CREATE TABLE log_process (
    id INTEGER PRIMARY KEY,
    digest BLOB NOT NULL UNIQUE, -- of all columns that follow, so that a state is stored once
    pid INTEGER NOT NULL,
    ppid INTEGER NOT NULL,
    comm NOT NULL,               -- the kernel's name of the program, at most 15 bytes
    uid INTEGER NOT NULL,        -- whose access it was
    start INTEGER,               -- clock ticks since boot; with pid it names the process
    sid INTEGER,                 -- session
    pgid INTEGER,                -- process group
    exe,                         -- absolute path of the program
    cwd,                         -- absolute working directory
    cgroup,
    args TEXT,                   -- command line, a JSON array
    chain TEXT,                  -- ancestors from the parent upwards, a JSON array of [pid, comm]
    pipe_in TEXT,                -- pipes on standard input, a JSON array
    pipe_out TEXT,               -- pipes on standard output, a JSON array
    chain_args TEXT,             -- command lines of the nearest ancestors, a JSON array of arrays
    fds TEXT,                    -- where standard streams lead, a JSON array of [number, target]
    neighbours TEXT,             -- rest of its pipeline: JSON arrays of pid and arrays of targets and words
    same_input INTEGER NOT NULL DEFAULT 0 -- how many of the nearest ancestors have its standard input
);

-- A few facts about the database itself.
CREATE TABLE meta (
    key TEXT PRIMARY KEY,        -- landmark: time of the first event, from which weights grow; pruned:
                                 -- events that went since all was derived; unswept: since names were
                                 -- last_event: highest number of an event that was removed
                                 -- migrated: version of the tables in which some of it was derived
                                 -- paused: recording rests until then, in seconds since the epoch
                                 -- paused UID: that of one user rests
                                 -- message: a mount, and the last of its messages that is stored
    value
);

-- The log with its references looked up, for reading by people.
CREATE VIEW events AS
    SELECT event.id, datetime(event.t, 'unixepoch') AS utc, event.op, p.path, q.path AS "to",
           process.comm, process.pid, process.uid, event.t
    FROM event
    JOIN log_path AS p ON p.id = event.path
    LEFT JOIN log_path AS q ON q.id = event."to"
    JOIN log_process AS process ON process.id = event.process;
"""
LOG = _FIRST_LOG + _MUTE

DERIVED = """
-- Files and directories by identity.  Renaming a directory changes one row.
CREATE TABLE file (
    id INTEGER PRIMARY KEY,      -- stays when the file is renamed, saved by rename, or made again
    parent INTEGER REFERENCES file(id),  -- NULL: the mount root, or a name taken over by another file
    name NOT NULL,               -- last part of the path; a BLOB where the bytes are not UTF-8
    gone INTEGER NOT NULL DEFAULT 0,     -- 1: removed; the row waits in case the name comes back
    transient INTEGER NOT NULL DEFAULT 0,  -- 1: removed by the very process that made it; not shown
    born REAL,                   -- when it was seen to be created; NULL: it was there before
    maker INTEGER,               -- number of the process (in the engine's working state) that created it
    remover INTEGER,             -- number of the process that removed it last
    changed REAL,                -- when its content changed last; NULL: not since the record began
    UNIQUE (parent, name)
);
INSERT INTO file (id, name) VALUES (0, '');

-- Words in names: for searching.
CREATE TABLE word (
    word TEXT NOT NULL,          -- in lower case
    file INTEGER NOT NULL REFERENCES file(id),  -- a file or directory with the word in its own name
    PRIMARY KEY (word, file)
) WITHOUT ROWID;

-- How much a user worked with a file; file 0, the mount root, stands for all files together.
CREATE TABLE usage (
    file INTEGER NOT NULL REFERENCES file(id),
    uid INTEGER NOT NULL,
    weight REAL NOT NULL,        -- sum of its weights over closed episodes, grown from the landmark
    episodes INTEGER NOT NULL,   -- closed episodes that it was part of; of file 0, all that had files
    last REAL NOT NULL,          -- seconds since the epoch
    habitual REAL NOT NULL DEFAULT 0,  -- of its episodes, those in which only habit took it up (graph/habits)
    kept INTEGER NOT NULL DEFAULT 0,  -- of its episodes, those in which version control took it up
    PRIMARY KEY (file, uid)
) WITHOUT ROWID;

-- One burst of work of one user.
CREATE TABLE episode (
    id INTEGER PRIMARY KEY,
    uid INTEGER NOT NULL,
    started REAL NOT NULL,
    ended REAL NOT NULL,         -- time of its last event so far
    open INTEGER NOT NULL        -- 1: still going on; its evidence is not yet in together and next
);
CREATE INDEX episode_open ON episode(uid) WHERE open;
CREATE INDEX episode_started ON episode(uid, started);

-- Which files an episode touched, and how.
CREATE TABLE touch (
    episode INTEGER NOT NULL REFERENCES episode(id),
    file INTEGER NOT NULL REFERENCES file(id),
    burst INTEGER NOT NULL,      -- run of accesses of one program; dropped as a whole if it is a sweep
    program NOT NULL,
    first REAL NOT NULL,
    last REAL NOT NULL,
    reads INTEGER NOT NULL,
    writes INTEGER NOT NULL,
    versions INTEGER NOT NULL,   -- 1: the program was version control: its files are one change
    tree INTEGER NOT NULL DEFAULT 0,  -- pid at the top of its process tree; 0: not known
    made INTEGER NOT NULL DEFAULT 0,  -- of its writes, those that made it from other files
    PRIMARY KEY (episode, file, burst)
) WITHOUT ROWID;
CREATE INDEX touch_file ON touch(file, episode);

-- Evidence that two files are used in the same episodes.  Each pair stands here twice, (a, b) and (b, a),
-- but not for a file that has many better ones: its best 64 are kept, of next, too.
CREATE TABLE together (
    a INTEGER NOT NULL REFERENCES file(id),
    uid INTEGER NOT NULL,
    b INTEGER NOT NULL REFERENCES file(id),
    weight REAL NOT NULL,        -- sum of weight(a) * weight(b) / (n - 1), grown from the landmark
    episodes INTEGER NOT NULL,   -- closed episodes with both
    last REAL NOT NULL,          -- seconds since the epoch
    episode INTEGER NOT NULL,    -- the latest such episode
    PRIMARY KEY (a, uid, b)
) WITHOUT ROWID;

-- Evidence that b is usually taken up soon after a.
CREATE TABLE next (
    a INTEGER NOT NULL REFERENCES file(id),
    uid INTEGER NOT NULL,
    b INTEGER NOT NULL REFERENCES file(id),
    weight REAL NOT NULL,        -- sum over the times, grown from the landmark
    count INTEGER NOT NULL,      -- how often
    last REAL NOT NULL,
    program NOT NULL,            -- what took up b the last time
    PRIMARY KEY (a, uid, b)
) WITHOUT ROWID;

-- Provenance: what the present content of a file was made from, directly.
CREATE TABLE source (
    product INTEGER NOT NULL REFERENCES file(id),
    source INTEGER NOT NULL REFERENCES file(id),
    uid INTEGER NOT NULL,        -- who made it
    t REAL NOT NULL,             -- when the source was last read for it
    program NOT NULL,            -- what read the source
    count INTEGER NOT NULL,      -- generations of the product made from this source
    PRIMARY KEY (product, source)
) WITHOUT ROWID;
CREATE INDEX source_source ON source(source);

-- How the present content of a file was made.
CREATE TABLE recipe (
    product INTEGER PRIMARY KEY REFERENCES file(id),
    uid INTEGER NOT NULL,
    t REAL NOT NULL,             -- when it was finished
    generation INTEGER NOT NULL, -- how often it was made anew
    process INTEGER REFERENCES log_process(id),  -- who made it: the top of the unit of work
    writer INTEGER NOT NULL REFERENCES log_process(id),  -- who wrote it
    steps TEXT                   -- the commands and what they read, JSON: mycelial/record/steps.py
);

-- Programs that walked over everything: they say nothing about what belongs together.
CREATE TABLE sweep (
    burst INTEGER PRIMARY KEY,   -- the run of accesses
    uid INTEGER NOT NULL,
    program NOT NULL,
    started REAL NOT NULL,
    ended REAL NOT NULL,         -- seconds since the epoch
    files INTEGER NOT NULL       -- accesses that were left out of together and next
);

-- Pieces of work: groups of files that one user uses together and apart from the others.
CREATE TABLE cluster (
    id INTEGER PRIMARY KEY,      -- stays while most of its files stay together
    uid INTEGER NOT NULL,
    label NOT NULL,              -- what people call it; no two of a user's are the same
    files INTEGER NOT NULL,      -- members
    named INTEGER NOT NULL,      -- members when it got its label
    UNIQUE (uid, label)
);

-- Which piece of work a file belongs to; a file that belongs to none has no row.
CREATE TABLE member (
    file INTEGER NOT NULL REFERENCES file(id),
    uid INTEGER NOT NULL,
    cluster INTEGER NOT NULL REFERENCES cluster(id),
    rank INTEGER NOT NULL,       -- half doublings of its weight among the others, grown from the landmark
    PRIMARY KEY (file, uid)
) WITHOUT ROWID;
CREATE INDEX member_cluster ON member(cluster, rank DESC, file);

-- The files that most other work draws upon.
CREATE TABLE hub (
    uid INTEGER NOT NULL,
    place INTEGER NOT NULL,      -- 1 is the first
    file INTEGER NOT NULL REFERENCES file(id),
    score REAL NOT NULL,         -- centrality, as a multiple of the mean
    others INTEGER NOT NULL,     -- files that were worked on with its help
    PRIMARY KEY (uid, place)
) WITHOUT ROWID;

-- Pairs that a user said are not related, by file, each pair twice.
CREATE TABLE muted (
    uid INTEGER NOT NULL,
    a INTEGER NOT NULL REFERENCES file(id),
    b INTEGER NOT NULL REFERENCES file(id),
    PRIMARY KEY (uid, a, b)
) WITHOUT ROWID;

-- Working state of the engine between two events, so that it can be killed at any moment.
CREATE TABLE work (
    kind TEXT NOT NULL,          -- which part of the engine: a burst, a process, a counter …
    key TEXT NOT NULL,           -- which one: a number, or JSON
    value TEXT NOT NULL,         -- JSON
    PRIMARY KEY (kind, key)
) WITHOUT ROWID;

-- Files with their full paths.
CREATE VIEW files AS
    WITH RECURSIVE path(id, path, gone) AS (
        SELECT id, name, gone FROM file WHERE parent = 0
        UNION ALL
        SELECT file.id, path.path || '/' || file.name, file.gone OR path.gone
        FROM file JOIN path ON file.parent = path.id
    )
    SELECT path.id, path.path, path.gone FROM path;

-- Provenance by path.
CREATE VIEW source_paths AS
    SELECT p.path AS product, s.path AS source, source.program, source.count,
           datetime(source.t, 'unixepoch') AS utc, source.uid
    FROM source JOIN files AS p ON p.id = source.product JOIN files AS s ON s.id = source.source;

-- Pieces of work by path.
CREATE VIEW cluster_paths AS
    SELECT cluster.label, files.path, cluster.id, cluster.uid
    FROM member JOIN cluster ON cluster.id = member.cluster JOIN files ON files.id = member.file;

-- What is used together, by path, each pair once.
CREATE VIEW together_paths AS
    SELECT p.path AS a, q.path AS b, together.episodes,
           datetime(together.last, 'unixepoch') AS utc, together.uid
    FROM together JOIN files AS p ON p.id = together.a JOIN files AS q ON q.id = together.b
    WHERE together.a < together.b;
"""

_DERIVED_TABLES = (
    "word",
    "file",
    "usage",
    "episode",
    "touch",
    "together",
    "next",
    "source",
    "recipe",
    "sweep",
    "member",
    "cluster",
    "hub",
    "muted",
    "work",
)


def create(database: Database) -> None:
    """Make all tables in an empty file."""
    _script(database, LOG, 0)


def migrate(database: Database, version: int) -> None:
    """Bring the tables of an older `version` to the present one, all steps or none; make what is missing."""
    if version < VERSION or not all(_is_there(database.conn, made) for made in statements(DERIVED)):
        _script(database, "\n".join(STEPS[version - 1 :]), version)


def drop_derived(database: Database) -> None:
    """Empty the derived half; inside the caller's transaction."""
    for view in ("together_paths", "cluster_paths", "source_paths", "files"):
        database.conn.execute(f"DROP VIEW IF EXISTS {view}")
    for table in _DERIVED_TABLES:
        database.conn.execute(f"DROP TABLE IF EXISTS {table}")
    for statement in statements(DERIVED):
        database.conn.execute(statement)
    # Nothing is left that is not in the log, or that an older version knew less of.
    database.conn.execute("DELETE FROM meta WHERE key IN ('pruned', 'migrated')")


def statements(script: str) -> list[str]:
    """Split a script into its statements (none of ours holds a semicolon within)."""
    return [text for text in (part.strip() for part in script.split(";\n")) if text]


def _is_there(connection: sqlite3.Connection, statement: str) -> bool:
    """Whether a statement makes what is there already, or fills a table that is not empty."""
    made = re.search(r"^(?:CREATE \w+|INSERT INTO) (\w+)", statement, re.MULTILINE)
    if made is None:
        return False
    if statement.startswith("INSERT"):
        return connection.execute(f"SELECT 1 FROM {made[1]} LIMIT 1").fetchone() is not None
    return connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (made[1],)).fetchone() is not None


def _script(database: Database, script: str, version: int) -> None:
    """Run a script that is meant for tables of `version`, unless somebody just did; make what is missing."""
    connection = database.conn
    connection.execute("BEGIN IMMEDIATE")
    try:
        if connection.execute("PRAGMA user_version").fetchone()[0] == version:
            for statement in statements(script):
                connection.execute(statement)
            if 0 < version < VERSION:
                connection.execute(
                    "INSERT OR IGNORE INTO meta (key, value) VALUES ('migrated', ?)", (version,)
                )
            for statement in statements(DERIVED):
                if not _is_there(connection, statement):
                    connection.execute(statement)
            connection.execute(f"PRAGMA user_version={VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
