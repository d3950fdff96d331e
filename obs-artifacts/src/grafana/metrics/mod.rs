//! The metrics dashboard of one service: a row for each thing that its catalogue has families of,
//! and at the end what no other row shows.

mod cardinality;
mod client;
mod database;
mod dependencies;
mod http;
mod jobs;
mod mcp;
mod objectives;
mod operations;
mod overview;
mod remaining;
mod telemetry;

use super::layout::{Row, place};
use super::logql::Lines;
use super::model::{Annotation, Dashboard, DataSource, Panel, Target};
use super::panels::PLAIN;
use super::promql::{Series, quoted};
use super::{links, variables};
use crate::catalogue::{Catalogue, Metric};
use crate::system::{Service, System};

/// The fields of a line that a person looks at first.
const FIELDS: &[&str] = &[
    "level",
    "message",
    "route",
    "status",
    "error",
    "correlation_id",
];

/// What the rows of one dashboard are about.
struct Scope<'a> {
    system: &'a System,
    service: &'a str,
    catalogue: &'a Catalogue,
    series: Series<'a>,
    lines: Lines,
}

impl<'a> Scope<'a> {
    /// The family that obs brings under that name, if the service has it.
    fn own(&self, name: &str) -> Option<&'a Metric> {
        self.catalogue.own(name)
    }
}

/// Makes the dashboard.
pub(super) fn dashboard(system: &System, service: &Service) -> Dashboard {
    let name = service.name();
    let scope = Scope {
        system,
        service: name,
        catalogue: &service.catalogue,
        series: Series::of(name),
        lines: Lines::of(name),
    };
    let mut dashboard = Dashboard::new(
        links::uid(name, "metrics"),
        format!("{name}: metrics"),
        format!("What {name} shows on /metrics. {}", system.notice()),
    );
    dashboard.tags = links::tags(system, true);
    dashboard.links = vec![
        links::logs(system, Some(name)),
        links::traces(system, Some(name)),
        links::metrics(system),
    ];
    dashboard.templating.list = chosen(&scope, name);
    dashboard.annotations.list = vec![deploys(&scope)];
    dashboard.panels = place(rows(&scope));
    dashboard
}

fn chosen(scope: &Scope<'_>, service: &str) -> Vec<super::model::Variable> {
    let requests = scope.own("http_requests_total");
    let route = requests.map(|requests| variables::route(&requests.name, service));
    let mut all = vec![variables::environment(scope.system, Some(service))];
    all.extend(route);
    all.push(variables::correlation_id());
    all
}

fn rows(scope: &Scope<'_>) -> Vec<Row> {
    let mut rows = vec![
        overview::row(scope),
        objectives::row(scope),
        http::row(scope),
        mcp::row(scope),
        jobs::row(scope),
        operations::row(scope),
        database::row(scope),
        client::row(scope),
        dependencies::row(scope),
        cardinality::row(scope),
        telemetry::row(scope),
    ];
    let panels = rows.iter().flat_map(Row::panels);
    let declared = remaining::row(scope, panels);
    // What a service is about comes before what carries it.
    rows.insert(5, declared);
    rows.push(log_lines(scope));
    rows
}

/// Where a request was answered by a version that was not there a little before.
fn deploys(scope: &Scope<'_>) -> Annotation {
    let now = scope.series.select("obs_build_info", "");
    let expr = format!("count by (version) ({now}) unless count by (version) ({now} offset 2m)");
    let mut target = Target::prometheus(expr, "{{version}}").every("30s");
    "deploys".clone_into(&mut target.ref_id);
    Annotation {
        name: "Deploys",
        datasource: DataSource::PROMETHEUS,
        enable: true,
        icon_color: PLAIN,
        target,
        title_format: "Version {{version}}".to_owned(),
        text_format: format!("{} runs in this version", quoted(scope.service)),
    }
}

fn log_lines(scope: &Scope<'_>) -> Row {
    let warnings = scope.lines.of_levels("error|warn");
    let all = scope.lines.select();
    let correlated = "The newest lines that hold the correlation id of the box above; without one, \
                      of all requests.";
    let troubles = "The newest errors and warnings, of the correlation id of the box above if there \
                    is one.";
    let panels = [
        Panel::logs("Errors and warnings", troubles, FIELDS)
            .wide(12)
            .ask(Target::loki(format!("{warnings} | json"), "").lines(200)),
        Panel::logs("Lines of the correlation id", correlated, FIELDS)
            .wide(12)
            .ask(Target::loki(format!("{all} | json"), "").lines(200)),
    ];
    Row::new("Log lines", panels)
}
