//! What Grafana reads when it starts: the data sources, with the links from one to another, and the
//! folder of the dashboards.

use serde::Serialize;

use super::links;
use super::model::DataSource;
use crate::system::System;

/// Where the dashboards lie for Grafana.
const DASHBOARDS: &str = "/etc/grafana/dashboards";

/// How often Prometheus scrapes: `$__rate_interval` is four times that.
const SCRAPE_INTERVAL: &str = "15s";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DataSources {
    api_version: u32,
    datasources: Vec<Source>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Source {
    name: &'static str,
    #[serde(flatten)]
    id: DataSource,
    access: &'static str,
    url: &'static str,
    is_default: bool,
    editable: bool,
    json_data: JsonData,
}

#[derive(Serialize)]
#[serde(untagged)]
enum JsonData {
    #[serde(rename_all = "camelCase")]
    Prometheus {
        http_method: &'static str,
        time_interval: &'static str,
        exemplar_trace_id_destinations: [Exemplars; 1],
    },
    #[serde(rename_all = "camelCase")]
    Loki { derived_fields: [DerivedField; 2] },
    #[serde(rename_all = "camelCase")]
    Tempo {
        traces_to_logs_v2: TracesToLogs,
        node_graph: Enabled,
        search: Search,
    },
    #[serde(rename_all = "camelCase")]
    Alertmanager {
        implementation: &'static str,
        handle_grafana_managed_alerts: bool,
    },
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Exemplars {
    name: &'static str,
    datasource_uid: &'static str,
}

/// A link from a part of a line; to a data source if it has one, else to an address.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DerivedField {
    name: &'static str,
    matcher_regex: &'static str,
    url: String,
    url_display_label: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    datasource_uid: Option<&'static str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TracesToLogs {
    datasource_uid: &'static str,
    custom_query: bool,
    query: &'static str,
    span_start_time_shift: &'static str,
    span_end_time_shift: &'static str,
}

#[derive(Serialize)]
struct Enabled {
    enabled: bool,
}

#[derive(Serialize)]
struct Search {
    hide: bool,
}

/// The lines of all services in which the correlation id of a span stands, also those of what came
/// later of it. Grafana replaces variables of the environment in these files: `$$` is one dollar.
const LINES_OF_SPAN: &str = "{environment=\"$${__span.tags[\"deployment.environment.name\"]}\"} \
                             |= \"$${__span.tags[\"correlation_id\"]}\"";

pub(super) fn datasources(system: &System) -> impl Serialize + use<> {
    let source = |name, id, url, json_data| Source {
        name,
        id,
        access: "proxy",
        url,
        is_default: id == DataSource::PROMETHEUS,
        editable: false,
        json_data,
    };
    DataSources {
        api_version: 1,
        datasources: vec![
            source(
                "Prometheus",
                DataSource::PROMETHEUS,
                "http://prometheus:9090",
                prometheus(),
            ),
            source("Loki", DataSource::LOKI, "http://loki:3100", loki(system)),
            source("Tempo", DataSource::TEMPO, "http://tempo:3200", tempo()),
            source(
                "Alertmanager",
                DataSource::ALERTMANAGER,
                "http://alertmanager:9093",
                JsonData::Alertmanager {
                    implementation: "prometheus",
                    handle_grafana_managed_alerts: false,
                },
            ),
        ],
    }
}

fn prometheus() -> JsonData {
    JsonData::Prometheus {
        http_method: "POST",
        time_interval: SCRAPE_INTERVAL,
        exemplar_trace_id_destinations: [Exemplars {
            name: "trace_id",
            datasource_uid: DataSource::TEMPO.uid,
        }],
    }
}

fn loki(system: &System) -> JsonData {
    let address = links::logs(system, None).url.unwrap_or_default();
    JsonData::Loki {
        derived_fields: [
            DerivedField {
                name: "Trace",
                matcher_regex: "\"trace_id\":\"([0-9a-f]{32})\"",
                url: "$${__value.raw}".to_owned(),
                url_display_label: "Show the trace",
                datasource_uid: Some(DataSource::TEMPO.uid),
            },
            DerivedField {
                name: "Correlation id",
                // What `obs` accepts as an id.
                matcher_regex: "\"correlation_id\":\"([A-Za-z0-9._~-]{1,128})\"",
                url: format!("{address}?var-correlation_id=$${{__value.raw}}"),
                url_display_label: "All lines of this correlation id",
                datasource_uid: None,
            },
        ],
    }
}

fn tempo() -> JsonData {
    JsonData::Tempo {
        traces_to_logs_v2: TracesToLogs {
            datasource_uid: DataSource::LOKI.uid,
            custom_query: true,
            query: LINES_OF_SPAN,
            // Jobs begin later than the request that left them behind.
            span_start_time_shift: "-1h",
            span_end_time_shift: "1h",
        },
        node_graph: Enabled { enabled: true },
        search: Search { hide: false },
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Providers {
    api_version: u32,
    providers: [Provider; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Provider {
    name: String,
    folder: String,
    #[serde(rename = "type")]
    kind: &'static str,
    disable_deletion: bool,
    allow_ui_updates: bool,
    update_interval_seconds: u32,
    options: Folder,
}

#[derive(Serialize)]
struct Folder {
    path: &'static str,
}

pub(super) fn dashboards(system: &System) -> impl Serialize + use<> {
    Providers {
        api_version: 1,
        providers: [Provider {
            name: system.name.clone(),
            folder: system.name.clone(),
            kind: "file",
            disable_deletion: true,
            allow_ui_updates: false,
            update_interval_seconds: 30,
            options: Folder { path: DASHBOARDS },
        }],
    }
}
