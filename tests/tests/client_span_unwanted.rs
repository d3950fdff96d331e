//! The span of an outgoing request where nobody exports any: alone in its process, because `tracing`
//! remembers for all subscribers together who wants a span.

use http::{Request, Response};
use obs::Obs;
use tower::{Layer as _, ServiceExt};
use tracing::Span;
use tracing_subscriber::layer::{Layer, SubscriberExt};

#[tokio::test]
async fn a_span_that_nobody_but_the_log_wants_is_not_made() {
    let variables = [("OBS_ENV", "dev"), ("RUST_LOG", "trace")];
    let setup = Obs::from_vars(obs::service!(), variables).unwrap();
    let obs = setup.detached().unwrap();
    let log = obs.log_layer().with_filter(obs.log_filter());
    let subscriber = tracing_subscriber::registry().with(log);
    tracing::subscriber::set_global_default(subscriber).unwrap();
    // The log is on, and has what it wants.
    assert!(!tracing::info_span!("wanted").is_disabled());

    let layer = obs.client_layer().build().unwrap();
    let looks = async |_: Request<()>| {
        assert!(Span::current().is_none());
        Ok::<_, std::io::Error>(Response::new(()))
    };
    let service = layer.layer(tower::service_fn(looks));
    let request = Request::get("http://engine/").body(()).unwrap();
    service.oneshot(request).await.unwrap();
}
