//! The tower layer and service that `obs.wrap(router)` puts around every route.

use std::fmt;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use axum::extract::{ConnectInfo, MatchedPath};
use axum::response::{IntoResponse, Response};
use http::Request;
use tower_layer::Layer;
use tower_service::Service;

use super::access::Listener;
use super::endpoints::{self, Answer, Asked};
use super::future::HttpFuture;
use super::guard::{OnPanic, RequestGuard};
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

/// Marks a request as counted by the `Obs` of this number.
#[derive(Clone, Copy)]
struct CountedBy(usize);

/// Whether it was said that the user's own `/metrics` hides ours.
static SAID: AtomicBool = AtomicBool::new(false);

impl<S, B> Service<Request<B>> for HttpService<S>
where
    S: Service<Request<B>>,
    S::Response: IntoResponse,
{
    type Response = Response;
    type Error = S::Error;
    type Future = HttpFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let me = CountedBy(self.obs.id());
        let counted = request.extensions().get::<CountedBy>();
        if counted.is_some_and(|by| by.0 == me.0) {
            return HttpFuture::inner(self.inner.call(request), None);
        }
        let route = request.extensions().get::<MatchedPath>();
        let path = request.uri().path();
        match route {
            None => {
                let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
                let asked = Asked {
                    listener: Listener::Main,
                    method: request.method(),
                    path,
                    headers: request.headers(),
                    peer: peer.map(|peer| peer.0),
                };
                match endpoints::answer(&self.obs, &asked) {
                    Some(Answer::Ready(response)) => return HttpFuture::ready(response),
                    Some(Answer::Wait(response)) => return HttpFuture::wait(response),
                    None => {}
                }
            }
            Some(route) if self.obs.http().serving.paths.endpoint(path).is_some() => {
                say_once(route.as_str());
            }
            Some(_) => {}
        }
        let cells = self
            .obs
            .routes()
            .cells(request.method(), route.map(MatchedPath::as_str));
        let mut guard = Some(RequestGuard::new(cells));
        request.extensions_mut().insert(me);
        let on_panic = OnPanic::new(&mut guard);
        let future = self.inner.call(request);
        on_panic.disarm();
        HttpFuture::inner(future, guard)
    }
}

#[cold]
fn say_once(route: &str) {
    if !SAID.swap(true, Ordering::Relaxed) {
        tracing::warn!(
            route,
            "the router has a route of its own where obs has an endpoint: the route is served"
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
