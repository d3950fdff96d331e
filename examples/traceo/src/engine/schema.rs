//! The tables of the engine.

use super::quotes;
use crate::database::{AUDIT_TABLE, Schema};

pub(super) static SCHEMA: Schema = Schema {
    name: "traceo_engine",
    file: "engine.db",
    migrations: &[TABLES, quotes::TABLE, AUDIT_TABLE],
};

const TABLES: &str = "
CREATE TABLE jobs (
    id             TEXT   PRIMARY KEY,
    status         TEXT   NOT NULL,
    source         TEXT   NOT NULL,
    name           TEXT   NOT NULL,
    layout         TEXT   NOT NULL,
    carrier        TEXT   NOT NULL,
    actor          TEXT   NOT NULL,
    correlation_id TEXT   NOT NULL,
    attempts       BIGINT NOT NULL,
    failures       BIGINT NOT NULL,
    rows_ok        BIGINT NOT NULL,
    rows_rejected  BIGINT NOT NULL,
    bytes_read     BIGINT NOT NULL,
    bytes_total    BIGINT NOT NULL,
    failure_kind   TEXT,
    failure        TEXT,
    failure_row    BIGINT,
    failure_column BIGINT,
    created_at     BIGINT NOT NULL,
    started_at     BIGINT,
    ended_at       BIGINT,
    not_before     BIGINT NOT NULL,
    owner          TEXT,
    lease_until    BIGINT,
    cancel         BIGINT NOT NULL
);
CREATE INDEX jobs_by_status ON jobs (status, not_before);
CREATE INDEX jobs_by_correlation ON jobs (correlation_id);

CREATE TABLE job_rows (
    job    TEXT   NOT NULL REFERENCES jobs (id),
    row_no BIGINT NOT NULL,
    cells  TEXT   NOT NULL,
    PRIMARY KEY (job, row_no)
);

CREATE TABLE job_errors (
    job       TEXT   NOT NULL REFERENCES jobs (id),
    place     BIGINT NOT NULL,
    row_no    BIGINT NOT NULL,
    line_no   BIGINT NOT NULL,
    column_no BIGINT NOT NULL,
    kind      TEXT   NOT NULL,
    message   TEXT   NOT NULL,
    PRIMARY KEY (job, place)
);

CREATE TABLE job_columns (
    job               TEXT   NOT NULL REFERENCES jobs (id),
    place             BIGINT NOT NULL,
    name              TEXT   NOT NULL,
    kind              TEXT   NOT NULL,
    filled            BIGINT NOT NULL,
    nulls             BIGINT NOT NULL,
    distinct_values   BIGINT NOT NULL,
    distinct_is_exact BIGINT NOT NULL,
    min_value         TEXT,
    max_value         TEXT,
    mean              DOUBLE PRECISION,
    PRIMARY KEY (job, place)
);

CREATE TABLE webhooks (
    id             TEXT   PRIMARY KEY,
    job            TEXT   NOT NULL REFERENCES jobs (id),
    body           TEXT   NOT NULL,
    carrier        TEXT   NOT NULL,
    actor          TEXT   NOT NULL,
    correlation_id TEXT   NOT NULL,
    status         TEXT   NOT NULL,
    attempts       BIGINT NOT NULL,
    next_at        BIGINT NOT NULL,
    created_at     BIGINT NOT NULL,
    ended_at       BIGINT
);
CREATE INDEX webhooks_by_status ON webhooks (status, next_at);";
