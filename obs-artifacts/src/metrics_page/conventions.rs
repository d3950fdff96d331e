//! The names of the OpenTelemetry conventions, and how Prometheus gives them to our series.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::Page;
use super::markdown::{Table, code};
use crate::system::System;

pub(super) const TITLE: &str = "Names of the OpenTelemetry conventions";

/// A metric of the conventions that one of ours measures.
struct Convention {
    /// Without the prefix of the service.
    ours: &'static str,
    /// With dots.
    theirs: &'static str,
    /// As it is in Prometheus: with underscores and the unit.
    translated: &'static str,
    is_histogram: bool,
    /// Our labels, and their attributes.
    labels: &'static [(&'static str, &'static str)],
    /// What theirs have and ours do not.
    differs: &'static str,
}

const CONVENTIONS: [Convention; 9] = [
    Convention {
        ours: "http_request_duration_seconds",
        theirs: "http.server.request.duration",
        translated: "http_server_request_duration_seconds",
        is_histogram: true,
        labels: &[("method", "http.request.method"), ("route", "http.route")],
        differs: "the status is a label of the counter alone; no `url.scheme`",
    },
    Convention {
        ours: "http_requests_in_flight",
        theirs: "http.server.active_requests",
        translated: "http_server_active_requests",
        is_histogram: false,
        labels: &[],
        differs: "without `http.request.method`",
    },
    Convention {
        ours: "http_client_request_duration_seconds",
        theirs: "http.client.request.duration",
        translated: "http_client_request_duration_seconds",
        is_histogram: true,
        labels: &[
            ("method", "http.request.method"),
            ("peer", "server.address"),
            ("route", "url.template"),
        ],
        differs: "the peer has the name that the code gives it; the status is a label of the counter alone",
    },
    Convention {
        ours: "http_client_requests_in_flight",
        theirs: "http.client.active_requests",
        translated: "http_client_active_requests",
        is_histogram: false,
        labels: &[("peer", "server.address")],
        differs: "",
    },
    Convention {
        ours: "mcp_tool_call_duration_seconds",
        theirs: "mcp.server.operation.duration",
        translated: "mcp_server_operation_duration_seconds",
        is_histogram: true,
        labels: &[("tool", "gen_ai.tool.name")],
        differs: "calls of tools only (`mcp.method.name` is `tools/call`); `result` instead of `error.type`",
    },
    Convention {
        ours: "db_client_operation_duration_seconds",
        theirs: "db.client.operation.duration",
        translated: "db_client_operation_duration_seconds",
        is_histogram: true,
        labels: &[
            ("operation", "db.operation.name"),
            ("pool", "db.client.connection.pool.name"),
        ],
        differs: "without `db.system.name`",
    },
    Convention {
        ours: "db_client_connections",
        theirs: "db.client.connection.count",
        translated: "db_client_connection_count",
        is_histogram: false,
        labels: &[
            ("pool", "db.client.connection.pool.name"),
            ("state", "db.client.connection.state"),
        ],
        differs: "`active` is `used` there, and `waiting` is `db.client.connection.pending_requests`",
    },
    Convention {
        ours: "db_client_connections_max",
        theirs: "db.client.connection.max",
        translated: "db_client_connection_max",
        is_histogram: false,
        labels: &[("pool", "db.client.connection.pool.name")],
        differs: "",
    },
    Convention {
        ours: "db_client_connection_wait_seconds",
        theirs: "db.client.connection.wait_time",
        translated: "db_client_connection_wait_time_seconds",
        is_histogram: true,
        labels: &[("pool", "db.client.connection.pool.name")],
        differs: "",
    },
];

const ABOUT: &str = "\
The names above are short and stay as they are; those of the conventions change with their versions.
Where a backend wants them, Prometheus renames series while it scrapes. Ours and theirs measure the
same:
";

const HOW: &str = "\
`obs_build_info{service,version,environment}` has what the resource attributes `service.name`,
`service.version` and `deployment.environment.name` say. The counters by status have no counterpart:
there, the status is an attribute of the duration.

The dashboards and alerts that are made here ask for our names, so this is a second job beside the
first, or `write_relabel_configs` of a `remote_write`; a label is copied to its new name, then set to
nothing, which removes it:
";

pub(super) fn render(system: &System, page: &mut Page) {
    page.heading(2, TITLE);
    let present: Vec<(&Convention, BTreeSet<&str>)> = CONVENTIONS
        .iter()
        .map(|convention| (convention, names(system, convention)))
        .filter(|(_, names)| !names.is_empty())
        .collect();
    let mut table = Table::new(["here", "there", "labels", "what differs"]);
    for (convention, names) in &present {
        let names: Vec<String> = names.iter().map(|it| code(it)).collect();
        let labels: Vec<String> = convention
            .labels
            .iter()
            .map(|(ours, theirs)| format!("{} → {}", code(ours), code(theirs)))
            .collect();
        table.row([
            names.join("<br>"),
            code(convention.theirs),
            labels.join("<br>"),
            convention.differs.to_owned(),
        ]);
    }
    let target = system.services.first().map_or(8080, |service| service.port);
    write!(
        page.text,
        "{ABOUT}\n{table}\n{HOW}\n```yaml\n{}```\n",
        relabelling(&system.name, target, &present)
    )
    .ok();
}

/// The names that one of our families has in the services of a system.
fn names<'a>(system: &'a System, convention: &Convention) -> BTreeSet<&'a str> {
    let services = system.services.iter();
    let found = services.filter_map(|it| it.catalogue.own(convention.ours));
    found.map(|metric| metric.name.as_str()).collect()
}

fn relabelling(system: &str, port: u16, present: &[(&Convention, BTreeSet<&str>)]) -> String {
    let mut text = format!(
        "scrape_configs:\n  - job_name: {}\n    static_configs:\n      - targets: ['localhost:{port}']\n    metric_relabel_configs:\n",
        quoted(&format!("{system}-otel"))
    );
    for (convention, names) in present {
        let parts = if convention.is_histogram {
            "(_bucket|_sum|_count)"
        } else {
            "()"
        };
        let names: Vec<&str> = names.iter().copied().collect();
        let ours = format!("(?:{}){parts}", names.join("|"));
        for (label, attribute) in convention.labels {
            let attribute = attribute.replace('.', "_");
            write!(
                text,
                "      - source_labels: [__name__, {label}]\n        regex: {}\n        target_label: {attribute}\n        replacement: '$2'\n",
                quoted(&format!("{ours};(.+)"))
            )
            .ok();
            write!(
                text,
                "      - source_labels: [__name__]\n        regex: {}\n        target_label: {label}\n        replacement: ''\n",
                quoted(&ours)
            )
            .ok();
        }
        write!(
            text,
            "      - source_labels: [__name__]\n        regex: {}\n        target_label: __name__\n        replacement: {}\n",
            quoted(&ours),
            quoted(&format!("{}${{1}}", convention.translated))
        )
        .ok();
    }
    text
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
