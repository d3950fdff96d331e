//! The tower layer and service that `obs.wrap(router)` puts around every route.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use axum::extract::{MatchedPath, NestedPath};
use axum::response::{IntoResponse, Response};
use tower_layer::Layer;
use tower_service::Service;

use super::access::Listener;
use super::endpoints::{self, Answer, Asked};
use super::exchange::Exchange;
use super::future::{HttpFuture, Request};
use super::{inbound, probe};
use crate::call::forget;
use crate::clock::Stopwatch;
use crate::context::Ctx;
use crate::start::Obs;

/// Counts requests and answers `/metrics`, for plain tower services; routers take
/// [`Obs::wrap`](crate::Obs::wrap).
///
/// The route of a request is axum's `MatchedPath`; without one, as outside of a router, every
/// request is `unmatched`. A request that passes several of these layers is counted once.
///
/// # Cardinality
/// At most 100 routes ([`max_routes`](crate::Setup::max_routes)), 250 pairs of method and route,
/// and 27 statuses. Nothing that a client sends adds a series of its own.
///
/// # Example
/// ```standalone_crate
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use obs_runtime::Obs;
/// use tower_layer::Layer;
///
/// let obs = Obs::from_vars(obs_runtime::service!(), [("OBS_ENV", "dev")])?.detached()?;
/// let service = obs.layer().layer(axum::Router::<()>::new());
/// # drop(service);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct HttpLayer {
    obs: Obs,
}

impl HttpLayer {
    pub(crate) fn new(obs: Obs) -> Self {
        Self { obs }
    }
}

impl<S> Layer<S> for HttpLayer {
    type Service = HttpService<S>;

    fn layer(&self, inner: S) -> HttpService<S> {
        HttpService {
            inner,
            obs: self.obs.clone(),
        }
    }
}

/// The service that [`HttpLayer`] makes.
#[derive(Clone)]
pub struct HttpService<S> {
    inner: S,
    obs: Obs,
}

/// Whether it was said that a route of the user's own hides one of ours.
static SAID_HIDDEN: AtomicBool = AtomicBool::new(false);

/// Whether it was said that a wrapped router was nested.
static SAID_NESTED: AtomicBool = AtomicBool::new(false);

impl<S, B> Service<http::Request<B>> for HttpService<S>
where
    S: Service<http::Request<B>>,
    S::Response: IntoResponse,
{
    type Response = Response;
    type Error = S::Error;
    type Future = HttpFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: http::Request<B>) -> Self::Future {
        let watch = Stopwatch::start();
        // A test's requests are its own, whatever task serves them.
        let _test = self.obs.http().test.enter();
        let traffic = self.obs.traffic();
        let outer = request.extensions().get::<Ctx>().and_then(Ctx::traffic);
        if outer.is_some_and(|outer| Arc::ptr_eq(outer, traffic)) {
            return HttpFuture::passing(self.inner.call(request));
        }
        if let Some(answer) = probe::answer(request.extensions()) {
            return HttpFuture::ready(answer);
        }
        let route = request.extensions().get::<MatchedPath>();
        match route {
            None => {
                let asked = Asked {
                    listener: Listener::Main,
                    method: request.method(),
                    version: request.version(),
                    uri: request.uri(),
                    headers: request.headers(),
                    peer: inbound::peer(request.extensions()),
                };
                match endpoints::answer(&self.obs, &asked) {
                    Some(Answer::Ready(page)) => return HttpFuture::ready(page),
                    Some(Answer::Wait(page)) => return HttpFuture::page(page),
                    None => {}
                }
            }
            Some(route) if self.obs.http().serving.answers(request.uri().path()) => {
                say_hidden(route.as_str());
            }
            Some(_) => {}
        }
        if let Some(nested) = request.extensions().get::<NestedPath>() {
            say_nested(nested.as_str());
        }
        let row = traffic.row(request.method(), route.map(MatchedPath::as_str));
        let ctx = inbound::context(&request, &row, traffic);
        let (method, version) = (request.method().clone(), request.version());
        let exchange = Exchange::begin(&self.obs, watch, &method, version, row, ctx.clone());
        request.extensions_mut().insert(ctx);
        let mut recorded = Request {
            exchange,
            method,
            shutdown: self.obs.http().shutdown.clone(),
        };
        // A service may do its work before it returns a future.
        let called = catch_unwind(AssertUnwindSafe(|| {
            recorded.exchange.scope(|| self.inner.call(request))
        }));
        match called {
            Ok(future) => HttpFuture::recorded(future, recorded),
            Err(panic) => {
                forget(panic);
                recorded.exchange.panicked();
                HttpFuture::panicked(recorded)
            }
        }
    }
}

#[cold]
fn say_hidden(route: &str) {
    if !SAID_HIDDEN.swap(true, Ordering::Relaxed) {
        tracing::warn!(
            target: "obs::http",
            path = route,
            "the router has a route of its own where obs has an endpoint: the route is served"
        );
    }
}

#[cold]
fn say_nested(nested: &str) {
    if !SAID_NESTED.swap(true, Ordering::Relaxed) {
        tracing::warn!(
            target: "obs::http",
            nested,
            "a router was nested after `obs.wrap`: what the outer router does not find is not seen, and obs's own pages are not served; call `obs.wrap` last"
        );
    }
}

impl fmt::Debug for HttpLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpLayer").finish_non_exhaustive()
    }
}

impl<S: fmt::Debug> fmt::Debug for HttpService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpService")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}
