//! The tables of the MCP server.

use crate::database::{AUDIT_TABLE, Schema};

pub(super) static SCHEMA: Schema = Schema {
    name: "traceo_mcp",
    file: "mcp.db",
    migrations: &[TABLES, AUDIT_TABLE],
};

const TABLES: &str = "CREATE TABLE imports (
    job_id         TEXT   PRIMARY KEY,
    source         TEXT   NOT NULL,
    status         TEXT   NOT NULL,
    rows_ok        BIGINT NOT NULL,
    rows_rejected  BIGINT NOT NULL,
    failure_kind   TEXT,
    actor          TEXT   NOT NULL,
    correlation_id TEXT   NOT NULL,
    created_at     BIGINT NOT NULL,
    updated_at     BIGINT NOT NULL
);
CREATE INDEX imports_by_status ON imports (status);
CREATE TABLE inbox (
    id             TEXT   PRIMARY KEY,
    job_id         TEXT   NOT NULL,
    payload        TEXT   NOT NULL,
    carrier        TEXT   NOT NULL,
    actor          TEXT   NOT NULL,
    correlation_id TEXT   NOT NULL,
    received_at    BIGINT NOT NULL,
    processed_at   BIGINT,
    attempts       BIGINT NOT NULL
);
CREATE INDEX inbox_unprocessed ON inbox (received_at) WHERE processed_at IS NULL;
CREATE INDEX inbox_processed ON inbox (processed_at);";
