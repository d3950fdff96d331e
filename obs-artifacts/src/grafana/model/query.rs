//! What a panel asks, and whom.

use serde::Serialize;

/// A data source, by the `uid` that the provisioning gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(in crate::grafana) struct DataSource {
    #[serde(rename = "type")]
    pub kind: &'static str,
    pub uid: &'static str,
}

impl DataSource {
    pub(in crate::grafana) const PROMETHEUS: Self = Self::of("prometheus");
    pub(in crate::grafana) const LOKI: Self = Self::of("loki");
    pub(in crate::grafana) const TEMPO: Self = Self::of("tempo");
    pub(in crate::grafana) const ALERTMANAGER: Self = Self::of("alertmanager");

    const fn of(name: &'static str) -> Self {
        Self {
            kind: name,
            uid: name,
        }
    }
}

/// One query of a panel.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::grafana) struct Target {
    pub ref_id: String,
    pub datasource: DataSource,
    #[serde(flatten)]
    pub query: Query,
}

#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub(in crate::grafana) enum Query {
    Prometheus(PrometheusQuery),
    Loki(LokiQuery),
    Tempo(TempoQuery),
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::grafana) struct PrometheusQuery {
    pub expr: String,
    pub legend_format: String,
    /// `time_series`, `heatmap` or `table`.
    pub format: &'static str,
    pub range: bool,
    pub instant: bool,
    pub exemplar: bool,
    /// How far apart the points are at least.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval: Option<&'static str>,
    pub editor_mode: &'static str,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::grafana) struct LokiQuery {
    pub expr: String,
    pub legend_format: String,
    /// `range` or `instant`.
    pub query_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_lines: Option<u32>,
    pub editor_mode: &'static str,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::grafana) struct TempoQuery {
    /// `traceql`.
    pub query_type: &'static str,
    pub query: String,
    /// The most traces.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub table_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metrics_query_type: Option<&'static str>,
}

impl Target {
    /// A query of `PromQL` over the range that is shown.
    pub(in crate::grafana) fn prometheus(expr: impl Into<String>, legend: &str) -> Self {
        Self::of(
            DataSource::PROMETHEUS,
            Query::Prometheus(PrometheusQuery {
                expr: expr.into(),
                legend_format: legend.to_owned(),
                format: "time_series",
                range: true,
                instant: false,
                exemplar: false,
                interval: None,
                editor_mode: "code",
            }),
        )
    }

    /// A query of `LogQL` over the range that is shown.
    pub(in crate::grafana) fn loki(expr: impl Into<String>, legend: &str) -> Self {
        Self::of(
            DataSource::LOKI,
            Query::Loki(LokiQuery {
                expr: expr.into(),
                legend_format: legend.to_owned(),
                query_type: "range",
                max_lines: None,
                editor_mode: "code",
            }),
        )
    }

    /// The newest traces that have a span of a `TraceQL` selection.
    pub(in crate::grafana) fn traces(query: impl Into<String>) -> Self {
        Self::of(
            DataSource::TEMPO,
            Query::Tempo(TempoQuery {
                query_type: "traceql",
                query: query.into(),
                limit: Some(50),
                table_type: Some("traces"),
                metrics_query_type: None,
            }),
        )
    }

    /// Numbers of spans, as `TraceQL` computes them.
    pub(in crate::grafana) fn spans(query: impl Into<String>) -> Self {
        Self::of(
            DataSource::TEMPO,
            Query::Tempo(TempoQuery {
                query_type: "traceql",
                query: query.into(),
                limit: None,
                table_type: None,
                metrics_query_type: Some("range"),
            }),
        )
    }

    /// At one moment, the end of the range that is shown.
    #[must_use]
    pub(in crate::grafana) fn instant(mut self) -> Self {
        match &mut self.query {
            Query::Prometheus(query) => (query.range, query.instant) = (false, true),
            Query::Loki(query) => query.query_type = "instant",
            Query::Tempo(query) => query.metrics_query_type = Some("instant"),
        }
        self
    }

    /// As rows of a table.
    #[must_use]
    pub(in crate::grafana) fn table(mut self) -> Self {
        if let Query::Prometheus(query) = &mut self.query {
            query.format = "table";
        }
        self.instant()
    }

    /// As buckets of a heat map.
    #[must_use]
    pub(in crate::grafana) fn heatmap(mut self) -> Self {
        if let Query::Prometheus(query) = &mut self.query {
            query.format = "heatmap";
        }
        self.exemplars()
    }

    /// With the points that lead to traces.
    #[must_use]
    pub(in crate::grafana) fn exemplars(mut self) -> Self {
        if let Query::Prometheus(query) = &mut self.query {
            query.exemplar = true;
        }
        self
    }

    /// With points that are so far apart at least.
    #[must_use]
    pub(in crate::grafana) fn every(mut self, interval: &'static str) -> Self {
        if let Query::Prometheus(query) = &mut self.query {
            query.interval = Some(interval);
        }
        self
    }

    /// At most so many lines.
    #[must_use]
    pub(in crate::grafana) fn lines(mut self, most: u32) -> Self {
        if let Query::Loki(query) = &mut self.query {
            query.max_lines = Some(most);
        }
        self
    }

    /// The text of the query, whatever its language.
    pub(in crate::grafana) fn text(&self) -> &str {
        match &self.query {
            Query::Prometheus(query) => &query.expr,
            Query::Loki(query) => &query.expr,
            Query::Tempo(query) => &query.query,
        }
    }

    fn of(datasource: DataSource, query: Query) -> Self {
        Self {
            // The panel names its targets in their order.
            ref_id: String::new(),
            datasource,
            query,
        }
    }
}
