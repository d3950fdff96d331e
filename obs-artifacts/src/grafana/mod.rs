//! Grafana: dashboards for metrics, logs and traces, and what provisions them.
//!
//! Queries hold these variables, and no others:
//!
//! | variable | languages | what it stands for |
//! |---|---|---|
//! | `$environment` | all | one value of the label `environment` |
//! | `$service` | `LogQL`, `TraceQL` | a regular expression of names; `.*` for all |
//! | `$route` | `PromQL` | a regular expression of routes; `.*` for all |
//! | `$level` | `LogQL` | a regular expression of levels; `.*` for all |
//! | `$correlation_id` | `LogQL`, `TraceQL` | an id, or nothing |
//! | `$__rate_interval`, `$__range` | `PromQL` | a duration |
//! | `$__auto`, `$__range` | `LogQL` | a duration |

mod layout;
mod links;
mod logql;
mod logs;
mod metrics;
mod model;
mod panels;
mod promql;
mod provisioning;
#[cfg(test)]
mod tests;
mod traces;
mod unit;
mod variables;

use crate::files::Files;
use crate::system::System;
use crate::yaml;
use model::Dashboard;

pub(crate) fn render(system: &System, files: &mut Files) {
    for dashboard in dashboards(system) {
        let path = format!("deploy/grafana/dashboards/{}.json", dashboard.uid);
        files.add(path, dashboard.file());
    }
    let name = links::slug(&system.name);
    let notice = system.notice();
    let folder = "deploy/grafana/provisioning";
    files.add(
        format!("{folder}/datasources/{name}.yml"),
        yaml::document(&notice, &provisioning::datasources(system)),
    );
    files.add(
        format!("{folder}/dashboards/{name}.yml"),
        yaml::document(&notice, &provisioning::dashboards(system)),
    );
}

/// Every dashboard: one for the metrics of each service, one for logs and one for traces.
fn dashboards(system: &System) -> Vec<Dashboard> {
    let services = system.services.iter();
    let mut all: Vec<Dashboard> = services
        .map(|service| metrics::dashboard(system, service))
        .collect();
    all.extend([logs::dashboard(system), traces::dashboard(system)]);
    all
}
