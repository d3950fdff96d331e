//! A service that only logs makes no span of a call without fields. Alone in its process: whether a
//! callsite is wanted is asked of all subscribers there are.

use obs::{Ctx, Obs};
use tracing_subscriber::layer::{Layer, SubscriberExt};

#[obs::observed]
fn plain() -> bool {
    tracing::Span::current().is_none()
}

#[obs::observed(level = "error")]
fn loud() -> bool {
    tracing::Span::current().is_none()
}

#[obs::observed(fields(job = 7))]
fn with_fields() -> bool {
    tracing::Span::current().is_none()
}

#[test]
fn the_log_and_sentry_alone_make_no_span_of_a_call_without_fields() {
    let variables = [
        ("OBS_ENV", "dev"),
        ("RUST_LOG", "trace"),
        ("SENTRY_DSN", "http://key@127.0.0.1:9/1"),
    ];
    let obs = Obs::from_vars(obs::service!(), variables)
        .unwrap()
        .detached()
        .unwrap();
    let subscriber = tracing_subscriber::registry()
        .with(obs.log_layer().with_filter(obs.log_filter()))
        .with(obs.sentry_layer());
    tracing::subscriber::with_default(subscriber, || {
        assert!(plain() && loud(), "there is a span around the body");
        assert!(!with_fields(), "fields are for the lines");
        Ctx::new().scope(|| assert!(plain()));
    });
}
