//! A process whose `log` logger belongs to somebody else.

use obs::{Obs, ProblemKind};

struct Theirs {
    // A logger without fields cannot be told from none before it is too late for the others.
    _field: u8,
}

impl log::Log for Theirs {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        false
    }
    fn log(&self, _: &log::Record<'_>) {}
    fn flush(&self) {}
}

fn setup() -> obs::Setup {
    Obs::from_vars(obs::service!(), [("OBS_ENV", "dev")])
        .unwrap()
        .log_writer(std::io::sink())
}

// One test, because there is one process.
#[test]
fn i2_another_logger_is_an_error_that_installs_nothing_and_can_be_kept() {
    log::set_logger(Box::leak(Box::new(Theirs { _field: 1 }))).unwrap();
    let error = setup().install().unwrap_err();
    let kinds: Vec<_> = error
        .problems()
        .iter()
        .map(obs::StartProblem::kind)
        .collect();
    assert_eq!(kinds, [ProblemKind::LoggerInstalled], "{error}");
    assert!(error.to_string().contains(".log_bridge(false)"), "{error}");
    assert!(tracing::dispatcher::get_default(|dispatch| {
        dispatch.is::<tracing::subscriber::NoSubscriber>()
    }));

    let obs = setup().log_bridge(false).install().unwrap();
    tracing::info!("works");
    assert!(obs.flush(std::time::Duration::from_secs(5)).is_empty());
}
