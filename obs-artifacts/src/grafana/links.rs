//! The addresses of the dashboards, and the links between them.

use super::layout::hash;
use super::model::Link;
use crate::system::System;

/// Grafana takes no longer ones.
const LONGEST_UID: usize = 40;

/// The tag of the metrics dashboards of one system.
fn metrics_tag(system: &System) -> String {
    format!("{}-metrics", slug(&system.name))
}

/// Returns the id of a dashboard, by which it is found: that of its name and kind.
pub(super) fn uid(name: &str, kind: &str) -> String {
    let uid = format!("{}-{kind}", slug(name));
    if uid.len() <= LONGEST_UID {
        return uid;
    }
    // Cut, but not to the same as another long name.
    let tail = format!("-{:08x}-{kind}", hash(name));
    let head: String = uid.chars().take(LONGEST_UID - tail.len()).collect();
    head + &tail
}

/// A name as it may stand in an address and in the name of a file.
pub(super) fn slug(name: &str) -> String {
    let allowed = |it: char| it.is_ascii_alphanumeric() || it == '-' || it == '_';
    let slug = name.chars().map(|it| if allowed(it) { it } else { '-' });
    slug.collect()
}

/// The tags of a dashboard.
pub(super) fn tags(system: &System, is_metrics: bool) -> Vec<String> {
    let mut tags = vec!["obs".to_owned(), slug(&system.name)];
    if is_metrics {
        tags.push(metrics_tag(system));
    }
    tags
}

/// The logs dashboard, of one service where it is asked for from there.
pub(super) fn logs(system: &System, service: Option<&str>) -> Link {
    let address = address(system, "logs", service);
    one(
        "Logs",
        "The lines of the same range and correlation id",
        address,
    )
}

/// The traces dashboard, likewise.
pub(super) fn traces(system: &System, service: Option<&str>) -> Link {
    let address = address(system, "traces", service);
    one(
        "Traces",
        "The traces of the same range and correlation id",
        address,
    )
}

/// The metrics dashboards.
pub(super) fn metrics(system: &System) -> Link {
    Link {
        kind: "dashboards",
        title: "Metrics".to_owned(),
        tooltip: "The services in the same range",
        icon: "external link",
        tags: vec![metrics_tag(system)],
        as_dropdown: true,
        target_blank: false,
        include_vars: true,
        keep_time: true,
        url: None,
    }
}

fn one(title: &str, tooltip: &'static str, address: String) -> Link {
    Link {
        kind: "link",
        title: title.to_owned(),
        tooltip,
        icon: "external link",
        tags: Vec::new(),
        as_dropdown: false,
        target_blank: false,
        include_vars: true,
        keep_time: true,
        url: Some(address),
    }
}

fn address(system: &System, kind: &str, service: Option<&str>) -> String {
    let uid = uid(&system.name, kind);
    match service.filter(|_| system.services.len() > 1) {
        Some(service) => format!("/d/{uid}?var-service={}", encoded(service)),
        None => format!("/d/{uid}"),
    }
}

/// What a link behind a value is followed by: the environment and the range that are shown.
const AS_SHOWN: &str = "${environment:queryparam}&${__url_time_range}";

/// The log lines of a service, in the range that is shown.
pub(super) fn to_logs(system: &System, service: &str) -> String {
    behind(&address(system, "logs", Some(service)))
}

/// The traces of a service, likewise.
pub(super) fn to_traces(system: &System, service: &str) -> String {
    behind(&address(system, "traces", Some(service)))
}

/// The logs dashboard with a correlation id in its box, which the caller's text stands for.
pub(super) fn lines_of(system: &System, correlation_id: &str) -> String {
    let uid = uid(&system.name, "logs");
    behind(&format!("/d/{uid}?var-correlation_id={correlation_id}"))
}

fn behind(address: &str) -> String {
    let joint = if address.contains('?') { '&' } else { '?' };
    format!("{address}{joint}{AS_SHOWN}")
}

/// A text as it may stand in an address.
fn encoded(text: &str) -> String {
    let bytes = text.bytes().map(|byte| {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            char::from(byte).to_string()
        } else {
            format!("%{byte:02X}")
        }
    });
    bytes.collect()
}
