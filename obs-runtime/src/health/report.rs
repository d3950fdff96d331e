//! What the health endpoints say.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Map, Value, json};

/// What is known of one check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CheckStatus {
    Ok(Duration),
    Failed(Duration),
    /// Not configured.
    Skipped,
    /// Not asked yet.
    Unknown,
}

/// The answer of `/health` or `/ready`.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    /// `ok`, or why not.
    pub(crate) degraded: Option<Degraded>,
    pub(crate) checks: Vec<(Arc<str>, CheckStatus)>,
}

/// Why a service is not ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Degraded {
    /// A critical check failed; the report shows which.
    Check,
    /// Initialisation is not complete.
    Starting,
    /// The service is about to stop.
    Stopping,
}

impl Report {
    /// Returns the JSON text.
    ///
    /// It holds names, states and durations, and never the text of an error.
    pub(crate) fn body(&self) -> Bytes {
        let checks: Map<String, Value> = self
            .checks
            .iter()
            .map(|(name, status)| (name.to_string(), check(*status)))
            .collect();
        let (status, reason) = match self.degraded {
            None => ("ok", ""),
            Some(Degraded::Check) => ("degraded", ""),
            Some(Degraded::Starting) => ("degraded", r#","reason":"starting""#),
            Some(Degraded::Stopping) => ("degraded", r#","reason":"stopping""#),
        };
        // What people look for stands first; a map would sort it behind the checks.
        let checks = Value::Object(checks);
        Bytes::from(format!(
            r#"{{"status":"{status}"{reason},"checks":{checks}}}"#
        ))
    }
}

fn check(status: CheckStatus) -> Value {
    match status {
        CheckStatus::Ok(took) => json!({ "status": "ok", "ms": ms(took) }),
        CheckStatus::Failed(took) => json!({ "status": "failed", "ms": ms(took) }),
        CheckStatus::Skipped => json!({ "status": "skipped" }),
        CheckStatus::Unknown => json!({ "status": "unknown" }),
    }
}

fn ms(took: Duration) -> u64 {
    u64::try_from(took.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::{CheckStatus, Degraded, Report};
    use std::time::Duration;

    #[test]
    fn a_report_is_one_json_object() {
        let report = Report {
            degraded: Some(Degraded::Check),
            checks: vec![
                (
                    "database".into(),
                    CheckStatus::Failed(Duration::from_millis(1002)),
                ),
                ("a\"\n\u{202e}".into(), CheckStatus::Ok(Duration::ZERO)),
                ("url".into(), CheckStatus::Skipped),
                ("late".into(), CheckStatus::Unknown),
            ],
        };
        let body: serde_json::Value = serde_json::from_slice(&report.body()).unwrap();
        assert_eq!(
            body,
            serde_json::json!({
                "status": "degraded",
                "checks": {
                    "database": { "status": "failed", "ms": 1002 },
                    "a\"\n\u{202e}": { "status": "ok", "ms": 0 },
                    "url": { "status": "skipped" },
                    "late": { "status": "unknown" },
                },
            })
        );
    }
}
