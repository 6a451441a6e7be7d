CREATE TABLE event (
    id INTEGER PRIMARY KEY,
    t REAL NOT NULL,
    op TEXT NOT NULL,
    path INTEGER NOT NULL REFERENCES log_path(id),
    "to" INTEGER REFERENCES log_path(id),
    process INTEGER NOT NULL REFERENCES log_process(id)
);
CREATE TABLE log_path (
    id INTEGER PRIMARY KEY,
    path NOT NULL UNIQUE
);
CREATE TABLE log_process (
    id INTEGER PRIMARY KEY,
    digest BLOB NOT NULL UNIQUE,
    pid INTEGER NOT NULL,
    ppid INTEGER NOT NULL,
    comm NOT NULL,
    uid INTEGER NOT NULL,
    start INTEGER,
    sid INTEGER,
    pgid INTEGER,
    exe,
    cwd,
    cgroup,
    args TEXT,
    chain TEXT,
    pipe_in TEXT,
    pipe_out TEXT
);
CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value
);
CREATE VIEW events AS
    SELECT event.id, datetime(event.t, 'unixepoch') AS utc, event.op, p.path, q.path AS "to",
           process.comm, process.pid, process.uid, event.t
    FROM event
    JOIN log_path AS p ON p.id = event.path
    LEFT JOIN log_path AS q ON q.id = event."to"
    JOIN log_process AS process ON process.id = event.process;
CREATE TABLE file (
    id INTEGER PRIMARY KEY,
    parent INTEGER REFERENCES file(id),
    name NOT NULL,
    gone INTEGER NOT NULL DEFAULT 0,
    transient INTEGER NOT NULL DEFAULT 0,
    born REAL,
    maker INTEGER,
    remover INTEGER,
    UNIQUE (parent, name)
);
INSERT INTO file (id, name) VALUES (0, '');
CREATE TABLE usage (
    file INTEGER NOT NULL REFERENCES file(id),
    uid INTEGER NOT NULL,
    weight REAL NOT NULL,
    episodes INTEGER NOT NULL,
    last REAL NOT NULL,
    PRIMARY KEY (file, uid)
) WITHOUT ROWID;
CREATE TABLE episode (
    id INTEGER PRIMARY KEY,
    uid INTEGER NOT NULL,
    started REAL NOT NULL,
    ended REAL NOT NULL,
    open INTEGER NOT NULL
);
CREATE INDEX episode_open ON episode(uid) WHERE open;
CREATE TABLE touch (
    episode INTEGER NOT NULL REFERENCES episode(id),
    file INTEGER NOT NULL REFERENCES file(id),
    burst INTEGER NOT NULL,
    program NOT NULL,
    first REAL NOT NULL,
    last REAL NOT NULL,
    reads INTEGER NOT NULL,
    writes INTEGER NOT NULL,
    versions INTEGER NOT NULL,
    PRIMARY KEY (episode, file, burst)
) WITHOUT ROWID;
CREATE INDEX touch_file ON touch(file, episode);
CREATE TABLE together (
    a INTEGER NOT NULL REFERENCES file(id),
    uid INTEGER NOT NULL,
    b INTEGER NOT NULL REFERENCES file(id),
    weight REAL NOT NULL,
    episodes INTEGER NOT NULL,
    last REAL NOT NULL,
    episode INTEGER NOT NULL,
    PRIMARY KEY (a, uid, b)
) WITHOUT ROWID;
CREATE TABLE next (
    a INTEGER NOT NULL REFERENCES file(id),
    uid INTEGER NOT NULL,
    b INTEGER NOT NULL REFERENCES file(id),
    weight REAL NOT NULL,
    count INTEGER NOT NULL,
    last REAL NOT NULL,
    program NOT NULL,
    PRIMARY KEY (a, uid, b)
) WITHOUT ROWID;
CREATE TABLE source (
    product INTEGER NOT NULL REFERENCES file(id),
    source INTEGER NOT NULL REFERENCES file(id),
    uid INTEGER NOT NULL,
    t REAL NOT NULL,
    program NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (product, source)
) WITHOUT ROWID;
CREATE INDEX source_source ON source(source);
CREATE TABLE recipe (
    product INTEGER PRIMARY KEY REFERENCES file(id),
    uid INTEGER NOT NULL,
    t REAL NOT NULL,
    generation INTEGER NOT NULL,
    process INTEGER REFERENCES log_process(id),
    writer INTEGER NOT NULL REFERENCES log_process(id)
);
CREATE TABLE sweep (
    burst INTEGER PRIMARY KEY,
    uid INTEGER NOT NULL,
    program NOT NULL,
    started REAL NOT NULL,
    ended REAL NOT NULL,
    files INTEGER NOT NULL
);
CREATE TABLE work (
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (kind, key)
) WITHOUT ROWID;
CREATE VIEW files AS
    WITH RECURSIVE path(id, path, gone) AS (
        SELECT id, name, gone FROM file WHERE parent = 0
        UNION ALL
        SELECT file.id, path.path || '/' || file.name, file.gone OR path.gone
        FROM file JOIN path ON file.parent = path.id
    )
    SELECT path.id, path.path, path.gone FROM path;
CREATE VIEW source_paths AS
    SELECT p.path AS product, s.path AS source, source.program, source.count,
           datetime(source.t, 'unixepoch') AS utc, source.uid
    FROM source JOIN files AS p ON p.id = source.product JOIN files AS s ON s.id = source.source;
CREATE VIEW together_paths AS
    SELECT p.path AS a, q.path AS b, together.episodes,
           datetime(together.last, 'unixepoch') AS utc, together.uid
    FROM together JOIN files AS p ON p.id = together.a JOIN files AS q ON q.id = together.b
    WHERE together.a < together.b;
PRAGMA user_version=1;
