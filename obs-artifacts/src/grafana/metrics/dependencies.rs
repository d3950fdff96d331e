//! What the service needs, and which versions of it run.

use super::super::layout::Row;
use super::super::model::{Columns, Panel, Target, Transformation};
use super::super::unit;
use super::Scope;

pub(super) fn row(scope: &Scope<'_>) -> Row {
    let mut panels = Vec::new();
    if let Some(up) = scope.own("obs_check_up") {
        // Down as soon as one instance says so.
        let worst = format!("min by (check) ({})", scope.series.select(&up.name, ""));
        panels.push(
            Panel::up_or_down("Dependencies", &up.help)
                .wide(12)
                .nothing("none checked")
                .prometheus(worst, "{{check}}"),
        );
    }
    if let Some(info) = scope.own("obs_build_info") {
        let running = format!(
            "count by (service, version, environment) ({})",
            scope.series.select(&info.name, "")
        );
        panels.push(
            Panel::table("Versions", &info.help, unit::NUMBER, Some("Instances"))
                .ask(Target::prometheus(running, "").table())
                .transformed(Transformation::Keep {
                    include: Columns {
                        names: vec!["service", "version", "environment", "Value"],
                    },
                })
                .transformed(Transformation::columns(&[
                    ("service", "Service"),
                    ("version", "Version"),
                    ("environment", "Environment"),
                    ("Value", "Instances"),
                ])),
        );
    }
    Row::new("Dependencies and versions", panels)
}
