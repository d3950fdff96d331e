//! Listening, before anything else is begun: a port that is taken is found out at once.

use std::io;
use std::net::SocketAddr;

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::http::header::HOST;
use axum::http::uri::Authority;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use tokio::net::TcpListener;

/// The names of this machine for itself.
const HERE: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// The names that requests may be made under, where others than this machine may connect.
///
/// A page that a person looks at may have its own name point here: its requests bring that name.
pub(crate) fn names(remote: &[String]) -> impl Iterator<Item = String> {
    // As `host` has them: the case of a name means nothing.
    let remote = remote.iter().map(|name| name.to_ascii_lowercase());
    HERE.into_iter().map(str::to_owned).chain(remote)
}

/// Answers requests under other names with 421. On loopback alone, nothing changes.
pub(crate) fn known_names_only(router: Router, remote: &[String]) -> Router {
    if remote.is_empty() {
        return router;
    }
    let names: Vec<String> = names(remote).collect();
    router.route_layer(from_fn(move |request: Request, next: Next| {
        let known = host(&request).is_some_and(|host| names.contains(&host));
        async move {
            if known {
                next.run(request).await
            } else {
                refusal()
            }
        }
    }))
}

fn host(request: &Request) -> Option<String> {
    let header = request.headers().get(HOST)?.to_str().ok()?;
    let authority: Authority = header.parse().ok()?;
    let host = authority.host().trim_matches(['[', ']']);
    Some(host.to_ascii_lowercase())
}

fn refusal() -> Response {
    StatusCode::MISDIRECTED_REQUEST.into_response()
}

/// Listens for `traceo COMMAND`.
///
/// # Errors
/// If it cannot, with the address, the reason and the way out.
pub(crate) async fn listen(address: SocketAddr, command: &str) -> Result<TcpListener, String> {
    TcpListener::bind(address).await.map_err(|error| {
        let (host, port) = (address.ip(), address.port());
        match error.kind() {
            io::ErrorKind::AddrInUse => format!(
                "port {port} on {host} is in use by another program (another traceo?); stop it, \
                 or take any free port with `traceo {command} --listen 127.0.0.1:0`"
            ),
            _ => format!("cannot listen on {address}: {error}; choose another with `--listen`"),
        }
    })
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::routing::get;
    use tower::ServiceExt as _;

    use super::*;

    #[tokio::test]
    async fn only_known_names_are_answered_once_others_may_connect() {
        let jobs = || Router::new().route("/jobs", get(async || "none"));
        let remote = ["traceo-engine".to_owned(), "Engine.Internal".to_owned()];
        for (remote, host, expected) in [
            (&remote[..], "traceo-engine:8788", 200),
            (&remote, "TRACEO-ENGINE", 200),
            (&remote, "engine.internal:8788", 200),
            (&remote, "Engine.Internal", 200),
            (&remote, "127.0.0.1:8788", 200),
            (&remote, "[::1]:8788", 200),
            (&remote, "evil.example:8788", 421),
            (&remote, "a b", 421),
            (&[], "evil.example", 200),
        ] {
            let request = Request::get("/jobs").header(HOST, host);
            let request = request.body(Body::empty()).unwrap();
            let answer = known_names_only(jobs(), remote).oneshot(request).await;
            assert_eq!(answer.unwrap().status(), expected, "{host}");
        }
    }
}
