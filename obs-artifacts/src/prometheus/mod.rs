//! Prometheus: recording rules, alerts and their unit tests, and the Alertmanager behind them.
//!
//! | file | what is in it |
//! |---|---|
//! | `deploy/prometheus/rules/recording.yml` | what alerts and dashboards ask often, by service |
//! | `deploy/prometheus/rules/alerts-<environment>.yml` | the alerts of one environment |
//! | `deploy/prometheus/tests/recording.yml`, `.../alerts-<environment>.yml` | unit tests of these, for `promtool test rules` |
//! | `deploy/alertmanager/alertmanager.yml` | who hears of an alert, and what a page silences |
//!
//! An Alertmanager cannot read variables. What differs from place to place, or is a secret, is in
//! files below `/etc/alertmanager/secrets`, which compose makes of variables and Kubernetes of a
//! Secret: see [`alertmanager`].
//!
//! # Metrics of the user's own
//! Their names say what they are:
//!
//! | names | alert |
//! |---|---|
//! | a gauge `X_queue_depth` with counters `X_queue_enqueued_total` and `X_queue_drained_total` | `QueueGrowing` |
//! | a gauge `X_backlog` | `BacklogGrowing` |
//! | any histogram with an `slo` | `ErrorBudgetBurn` |

pub(crate) mod alert;
mod alertmanager;
pub(crate) mod alerts;
mod calls;
mod check;
mod objectives;
mod promql;
mod recording;
mod recording_tests;
mod rule_file;
#[cfg(test)]
mod tests;
mod unit_tests;

use crate::files::Files;
use crate::system::System;

pub(crate) use check::system as check;

pub(crate) fn render(system: &System, files: &mut Files) {
    recording::render(system, files);
    recording_tests::render(system, files);
    for environment in &system.environments {
        let alerts = alerts::of(system, environment);
        rule_file::alerts(system, environment, &alerts, files);
        unit_tests::alerts(system, environment, &alerts, files);
    }
    alertmanager::render(system, files);
}
