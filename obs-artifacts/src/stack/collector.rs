//! `deploy/{collector,loki,tempo}`: what traces and lines go through, and where they stay.

use super::template;
use crate::files::Files;
use crate::system::System;

pub(super) fn render(system: &System, files: &mut Files) {
    let slow = slow_ms(system).to_string();
    let words = [("slow_ms", slow.as_str())];
    for (path, text) in [
        (
            "collector/collector.yml",
            include_str!("templates/collector.yml"),
        ),
        (
            "collector/traces-to-tempo.yml",
            include_str!("templates/traces-to-tempo.yml"),
        ),
        (
            "collector/traces-to-jaeger.yml",
            include_str!("templates/traces-to-jaeger.yml"),
        ),
        ("loki/loki.yml", include_str!("templates/loki.yml")),
        ("tempo/tempo.yml", include_str!("templates/tempo.yml")),
    ] {
        files.add(format!("deploy/{path}"), template(system, text, &words));
    }
}

/// The smallest latency that an alert of any environment fires at: whoever is called about slow
/// requests finds their traces.
fn slow_ms(system: &System) -> u64 {
    let bounds = system.environments.iter().flat_map(|environment| {
        let latency = environment.latency;
        latency.warning.into_iter().chain(latency.page)
    });
    let smallest = bounds.min_by(f64::total_cmp).unwrap_or(1.0);
    std::time::Duration::try_from_secs_f64(smallest)
        .map_or(1000, |it| u64::try_from(it.as_millis()).unwrap_or(1000))
}
