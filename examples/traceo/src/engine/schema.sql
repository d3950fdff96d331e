CREATE TABLE IF NOT EXISTS jobs (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    owner         TEXT    NOT NULL,
    status        TEXT    NOT NULL CHECK (status IN ('pending', 'running', 'completed', 'failed', 'cancelled')),
    source        TEXT    NOT NULL CHECK (source IN ('file', 'inline')),
    name          TEXT    NOT NULL,
    rows_ok       INTEGER NOT NULL DEFAULT 0,
    rows_rejected INTEGER NOT NULL DEFAULT 0,
    bytes_read    INTEGER NOT NULL DEFAULT 0,
    bytes_total   INTEGER NOT NULL,
    failure_kind  TEXT,
    failure       TEXT,
    failure_row   INTEGER,
    failure_column INTEGER,
    created_at    TEXT    NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    started_at    TEXT,
    ended_at      TEXT
);

CREATE INDEX IF NOT EXISTS jobs_by_status ON jobs (status);

CREATE TABLE IF NOT EXISTS rows (
    job   INTEGER NOT NULL REFERENCES jobs (id),
    row   INTEGER NOT NULL,
    cells TEXT    NOT NULL,
    PRIMARY KEY (job, row)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS row_errors (
    job     INTEGER NOT NULL REFERENCES jobs (id),
    row     INTEGER NOT NULL,
    line    INTEGER NOT NULL,
    col     INTEGER NOT NULL,
    kind    TEXT    NOT NULL,
    message TEXT    NOT NULL
);

CREATE INDEX IF NOT EXISTS row_errors_by_job ON row_errors (job);

CREATE TABLE IF NOT EXISTS columns (
    job               INTEGER NOT NULL REFERENCES jobs (id),
    position          INTEGER NOT NULL,
    name              TEXT    NOT NULL,
    type              TEXT    NOT NULL,
    count             INTEGER NOT NULL,
    nulls             INTEGER NOT NULL,
    distinct_values   INTEGER NOT NULL,
    distinct_is_exact INTEGER NOT NULL,
    min               TEXT,
    max               TEXT,
    mean              REAL,
    PRIMARY KEY (job, position)
) WITHOUT ROWID;
