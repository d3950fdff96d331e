//! Which versions the stack is made of.
//!
//! The configuration is written for these; a newer one is a change that somebody looks at.

pub(super) const ALERTMANAGER: &str = "prom/alertmanager:v0.28.1";
pub(super) const BUSYBOX: &str = "busybox:1.37.0-musl";
pub(super) const COLLECTOR: &str = "otel/opentelemetry-collector-contrib:0.132.0";
pub(super) const GRAFANA: &str = "grafana/grafana:12.1.1";
pub(super) const JAEGER: &str = "jaegertracing/jaeger:2.9.0";
pub(super) const LOKI: &str = "grafana/loki:3.5.3";
pub(super) const PROMETHEUS: &str = "prom/prometheus:v3.5.0";
pub(super) const TEMPO: &str = "grafana/tempo:2.8.2";

/// What the services are built with, and what their image begins from.
pub(super) const RUST: &str = "rust:1.89.0-slim-bookworm";
pub(super) const DEBIAN: &str = "debian:12.11-slim";
