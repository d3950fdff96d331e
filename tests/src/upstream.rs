//! A server that requests go to: it does what the path asks for, and remembers each request.

use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use http::{HeaderMap, Method, Response, StatusCode, header};

/// A server on loopback that lives as long as its runtime.
///
/// `/status/{code}` answers with the code, `/redirect/{code}/{url}` sends there, `/never` does not
/// answer; everything else is `ok`.
#[derive(Clone, Debug)]
pub struct Upstream {
    port: u16,
    seen: Seen,
}

type Seen = Arc<Mutex<Vec<Received>>>;

/// A request that arrived.
#[derive(Clone, Debug)]
pub struct Received {
    /// The method.
    pub method: Method,
    /// The path.
    pub path: String,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: String,
}

impl Received {
    /// Returns the value of a header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Returns the name of the host that was asked for.
    #[must_use]
    pub fn host(&self) -> &str {
        let host = self.header("host").unwrap_or_default();
        host.split(':').next().unwrap_or_default()
    }
}

impl Upstream {
    /// Starts a server.
    ///
    /// # Panics
    /// If no port is free.
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let upstream = Self {
            port: listener.local_addr().unwrap().port(),
            seen: Seen::default(),
        };
        let app = upstream.router();
        tokio::spawn(async move { axum::serve(listener, app).await });
        upstream
    }

    /// Makes a server that only its [`router`](Self::router) reaches.
    #[must_use]
    pub fn in_process() -> Self {
        Self {
            port: 80,
            seen: Seen::default(),
        }
    }

    /// Returns what answers.
    pub fn router(&self) -> Router {
        Router::new()
            .fallback(answer)
            .with_state(Arc::clone(&self.seen))
    }

    /// Returns a URL of the server, by one of the names of loopback.
    #[must_use]
    pub fn url(&self, host: &str, path: &str) -> String {
        format!("http://{host}:{}{path}", self.port)
    }

    /// Returns the requests that arrived since the last time.
    #[must_use]
    pub fn take(&self) -> Vec<Received> {
        std::mem::take(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

async fn answer(State(seen): State<Seen>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, 1 << 16).await.unwrap_or_default();
    let path = parts.uri.path().to_owned();
    let received = Received {
        method: parts.method,
        path: path.clone(),
        headers: parts.headers,
        body: String::from_utf8_lossy(&body).into_owned(),
    };
    seen.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(received);
    let code = |text: &str| text.parse().unwrap_or(StatusCode::IM_A_TEAPOT);
    let mut response = Response::new(Body::from("ok"));
    if let Some(status) = path.strip_prefix("/status/") {
        *response.status_mut() = code(status);
    } else if let Some(rest) = path.strip_prefix("/redirect/") {
        let (status, url) = rest.split_once('/').unwrap_or((rest, "/"));
        *response.status_mut() = code(status);
        if let Ok(url) = url.parse() {
            response.headers_mut().insert(header::LOCATION, url);
        }
    } else if path == "/never" {
        std::future::pending::<()>().await;
    }
    response
}
