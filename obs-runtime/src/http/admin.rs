//! A listener of its own for `/metrics` and health: private, or for servers that speak over
//! standard input and output.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinHandle, JoinSet};

use super::access::Listener;
use super::endpoints::{self, Asked};
use super::page;
use crate::start::Obs;

/// A client has this long to send its headers.
const HEADER_TIMEOUT: Duration = Duration::from_secs(5);

/// A connection has this long for everything, so that nobody can keep one by reading slowly.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(30);

/// Connections at one time; a further one takes the place of the oldest idle one.
const MAX_CONNECTIONS: usize = 32;

/// Waits before accepting again after an error, such as too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A listener that serves `/metrics`, `/health`, `/ready` and `/startup` and nothing else, until it
/// is dropped.
#[derive(Debug)]
#[must_use = "dropping it stops the listener; bind it to a name"]
pub struct AdminServer {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl AdminServer {
    /// Returns the address that the listener is bound to.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for AdminServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Why the listener could not be started.
#[non_exhaustive]
pub enum AdminError {
    /// The address can be reached from other machines, and no token protects the listener.
    NotLoopback(SocketAddr),
    /// The address could not be bound.
    Bind(SocketAddr, io::Error),
}

impl fmt::Display for AdminError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotLoopback(address) => write!(
                f,
                "obs does not serve metrics on {address}: other machines could read them\n  \
                 fix: set OBS_METRICS_TOKEN, which every scrape must then send; or set OBS_ADMIN_ADDR \
                 to a loopback address, such as 127.0.0.1:9464; or, where the network keeps \
                 strangers out, say `.allow_unauthenticated_admin(true)`"
            ),
            Self::Bind(address, error) if error.kind() == io::ErrorKind::AddrInUse => write!(
                f,
                "obs cannot serve metrics on {address}: the port is in use\n  \
                 fix: set OBS_ADMIN_ADDR to another port, or to port 0 for any free one"
            ),
            Self::Bind(address, error) => {
                write!(f, "obs cannot serve metrics on {address}: {error}")
            }
        }
    }
}

// What `main` prints of an error that it returns.
impl fmt::Debug for AdminError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for AdminError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::NotLoopback(_) => None,
            Self::Bind(_, error) => Some(error),
        }
    }
}

/// Binds the address and serves it on the current tokio runtime.
pub(crate) async fn serve(obs: Obs) -> Result<AdminServer, AdminError> {
    let parts = obs.http();
    let any = (Ipv4Addr::LOCALHOST, 0).into();
    let address = parts.admin_addr.unwrap_or(any);
    if !address.ip().is_loopback() && !parts.serving.access.has_tokens() {
        if !parts.serving.open_admin {
            return Err(AdminError::NotLoopback(address));
        }
        tracing::warn!(
            target: "obs::serve",
            %address,
            "the admin listener can be reached from other machines, and asks for no token"
        );
    }
    let bind = |error| AdminError::Bind(address, error);
    let listener = TcpListener::bind(address).await.map_err(bind)?;
    let address = listener.local_addr().map_err(bind)?;
    Ok(AdminServer {
        address,
        task: tokio::spawn(accept(obs, listener)),
    })
}

async fn accept(obs: Obs, listener: TcpListener) {
    // Dropped with the listener, and the connections with it.
    let mut connections = JoinSet::new();
    let mut open = VecDeque::new();
    loop {
        while connections.try_join_next().is_some() {}
        let Ok((stream, peer)) = listener.accept().await else {
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        // Without room the connection is closed at once, before a byte of it is read.
        if has_room(&mut open) {
            let is_answering = Arc::new(AtomicBool::new(false));
            let connection = connection(obs.clone(), stream, peer, Arc::clone(&is_answering));
            let task = connections.spawn(async move {
                // Elapsed or not, the connection is over.
                drop(tokio::time::timeout(CONNECTION_TIMEOUT, connection).await);
            });
            open.push_back(Open { task, is_answering });
        }
    }
}

/// A connection that may be closed to make room.
struct Open {
    task: AbortHandle,
    is_answering: Arc<AtomicBool>,
}

/// Returns whether there is room for another connection. The oldest that has no question under way
/// makes room: clients that send and read slowly cannot keep a scraper out.
fn has_room(open: &mut VecDeque<Open>) -> bool {
    open.retain(|connection| !connection.task.is_finished());
    if open.len() < MAX_CONNECTIONS {
        return true;
    }
    let is_idle = |connection: &Open| !connection.is_answering.load(Ordering::Relaxed);
    let oldest = open.iter().position(is_idle).and_then(|at| open.remove(at));
    if let Some(oldest) = &oldest {
        oldest.task.abort();
    }
    oldest.is_some()
}

async fn connection(obs: Obs, stream: TcpStream, peer: SocketAddr, is_answering: Arc<AtomicBool>) {
    let answer = service_fn(|request: Request<Incoming>| {
        let asked = Asked {
            listener: Listener::Admin,
            method: request.method(),
            version: request.version(),
            uri: request.uri(),
            headers: request.headers(),
            peer: Some(peer),
        };
        let answer = endpoints::answer(&obs, &asked);
        let is_answering = &is_answering;
        async move {
            let Some(answer) = answer else {
                return Ok::<_, Infallible>(page::not_found());
            };
            is_answering.store(true, Ordering::Relaxed);
            let response = answer.response().await;
            is_answering.store(false, Ordering::Relaxed);
            Ok(response)
        }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(16 * 1024)
        .serve_connection(TokioIo::new(stream), answer)
        .await;
    if let Err(error) = served {
        tracing::debug!(target: "obs::serve", %error, "a connection to the admin listener ended early");
    }
}
