//! `obs.serve`: connections with time limits, and a stop that ends.

use std::future::{Future, poll_fn};
use std::io::{self, IoSlice};
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use http::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
#[cfg(feature = "http2")]
use hyper_util::rt::TokioExecutor;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{self, Instant};
use tower_service::Service;

use super::traffic::Traffic;
use crate::health::Shutdown;
use crate::start::Obs;

/// The first and the longest pause after an error of the listener, such as too many open files.
const ACCEPT_PAUSE: (Duration, Duration) = (Duration::from_millis(5), Duration::from_secs(1));

/// That there is no room is said no more often.
const LOG_PAUSE: Duration = Duration::from_secs(60);

/// How long tasks that were cut off have to fall over.
const CUT_OFF: Duration = Duration::from_millis(100);

/// What connections may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// From connecting to the end of the first request's headers.
    pub(crate) header_timeout: Duration,
    /// From one response to the end of the next request's headers.
    pub(crate) keep_alive_timeout: Duration,
    pub(crate) max_connections: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            header_timeout: Duration::from_secs(10),
            // Longer than load balancers keep an idle connection: the side that closes first
            // must be theirs, or they send requests into a closing one.
            keep_alive_timeout: Duration::from_secs(75),
            max_connections: 10_000,
        }
    }
}

impl Obs {
    /// Serves a router until the service is told to stop, and then stops within the time limit.
    ///
    /// Give it what [`wrap`](Self::wrap) returned. A connection has ten seconds to send the
    /// headers of its first request ([`header_timeout`](crate::Setup::header_timeout)), and 75
    /// between one response and the next request
    /// ([`keep_alive_timeout`](crate::Setup::keep_alive_timeout)). Handlers find the peer's
    /// address in `ConnectInfo<SocketAddr>`. With `OBS_ADMIN_ADDR` set, the admin listener runs as
    /// long as this. `/startup` answers 200 from here on, unless
    /// [`manual_startup`](crate::Setup::manual_startup) was chosen. HTTP/2 is spoken with feature
    /// `http2`.
    ///
    /// When [`shutdown`](Self::shutdown) begins, `/ready` answers 503; after the drain delay
    /// nothing more is accepted, idle connections are closed and the others end after their
    /// response. What is left shortly before the deadline is cut off and counted in the log.
    ///
    /// # Errors
    /// If the admin listener cannot be started. Errors of single connections are the clients'.
    ///
    /// # Cancel safety
    /// Dropped, it stops accepting and cuts off all connections at once.
    ///
    /// # Example
    /// ```standalone_crate
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use obs_runtime::Obs;
    /// let obs = Obs::from_vars(obs_runtime::service!(), [("OBS_ENV", "dev")])?.detached()?;
    /// let app = axum::Router::new();
    /// let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    /// # obs.shutdown().begin();
    /// obs.serve(listener, obs.wrap(app)).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn serve(&self, listener: TcpListener, router: Router) -> io::Result<()> {
        let parts = self.http();
        let admin = match parts.admin_addr {
            Some(_) => Some(self.serve_admin().await.map_err(io::Error::other)?),
            None => None,
        };
        let router = router.with_state(());
        super::probe::check(&router);
        parts.health.serving();
        parts.serving.begin(self);
        if let (Some(page), Ok(address)) = (&parts.serving.page, listener.local_addr()) {
            say_where(page.path(), address);
        }
        let server = Server {
            router,
            limits: parts.serving.limits,
            shutdown: self.shutdown(),
            traffic: Arc::clone(self.traffic()),
        };
        server.run(listener).await;
        // Scraped to the end: the last requests count as well.
        drop(admin);
        Ok(())
    }
}

/// Says what to open in a browser.
fn say_where(path: &str, mut address: SocketAddr) {
    if address.ip().is_unspecified() {
        // It is seen from this machine.
        address.set_ip(Ipv4Addr::LOCALHOST.into());
    }
    tracing::info!(target: "obs::serve", "open http://{address}{path}");
}

struct Server {
    router: Router,
    limits: Limits,
    shutdown: Shutdown,
    traffic: Arc<Traffic>,
}

impl Server {
    async fn run(self, listener: TcpListener) {
        let (closing, _) = watch::channel(());
        let mut connections = JoinSet::new();
        self.accept(&listener, &closing, &mut connections).await;
        drop(listener);
        closing.send_replace(());
        self.finish(connections).await;
    }

    /// Accepts connections until the service closes.
    async fn accept(
        &self,
        listener: &TcpListener,
        closing: &watch::Sender<()>,
        connections: &mut JoinSet<()>,
    ) {
        let room = Arc::new(Semaphore::new(self.limits.max_connections));
        let mut closed = pin!(self.shutdown.closing());
        let mut pause = ACCEPT_PAUSE.0;
        let mut last_said = None;
        loop {
            let is_quiet = last_said.is_some_and(|at: Instant| at.elapsed() < LOG_PAUSE);
            if room.available_permits() == 0 && !is_quiet {
                last_said = Some(Instant::now());
                let max_connections = self.limits.max_connections;
                tracing::warn!(
                    target: "obs::serve",
                    max_connections,
                    "as many connections are open as may be: others wait"
                );
            }
            // Without room the rest waits in the kernel's queue.
            let place = Arc::clone(&room).acquire_owned();
            let Some(Ok(place)) = unless(closed.as_mut(), place).await else {
                return;
            };
            match unless(closed.as_mut(), listener.accept()).await {
                None => return,
                Some(Ok((stream, peer))) => {
                    pause = ACCEPT_PAUSE.0;
                    connections.spawn(self.connection(stream, peer, place, closing.subscribe()));
                }
                // The client's fault, and over.
                Some(Err(error)) if is_of_one_connection(&error) => {}
                Some(Err(error)) => {
                    // Once for each time that it goes on.
                    if pause == ACCEPT_PAUSE.0 {
                        tracing::warn!(target: "obs::serve", %error, "connections cannot be accepted for the moment");
                    }
                    if unless(closed.as_mut(), time::sleep(pause)).await.is_none() {
                        return;
                    }
                    pause = (pause * 2).min(ACCEPT_PAUSE.1);
                }
            }
            while connections.try_join_next().is_some() {}
        }
    }

    /// Serves one connection.
    fn connection(
        &self,
        stream: TcpStream,
        peer: SocketAddr,
        place: OwnedSemaphorePermit,
        mut closing: watch::Receiver<()>,
    ) -> impl Future<Output = ()> + Send + use<> {
        let router = self.router.clone();
        let limits = self.limits;
        async move {
            // Small answers leave at once; where that cannot be set they leave later.
            drop(stream.set_nodelay(true));
            let stream = Placed {
                stream,
                _place: place,
            };
            let has_asked = AtomicBool::new(false);
            let service = service_fn(|mut request: Request<Incoming>| {
                has_asked.store(true, Ordering::Relaxed);
                request.extensions_mut().insert(ConnectInfo(peer));
                router.clone().call(request.map(Body::new))
            });
            #[cfg(not(feature = "http2"))]
            let builder = {
                let mut builder = hyper::server::conn::http1::Builder::new();
                builder
                    .timer(TokioTimer::new())
                    .header_read_timeout(limits.keep_alive_timeout);
                builder
            };
            #[cfg(feature = "http2")]
            let builder = {
                let mut builder =
                    hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
                builder
                    .http1()
                    .timer(TokioTimer::new())
                    .header_read_timeout(limits.keep_alive_timeout);
                builder
                    .http2()
                    .timer(TokioTimer::new())
                    .keep_alive_interval(limits.keep_alive_timeout);
                builder
            };
            #[cfg(not(feature = "http2"))]
            let connection = builder
                .serve_connection(TokioIo::new(stream), service)
                .with_upgrades();
            #[cfg(feature = "http2")]
            let connection = builder.serve_connection_with_upgrades(TokioIo::new(stream), service);
            let mut connection = pin!(connection);
            let mut patience = pin!(time::sleep(limits.header_timeout));
            let mut closed = pin!(closing.changed());
            let mut is_closing = false;
            let served = poll_fn(|cx| {
                if !is_closing && closed.as_mut().poll(cx).is_ready() {
                    is_closing = true;
                    connection.as_mut().graceful_shutdown();
                }
                if let Poll::Ready(served) = connection.as_mut().poll(cx) {
                    return Poll::Ready(served.map_err(|error| error.to_string()));
                }
                if !has_asked.load(Ordering::Relaxed) && patience.as_mut().poll(cx).is_ready() {
                    return Poll::Ready(Err("no request within the time limit".to_owned()));
                }
                Poll::Pending
            });
            if let Err(error) = served.await {
                tracing::debug!(target: "obs::serve", %error, "a connection ended early");
            }
        }
    }

    /// Waits for the connections, and cuts off what is left when their time is over.
    async fn finish(&self, mut connections: JoinSet<()>) {
        let all = async { while connections.join_next().await.is_some() {} };
        // Closing comes after the beginning, which sets it.
        if let Some(end) = self.shutdown.requests_end()
            && time::timeout_at(end.into(), all).await.is_err()
        {
            while connections.try_join_next().is_some() {}
            let cut_off = connections.len();
            self.traffic.cut_off();
            tracing::warn!(
                target: "obs::serve",
                cut_off,
                "connections with requests under way were cut off to stop in time"
            );
            connections.abort_all();
            let gone = async { while connections.join_next().await.is_some() {} };
            // One that blocks its thread cannot be stopped, and shall not stop us.
            drop(time::timeout(CUT_OFF, gone).await);
        }
    }
}

/// A connection and its place among those that may be open.
///
/// The place belongs to the stream: who upgrades a connection keeps that, and keeps it longer than
/// the server does.
struct Placed {
    stream: TcpStream,
    _place: OwnedSemaphorePermit,
}

impl AsyncRead for Placed {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Placed {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

/// Waits for `future`, or returns `None` when the service closes before.
async fn unless<C, F>(mut closed: Pin<&mut C>, future: F) -> Option<F::Output>
where
    C: Future<Output = ()>,
    F: Future,
{
    let mut future = pin!(future);
    poll_fn(|cx| {
        if closed.as_mut().poll(cx).is_ready() {
            return Poll::Ready(None);
        }
        future.as_mut().poll(cx).map(Some)
    })
    .await
}

fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
    )
}

#[cfg(all(test, feature = "http2"))]
mod tests {
    use std::sync::Arc;

    use axum::Router;
    use axum::body::Bytes;
    use axum::routing::get;
    use http::Request;
    use http_body_util::{BodyExt, Empty};
    use hyper_util::rt::{TokioExecutor, TokioIo};
    use tokio::net::{TcpListener, TcpStream};
    use tokio::sync::Notify;

    use crate::start::Obs;

    #[tokio::test]
    async fn http2_is_served_and_its_requests_end_before_the_server_does() {
        let dev = [("OBS_ENV", "dev")];
        let setup = Obs::from_vars(crate::service!(), dev).unwrap();
        let obs = setup.detached().unwrap();
        let (began, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (says, waits) = (Arc::clone(&began), Arc::clone(&go));
        let handler = async move || {
            says.notify_one();
            waits.notified().await;
            "done"
        };
        let app = obs.wrap(Router::new().route("/", get(handler)));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let own = obs.clone();
        let server = tokio::spawn(async move { own.serve(listener, app).await });
        let stream = TokioIo::new(TcpStream::connect(address).await.unwrap());
        let (mut sender, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), stream)
                .await
                .unwrap();
        tokio::spawn(connection);
        let uri = format!("http://{address}/");
        let request = Request::get(uri).body(Empty::<Bytes>::new()).unwrap();
        let answer = tokio::spawn(sender.send_request(request));
        began.notified().await;
        obs.shutdown().begin();
        while TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await;
        }
        assert!(!server.is_finished());
        go.notify_one();
        let body = answer.await.unwrap().unwrap().into_body();
        assert_eq!(body.collect().await.unwrap().to_bytes(), "done");
        server.await.unwrap().unwrap();
    }
}
