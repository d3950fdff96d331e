//! A process whose `metrics` facade belongs to somebody else.

use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, SharedString, Unit};
use obs::{Format, Obs, ProblemKind, Recorder};
use obs_tests::scrape::Scrape;

/// Counts nothing, but is there; passes records on to obs once it knows it.
struct Theirs(std::sync::Arc<std::sync::OnceLock<Recorder>>);

impl metrics::Recorder for Theirs {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn register_counter(&self, key: &Key, metadata: &Metadata<'_>) -> Counter {
        match self.0.get() {
            Some(obs) => obs.register_counter(key, metadata),
            None => Counter::noop(),
        }
    }
    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }
    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

fn setup() -> obs::Setup {
    Obs::from_vars(obs::service!(), [("OBS_ENV", "dev")]).unwrap()
}

// One test, because there is one process.
#[test]
fn another_recorder_is_an_error_that_installs_nothing_and_can_be_composed_with() {
    let link = std::sync::Arc::new(std::sync::OnceLock::new());
    metrics::set_global_recorder(Theirs(std::sync::Arc::clone(&link)))
        .map_err(|_| "taken")
        .unwrap();

    let error = setup().install().unwrap_err();
    assert_eq!(error.problems().len(), 1);
    assert_eq!(error.problems()[0].kind(), ProblemKind::RecorderInstalled);
    assert!(
        error.to_string().contains(".install_recorder(false)"),
        "{error}"
    );
    let families = obs::catalog::gather();
    assert!(
        families
            .iter()
            .all(|family| family.name != "obs_build_info")
    );

    let both = setup().max_routes(0).install().unwrap_err();
    let kinds: Vec<_> = both
        .problems()
        .iter()
        .map(obs::StartProblem::kind)
        .collect();
    assert_eq!(
        kinds,
        [ProblemKind::InvalidOption, ProblemKind::RecorderInstalled]
    );

    // What the error advises works.
    let obs = setup().install_recorder(false).install().unwrap();
    assert!(link.set(obs.recorder().unwrap()).is_ok());
    metrics::counter!("passed.on").increment(3);
    let scrape = Scrape::text(&obs.scrape(Format::Text));
    assert_eq!(scrape.value("passed_on", &[]), Some(3.0));
}
