//! Whether a router was wrapped, asked before it serves anybody.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use http::{Extensions, Request, Uri};
use tower_service::Service;

use crate::call::forget;

/// A path that no router has a route for, unless it has one for all.
const PATH: &str = "/.well-known/obs-probe";

/// Marks the question; no request from the network can carry it.
#[derive(Clone, Copy)]
struct Question;

/// Marks the answer of the layer.
#[derive(Clone, Copy)]
struct Answer;

/// Answers if the request is the question.
pub(super) fn answer(extensions: &Extensions) -> Option<Response> {
    extensions.get::<Question>()?;
    let mut response = Response::new(Body::empty());
    response.extensions_mut().insert(Answer);
    Some(response)
}

/// Says so if what the router does not find is not seen: it was not wrapped, or a wrapped router
/// was nested or merged into it afterwards.
///
/// The layer answers at once; a handler that is not below it is polled once and dropped.
pub(super) fn check(router: &Router) {
    if !is_wrapped(router) {
        tracing::warn!(
            target: "obs::start",
            "the router that is served is not the result of `obs.wrap`, or that result was nested in it: \
             requests are missing in logs and metrics, and obs's own pages are not served; \
             call `obs.wrap` last: `obs.serve(listener, obs.wrap(router))`"
        );
    }
}

fn is_wrapped(router: &Router) -> bool {
    let mut request = Request::new(Body::empty());
    *request.uri_mut() = Uri::from_static(PATH);
    request.extensions_mut().insert(Question);
    let mut cx = Context::from_waker(Waker::noop());
    let asked = catch_unwind(AssertUnwindSafe(|| {
        match pin!(router.clone().call(request)).poll(&mut cx) {
            Poll::Ready(Ok(response)) => response.extensions().get::<Answer>().is_some(),
            Poll::Pending => false,
        }
    }));
    asked.unwrap_or_else(|panic| {
        forget(panic);
        false
    })
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::routing::{any, get};

    use super::is_wrapped;
    use crate::start::{Obs, Service};

    #[test]
    fn a_router_that_was_wrapped_last_is_told_from_all_others() {
        let obs = Obs::from_vars(Service::new("probe", "0"), [("OBS_ENV", "dev")])
            .unwrap()
            .detached()
            .unwrap();
        let plain = || Router::new().route("/a", get(async || ""));
        assert!(is_wrapped(&obs.wrap(plain())));
        assert!(is_wrapped(&obs.wrap(plain().fallback(async || ""))));
        assert!(is_wrapped(
            &obs.wrap(Router::new().route("/{*all}", any(async || "")))
        ));
        assert!(is_wrapped(&obs.wrap(Router::new().nest("/b", plain()))));
        assert!(!is_wrapped(&plain()));
        assert!(!is_wrapped(&Router::new().nest("/b", obs.wrap(plain()))));
        assert!(!is_wrapped(
            &Router::new().fallback(async || -> () { panic!("on purpose") })
        ));
        assert!(!is_wrapped(
            &Router::new().fallback(std::future::pending::<()>)
        ));
        let obs = obs.scrape(crate::Format::Text);
        assert!(!obs.contains("http_requests_total{"), "none was counted");
    }
}
