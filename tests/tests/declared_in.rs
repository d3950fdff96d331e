//! `Setup::declared_in`: two services in one binary, each with its own families from the start.
//!
//! One test, because what was recorded once is there for the whole process.

use obs::catalog::Family;
use obs::{Format, Obs};
use obs_tests::scrape::Scrape;

mod engine {
    #[derive(Debug, obs::ErrorLabel, obs::ProblemError, thiserror::Error)]
    pub(super) enum EngineError {
        #[error("full")]
        #[problem(status = 503)]
        EngineFull,
    }

    obs::metrics! {
        pub(super) registry ENGINE;

        /// Jobs that were done.
        pub(super) counter engine_jobs_total(done: bool);
    }

    pub(super) mod below {
        #[obs::observed]
        pub(crate) fn engine_step() {}
    }
}

mod desk {
    use rmcp::{tool, tool_router};

    #[derive(Debug, obs::ErrorLabel, obs::ProblemError, thiserror::Error)]
    pub(super) enum DeskError {
        #[error("closed")]
        #[problem(status = 503)]
        DeskClosed,
    }

    obs::metrics! {
        pub(super) registry DESK;

        /// Times that the bell rang, by whether it was heard.
        pub(super) counter desk_rings_total(heard: bool);

        /// People in front of the desk.
        pub(super) gauge desk_people();

        /// Seconds that somebody waited.
        pub(super) histogram desk_wait_seconds() { buckets = [1.0] }
    }

    #[obs::observed]
    pub(super) fn desk_step() -> Result<(), DeskError> {
        Err(DeskError::DeskClosed)
    }

    pub(super) struct Desk;

    #[obs::observed]
    #[tool_router(server_handler)]
    impl Desk {
        #[tool]
        pub(super) async fn desk_tool(&self) -> String {
            String::new()
        }
    }
}

/// Begins like the engine, and is not of it.
mod engines {
    #[obs::observed]
    pub(super) fn engines_step() {}
}

fn setup() -> obs::Setup {
    Obs::from_vars(obs::service!(), [("OBS_ENV", "dev")]).unwrap()
}

fn scrape(obs: &Obs) -> Scrape {
    Scrape::text(&obs.scrape(Format::Text))
}

/// What of this file is on a scrape: families, operations, tools and codes.
fn shown(obs: &Obs) -> Vec<String> {
    let ours = ["engine", "desk"];
    let mut found: Vec<String> = Vec::new();
    for Family { name, samples, .. } in obs.families() {
        if name == "obs_series" {
            continue;
        }
        let values = samples.iter().flat_map(|sample| &sample.labels);
        found.push(name.into_owned());
        found.extend(values.map(|(_, value)| value.clone().into_owned()));
    }
    found.retain(|it| ours.iter().any(|ours| it.starts_with(ours)));
    found.sort();
    found.dedup();
    found
}

#[test]
fn elsewhere_is_on_the_scrape_from_its_first_record_on_and_no_number_is_lost() {
    let here = module_path!();
    let engine = setup()
        .declared_in([format!("{here}::engine")])
        .detached()
        .unwrap();
    let desk = setup()
        .declared_in([format!("{here}::nothing")])
        .declared_in([format!("{here}::desk")])
        .detached()
        .unwrap();
    let both = setup().detached().unwrap();

    let of_engine = ["engine_full", "engine_jobs_total", "engine_step"];
    let of_desk = [
        "desk_closed",
        "desk_people",
        "desk_rings_total",
        "desk_step",
        "desk_tool",
        "desk_wait_seconds",
    ];
    assert_eq!(shown(&engine), of_engine);
    assert_eq!(shown(&desk), of_desk);
    let all = [&of_desk[..], &of_engine, &["engines_step"]].concat();
    assert_eq!(shown(&both), all);

    // The report, its budgets and the gauge of series follow.
    let of_report = |obs: &Obs| {
        let report = obs.report();
        let rows: usize = report
            .rows
            .iter()
            .filter(|row| row.family.starts_with("desk_"))
            .map(|row| row.max_combinations)
            .sum();
        let mut registries: Vec<_> = report.registries.iter().map(|row| row.registry).collect();
        registries.sort_unstable();
        (rows, registries)
    };
    assert_eq!(of_report(&engine), (0, vec!["ENGINE"]));
    assert_eq!(of_report(&desk), (4, vec!["DESK"]));
    let series = |obs: &Obs| scrape(obs).value("obs_series", &[("family", "desk_rings_total")]);
    assert_eq!(series(&engine), None);
    assert_eq!(series(&desk), Some(2.0));

    // Setting a gauge to zero is a record too.
    desk::desk_people().set(0);
    desk::desk_rings_total(true).inc();
    assert_eq!(
        shown(&engine),
        [&["desk_people", "desk_rings_total"], &of_engine[..]].concat()
    );
    let found = scrape(&engine);
    let rings = |heard| found.value("desk_rings_total", &[("heard", heard)]);
    assert_eq!([rings("true"), rings("false")], [Some(1.0), Some(0.0)]);
    assert_eq!(found.value("desk_people", &[]), Some(0.0));
    assert_eq!(of_report(&engine), (3, vec!["DESK", "ENGINE"]));
    assert_eq!(series(&engine), Some(2.0));

    desk::desk_step().unwrap_err();
    engines::engines_step();
    let found = scrape(&engine);
    let calls = [("operation", "desk_step"), ("outcome", "error")];
    assert_eq!(found.value("operation_calls_total", &calls), Some(1.0));
    let errors = [("operation", "desk_step"), ("error", "desk_closed")];
    assert_eq!(found.value("operation_errors_total", &errors), Some(1.0));
    let calls = [("operation", "engines_step"), ("outcome", "ok")];
    assert_eq!(found.value("operation_calls_total", &calls), Some(1.0));

    desk::desk_wait_seconds().observe(2.0);
    let found = scrape(&engine);
    assert_eq!(found.value("desk_wait_seconds_count", &[]), Some(1.0));
    let tool = [("tool", "desk_tool"), ("outcome", "ok")];
    assert_eq!(found.value("mcp_tool_calls_total", &tool), None);

    engine::below::engine_step();
    engine::engine_jobs_total(true).inc();
    let _ = (engine::EngineError::EngineFull, desk::Desk);
}
