//! Service level objectives: how fast the error budget burns, and what is left of it. The shares
//! are recorded by the rules that are made of the same declarations.

use super::super::layout::Row;
use super::super::model::Panel;
use super::super::unit;
use super::Scope;

/// Burns the budget of 30 days in two: somebody is called.
const FAST: f64 = 14.4;

pub(super) fn row(scope: &Scope<'_>) -> Row {
    if scope.catalogue.objectives().next().is_none() {
        return Row::new("Objectives", []);
    }
    let burning = "How many times faster than allowed the error budget is used: 1 uses all of it \
                   just in time.";
    let left = "The share of the error budget that is left, if the last three days went on; below \
                zero the objective is missed.";
    let bad = "The share of bad events over five minutes, and what the objective allows.";
    let [short, long, days] = ["1h", "6h", "3d"].map(|window| burn(scope, window));
    let panels = [
        Panel::time_series("Burn rate", burning, unit::NUMBER)
            .line_at(FAST)
            .prometheus(short, "{{slo}} 1h")
            .prometheus(long, "{{slo}} 6h"),
        Panel::time_series("Error budget left", left, unit::SHARE)
            .unbounded()
            .prometheus(format!("1 - {days}"), "{{slo}}"),
        Panel::time_series("Bad events", bad, unit::SHARE)
            .prometheus(
                scope.series.select("slo:bad_events:ratio_rate5m", ""),
                "{{slo}}",
            )
            .prometheus(format!("1 - {}", objective(scope)), "{{slo}} allowed"),
    ];
    Row::new("Objectives", panels)
}

/// The worst of all burn rates.
pub(super) fn fastest_burn(scope: &Scope<'_>) -> Option<Panel> {
    scope.catalogue.objectives().next()?;
    let description = "How fast the error budget of the worst objective was used in the last hour: \
                       1 uses all of it just in time.";
    Some(
        Panel::stat("SLO burn", description, unit::NUMBER)
            .doubtful_from(Some(1.0), Some(FAST))
            .prometheus(format!("max({})", burn(scope, "1h")), "burn"),
    )
}

fn burn(scope: &Scope<'_>, window: &str) -> String {
    let name = format!("slo:bad_events:ratio_rate{window}");
    let bad = scope.series.select(&name, "");
    format!("{bad} / (1 - {})", objective(scope))
}

fn objective(scope: &Scope<'_>) -> String {
    scope.series.select("slo:objective:ratio", "")
}
