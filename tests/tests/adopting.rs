//! What `docs/adopting.md` shows works. Its programs are run as doc tests; what it shows as
//! functions is here, word for word.

use std::fs;
use std::path::Path;

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request};
use axum::routing::get;
use obs::{Ctx, Obs};
use obs_tests::wire::{request_with, send, status};
use tokio::net::TcpListener;
use tower::ServiceExt;

const TRACEPARENT: &str =
    "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n";
const TRACE_ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

mod axum_serve {
    use std::net::SocketAddr;

    use axum::Router;
    use obs::Obs;
    use tokio::net::TcpListener;

    pub(super) async fn serve(
        obs: &Obs,
        listener: TcpListener,
        app: Router,
    ) -> std::io::Result<()> {
        let shutdown = obs.shutdown();
        obs.startup_complete();
        let app = obs
            .wrap(app)
            .into_make_service_with_connect_info::<SocketAddr>();
        axum::serve(listener, app)
            .with_graceful_shutdown(async move { shutdown.closing().await })
            .await
    }
}

mod browsers {
    use axum::Router;
    use obs::Obs;
    use tower_http::cors::{Any, CorsLayer};

    pub(super) fn with_cors(obs: &Obs, app: Router) -> Router {
        let cors = obs::cors_headers();
        let cors = CorsLayer::new()
            .allow_origin(Any)
            .allow_headers(cors.allow)
            .expose_headers(cors.expose);
        obs.wrap(app.layer(cors))
    }
}

fn detached() -> Obs {
    Obs::from_vars(obs::service!(), [("OBS_ENV", "dev")])
        .unwrap()
        .detached()
        .unwrap()
}

/// A router that answers with the trace it belongs to.
fn traces() -> Router {
    let handler = async || Ctx::current().unwrap().trace().trace_id.to_string();
    Router::new().route("/", get(handler))
}

/// The text without what formatting decides.
fn words(text: &str) -> String {
    let text: String = text
        .replace("pub(super) ", "")
        .chars()
        .filter(|c| !c.is_whitespace())
        .collect();
    text.replace(",)", ")")
}

#[test]
fn the_page_shows_the_functions_that_are_tested() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join("../docs/adopting.md")).unwrap();
    let tested = words(&fs::read_to_string(root.join("tests/adopting.rs")).unwrap());
    let shown: Vec<&str> = page
        .split("```rust\n")
        .skip(1)
        .map(|block| block.split("```").next().unwrap())
        .collect();
    assert_eq!(shown.len(), 2);
    for block in shown {
        assert!(tested.contains(&words(block)), "{block}");
    }
}

#[tokio::test]
async fn with_axum_serve_the_trace_of_a_peer_is_continued_and_a_stop_ends_it() {
    let obs = detached();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn({
        let obs = obs.clone();
        async move { axum_serve::serve(&obs, listener, traces()).await }
    });
    let answer = send(address, &request_with("GET", "/", TRACEPARENT)).await;
    assert!(answer.ends_with(TRACE_ID), "{answer}");
    for path in ["/ready", "/startup", "/metrics"] {
        let answer = send(address, &request_with("GET", path, "")).await;
        assert_eq!(status(&answer), "200", "{path}: {answer}");
    }
    obs.shutdown().begin();
    server.await.unwrap().unwrap();
}

#[tokio::test]
async fn without_a_peer_a_trace_is_not_continued() {
    let request = Request::get("/")
        .header("traceparent", format!("00-{TRACE_ID}-00f067aa0ba902b7-01"))
        .body(Body::empty())
        .unwrap();
    let answer = detached().wrap(traces()).oneshot(request).await.unwrap();
    let body = axum::body::to_bytes(answer.into_body(), 1024)
        .await
        .unwrap();
    assert_ne!(body, TRACE_ID);
}

#[tokio::test]
async fn a_page_of_another_origin_may_send_and_read_what_it_needs() {
    let app = browsers::with_cors(&detached(), traces());
    let preflight = Request::builder()
        .method(Method::OPTIONS)
        .uri("/")
        .header("origin", "https://shop.example")
        .header("access-control-request-method", "GET")
        .header("access-control-request-headers", "traceparent")
        .body(Body::empty())
        .unwrap();
    let answer = app.clone().oneshot(preflight).await.unwrap();
    let allowed = answer.headers()["access-control-allow-headers"].to_str();
    assert!(allowed.unwrap().contains("traceparent"));

    let request = Request::get("/")
        .header("origin", "https://shop.example")
        .body(Body::empty())
        .unwrap();
    let answer = app.oneshot(request).await.unwrap();
    let exposed = answer.headers()["access-control-expose-headers"].to_str();
    assert!(exposed.unwrap().contains("x-correlation-id"));
    assert!(answer.headers().contains_key("x-correlation-id"));
}
