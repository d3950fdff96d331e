//! How many series there are.

use super::super::layout::Row;
use super::super::model::{Panel, Target};
use super::super::unit;
use super::Scope;

pub(super) fn row(scope: &Scope<'_>) -> Row {
    let mut panels = Vec::new();
    if let Some(series) = scope.own("obs_series") {
        let selected = scope.series.select(&series.name, "");
        let largest = format!("sort_desc(topk(15, max by (family) ({selected})))");
        panels.extend([
            Panel::time_series("Series", &series.help, unit::NUMBER)
                .prometheus(scope.series.sum(series, &["instance"], ""), "{{instance}}"),
            Panel::bars("Largest families", &series.help, unit::NUMBER)
                .ask(Target::prometheus(largest, "{{family}}").instant()),
        ]);
    }
    if let Some(capped) = scope.own("obs_http_routes_capped_total") {
        panels.push(
            Panel::time_series("Requests of capped routes", &capped.help, unit::REQUESTS)
                .prometheus(scope.series.rate(capped, &[], ""), "capped"),
        );
    }
    Row::new("Cardinality", panels)
}
