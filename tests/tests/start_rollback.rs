//! Starts that fail at each step, after which a correct one succeeds in the same process.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use obs::{Obs, ProblemKind};

#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Written {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn setup() -> obs::Setup {
    Obs::from_vars(obs::service!(), [("OBS_ENV", "dev")]).unwrap()
}

type Choice = fn(obs::Setup) -> obs::Setup;

// One test, because there is one process.
#[test]
fn i3_after_every_failed_start_a_correct_one_succeeds() {
    for variables in [
        [("SENTRY_DSN", "no dsn")],
        [("OBS_CHECK_URL", "no url")],
        [("OBS_ADMIN_ADDR", "nowhere")],
        [("OBS_METRICS_TOKEN_FILE", "/nowhere/at/all")],
    ] {
        assert!(Obs::from_vars(obs::service!(), variables).is_err());
    }
    let wrong: [Choice; 6] = [
        |setup| setup.max_routes(0),
        |setup| setup.facade_cap(0),
        |setup| setup.metric_prefix("9"),
        |setup| setup.success_sample(f64::NAN),
        |setup| setup.shutdown_timeout(Duration::MAX),
        |setup| setup.metrics_token("short"),
    ];
    for option in wrong {
        let error = option(setup()).install().unwrap_err();
        assert_eq!(error.problems()[0].kind(), ProblemKind::InvalidOption);
    }

    let written = Written::default();
    let obs = setup().log_writer(written.clone()).install().unwrap();
    tracing::info!("written");
    assert!(obs.flush(Duration::from_secs(5)).is_empty());
    let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
    assert!(
        text.starts_with('{') && text.contains("\"obs started\""),
        "{text}"
    );
    assert!(text.contains("\"written\""), "{text}");
    assert!(text.contains("\"log\":\"json to a writer\""), "{text}");
}

#[test]
fn i5_fifty_detached_ones_in_one_process_are_independent() {
    let all: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..50)
            .map(|n| {
                scope.spawn(move || {
                    let written = Written::default();
                    let obs = Obs::from_vars(obs::service!(), [("OBS_ENV", "dev")])
                        .unwrap()
                        .log_writer(written.clone())
                        .detached()
                        .unwrap();
                    let layer = obs.log_layer();
                    let subscriber = tracing_subscriber::layer::SubscriberExt::with(
                        tracing_subscriber::registry(),
                        layer,
                    );
                    tracing::subscriber::with_default(subscriber, || tracing::info!(n, "one"));
                    assert!(obs.flush(Duration::from_secs(5)).is_empty());
                    (n, written)
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    for (n, written) in all {
        let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
        assert_eq!(text.lines().count(), 1, "{text}");
        assert!(text.contains(&format!("\"n\":{n}")), "{text}");
    }
}
