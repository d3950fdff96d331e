//! A route template for services that are mounted below a path.

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::Request;
use tower_service::Service;

use crate::context::Ctx;

/// Gives everything below a mounted service one route template.
///
/// axum tells no template of what a `nest_service` serves below its path, so such requests would be
/// `unmatched`.
///
/// # Cardinality
/// One route. The template is part of the source, so that nothing a client sends becomes a label.
///
/// # Example
/// ```
/// # use axum::Router;
/// # let files = Router::<()>::new();
/// use obs_runtime as obs;
///
/// let router: Router = Router::new()
///     .nest_service("/files", obs::http::mount("/files/{*path}", files));
/// ```
pub fn mount<S>(template: &'static str, service: S) -> Mount<S> {
    Mount {
        route: Arc::from(template),
        service,
    }
}

/// A service with a route template; made by [`mount`].
#[derive(Clone)]
pub struct Mount<S> {
    route: Arc<str>,
    service: S,
}

impl<S, B> Service<Request<B>> for Mount<S>
where
    S: Service<Request<B>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.service.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> S::Future {
        if let Some(ctx) = Ctx::entered() {
            ctx.mount(&self.route);
        }
        self.service.call(request)
    }
}

impl<S> fmt::Debug for Mount<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mount")
            .field("route", &self.route)
            .finish_non_exhaustive()
    }
}
