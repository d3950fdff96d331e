//! `LogQL` over the lines that `obs` writes: one JSON object each.

use super::promql::quoted;
use crate::system::System;

/// The outcomes of requests, jobs and tool calls that a user suffers from.
const FAILED: &str = "outcome=~\"error|panic|tool_error\"";

/// Lines of some services in the environment that is chosen.
#[derive(Clone, Debug)]
pub(super) struct Lines {
    service: String,
}

impl Lines {
    /// Of the services that are chosen above the panels.
    pub(super) fn chosen(system: &System) -> Self {
        match system.services.as_slice() {
            [only] => Self::of(only.name()),
            _ => Self {
                service: "service_name=~\"$service\"".to_owned(),
            },
        }
    }

    pub(super) fn of(service: &str) -> Self {
        Self {
            service: format!("service_name={}", quoted(service)),
        }
    }

    /// Those that hold the correlation id of the box, which is empty for all.
    pub(super) fn select(&self) -> String {
        self.with("")
    }

    /// Likewise, of levels whose names match, in capitals or not.
    pub(super) fn of_levels(&self, pattern: &str) -> String {
        self.with(&format!(",level=~\"(?i)({pattern})\""))
    }

    /// Likewise, about what failed for a known user.
    pub(super) fn of_failed_users(&self) -> String {
        let all = self.with("");
        format!("{all} |= \"user_id\" | json | user_id!=\"\" | {FAILED}")
    }

    fn with(&self, matchers: &str) -> String {
        let Self { service } = self;
        format!("{{{service},environment=\"$environment\"{matchers}}} |= \"$correlation_id\"")
    }
}

/// How many different users had something fail in the range that is shown.
pub(super) fn affected_users(lines: &Lines) -> String {
    let failed = lines.of_failed_users();
    format!("count(sum by (user_id) (count_over_time({failed} [$__range])))")
}
