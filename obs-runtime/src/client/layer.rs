//! The tower layer for clients.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use super::directory::{Checked, Directory, Route, Target};
use super::error::ClientError;
use super::exchange::{ClientExchange, End};
use super::peer::Peer;
use crate::start::Obs;

/// Makes a [`ClientLayer`]; see [`Obs::client_layer`].
#[derive(Clone, Debug)]
#[must_use = "nothing is observed before `.build()`"]
pub struct ClientLayerBuilder {
    obs: Obs,
    peers: Vec<Peer>,
}

impl ClientLayerBuilder {
    pub(super) const fn new(obs: Obs) -> Self {
        Self {
            obs,
            peers: Vec::new(),
        }
    }

    /// Declares a service that requests go to. All others are counted as `_other`.
    pub fn peer(mut self, peer: Peer) -> Self {
        self.peers.push(peer);
        self
    }

    /// Makes the layer.
    ///
    /// # Errors
    /// If a peer cannot be used; the error lists every mistake of all of them.
    pub fn build(self) -> Result<ClientLayer, ClientError> {
        let mut problems = Vec::new();
        let checked = Checked::new(&self.peers, &mut problems);
        if !problems.is_empty() {
            return Err(ClientError::new(problems));
        }
        Ok(ClientLayer {
            directory: Arc::new(super::directory_of(&self.obs, checked)),
        })
    }
}

/// Observes the requests of a client: any tower service from [`http::Request`] to
/// [`http::Response`], such as that of `hyper-util` or a `tonic` channel; see
/// [`Obs::client_layer`].
#[derive(Clone)]
pub struct ClientLayer {
    directory: Arc<Directory>,
}

impl<S> Layer<S> for ClientLayer {
    type Service = ClientService<S>;

    fn layer(&self, inner: S) -> ClientService<S> {
        ClientService {
            inner,
            directory: Arc::clone(&self.directory),
        }
    }
}

/// The service that [`ClientLayer`] makes.
#[derive(Clone)]
pub struct ClientService<S> {
    inner: S,
    directory: Arc<Directory>,
}

/// Marks a request that is recorded further out.
#[derive(Clone, Copy)]
struct Recorded;

impl<S, B, R> Service<Request<B>> for ClientService<S>
where
    S: Service<Request<B>, Response = Response<R>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = ClientFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        if request.extensions().get::<Recorded>().is_some() {
            return ClientFuture {
                future: self.inner.call(request),
                exchange: None,
            };
        }
        let (mut parts, body) = request.into_parts();
        parts.extensions.insert(Recorded);
        let (mut exchange, _) = ClientExchange::begin(
            &self.directory,
            Target::of(&parts.uri),
            &parts.method,
            parts.extensions.get::<Route>().copied(),
            &mut parts.headers,
        );
        let request = Request::from_parts(parts, body);
        let future = exchange.run(|| self.inner.call(request));
        ClientFuture {
            future,
            exchange: Some(exchange),
        }
    }
}

pin_project! {
    /// The response of a peer.
    ///
    /// # Cancel safety
    /// Dropped before it is ready, the request is counted as `cancelled`.
    pub struct ClientFuture<F> {
        #[pin]
        future: F,
        exchange: Option<ClientExchange>,
    }
}

impl<F> ClientFuture<F> {
    #[cfg(feature = "reqwest")]
    pub(super) const fn new(future: F, exchange: ClientExchange) -> Self {
        Self {
            future,
            exchange: Some(exchange),
        }
    }
}

impl<F: Future> ClientFuture<F> {
    /// Polls, and records what `end` makes of the outcome.
    pub(super) fn poll_until(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        end: impl FnOnce(&F::Output) -> End,
    ) -> Poll<F::Output> {
        let this = self.project();
        let Some(exchange) = this.exchange else {
            return this.future.poll(cx);
        };
        let polled = exchange.run(|| this.future.poll(cx));
        if let Poll::Ready(outcome) = &polled
            && let Some(exchange) = this.exchange.take()
        {
            exchange.finish(end(outcome));
        }
        polled
    }
}

impl<F, R, E> Future for ClientFuture<F>
where
    F: Future<Output = Result<Response<R>, E>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        self.poll_until(cx, |outcome| match outcome {
            Ok(response) => End::Response(response.status()),
            // The conventions name an error by its type where it has no better name.
            Err(_) => End::Failed(std::any::type_name::<E>()),
        })
    }
}

impl fmt::Debug for ClientLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientLayer").finish_non_exhaustive()
    }
}

impl<S: fmt::Debug> fmt::Debug for ClientService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientService")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}

impl<F> fmt::Debug for ClientFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientFuture").finish_non_exhaustive()
    }
}
