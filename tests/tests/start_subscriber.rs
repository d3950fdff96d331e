//! A process whose subscriber belongs to somebody else, and what may be done about it.

use std::io::Write;
use std::sync::{Arc, Mutex};

use obs::{Obs, ProblemKind};
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Written {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

/// Passes on to obs once it is there.
#[derive(Clone)]
struct Later(Arc<std::sync::OnceLock<Box<dyn Layer<tracing_subscriber::Registry> + Send + Sync>>>);

impl Layer<tracing_subscriber::Registry> for Later {
    fn on_event(
        &self,
        event: &tracing::Event<'_>,
        context: tracing_subscriber::layer::Context<'_, tracing_subscriber::Registry>,
    ) {
        if let Some(layer) = self.0.get() {
            layer.on_event(event, context);
        }
    }
}

fn setup() -> obs::Setup {
    Obs::from_vars(
        obs::service!(),
        [("OBS_ENV", "dev"), ("LOG_FORMAT", "json")],
    )
    .unwrap()
}

// One test, because there is one process.
#[test]
fn i2_another_subscriber_is_an_error_that_installs_nothing_and_can_be_composed_with() {
    let later = Later(Arc::default());
    tracing_subscriber::registry().with(later.clone()).init();

    let error = setup().install().unwrap_err();
    let kinds: Vec<_> = error
        .problems()
        .iter()
        .map(obs::StartProblem::kind)
        .collect();
    assert_eq!(kinds, [ProblemKind::SubscriberInstalled], "{error}");
    assert!(error.to_string().contains(".logs(false)"), "{error}");
    // Nothing is half-installed: the recorder is still nobody's.
    let recorder = metrics::with_recorder(|recorder| size_of_val(recorder));
    assert_eq!(recorder, 0);
    let families = obs::catalog::gather();
    assert!(
        families
            .iter()
            .all(|family| family.name != "obs_build_info")
    );

    // What the error advises works, and the panic hook speaks to the same subscriber.
    let written = Written::default();
    let obs = setup()
        .logs(false)
        .log_writer(written.clone())
        .install()
        .unwrap();
    assert!(later.0.set(Box::new(obs.log_layer())).is_ok());
    tracing::info!(n = 7, "composed");
    drop(std::thread::spawn(|| panic!("composed too")).join());
    let losses = obs.flush(std::time::Duration::from_secs(5));
    assert!(losses.is_empty(), "{losses}");
    let text = written.text();
    assert!(
        text.contains("\"message\":\"composed\"") && text.contains("\"n\":7"),
        "{text}"
    );
    assert!(text.contains("\"target\":\"obs::panic\""), "{text}");
    assert!(text.contains("composed too"), "{text}");

    let again = setup().logs(false).install().unwrap_err();
    assert_eq!(again.problems()[0].kind(), ProblemKind::AlreadyInstalled);
}
