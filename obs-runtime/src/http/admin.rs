//! A listener of its own for `/metrics`, for servers that speak over standard input and output.

use std::convert::Infallible;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use super::{METRICS_PATH, page};
use crate::start::Obs;

/// A client has this long to send its headers.
const HEADER_TIMEOUT: Duration = Duration::from_secs(5);

/// A connection has this long for everything, so that nobody can keep one by reading slowly.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(30);

/// Connections at one time; further ones are closed.
const MAX_CONNECTIONS: usize = 32;

/// Waits before accepting again after an error, such as too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A listener that serves `/metrics` and nothing else, until it is dropped.
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
#[derive(Debug)]
#[non_exhaustive]
pub enum AdminError {
    /// The address can be reached from other machines, and nothing protects the listener yet.
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
                 fix: set OBS_ADMIN_ADDR to a loopback address, such as 127.0.0.1:9464"
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

impl std::error::Error for AdminError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::NotLoopback(_) => None,
            Self::Bind(_, error) => Some(error),
        }
    }
}

/// Binds the address and serves it on the current tokio runtime.
pub(crate) async fn serve(obs: Obs, address: SocketAddr) -> Result<AdminServer, AdminError> {
    if !address.ip().is_loopback() {
        return Err(AdminError::NotLoopback(address));
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
    let room = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        // Without room the connection is closed at once, before a byte of it is read.
        if let Ok(place) = Arc::clone(&room).try_acquire_owned() {
            let connection = connection(obs.clone(), stream);
            tokio::spawn(async move {
                let _place = place;
                // Elapsed or not, the connection is over.
                drop(tokio::time::timeout(CONNECTION_TIMEOUT, connection).await);
            });
        }
    }
}

async fn connection(obs: Obs, stream: TcpStream) {
    let answer = service_fn(|request: Request<Incoming>| {
        let response = if request.uri().path() == METRICS_PATH {
            page::metrics(&obs, request.method(), request.headers())
        } else {
            page::not_found()
        };
        std::future::ready(Ok::<_, Infallible>(response))
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(16 * 1024)
        .serve_connection(TokioIo::new(stream), answer)
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "a connection to the metrics listener ended early");
    }
}
