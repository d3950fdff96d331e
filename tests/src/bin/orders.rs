//! A service that a page of another origin calls.

use std::env;
use std::process::ExitCode;

use axum::routing::get;
use axum::{Json, Router};
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Method, StatusCode};
use obs::Ctx;
use serde::Deserialize;
use tokio::net::TcpListener;
use tower_http::cors::CorsLayer;

fn main() -> ExitCode {
    obs::run(obs::service!(), |obs| async move {
        let listener = TcpListener::bind(env::var("LISTEN")?).await?;
        let page: HeaderValue = env::var("PAGE_ORIGIN")?.parse()?;
        let orders = Router::new().route("/orders", get(list).post(place));
        obs.serve(listener, obs.wrap(orders.layer(cors(page))))
            .await?;
        Ok(())
    })
}

/// What a page of this origin may do.
fn cors(page: HeaderValue) -> CorsLayer {
    let obs = obs::cors_headers();
    let allow: Vec<_> = obs.allow.into_iter().chain([CONTENT_TYPE]).collect();
    CorsLayer::new()
        .allow_origin(page)
        .allow_methods([Method::GET, Method::POST])
        .allow_headers(allow)
        .expose_headers(obs.expose)
}

async fn list() -> Json<[&'static str; 2]> {
    let ctx = Ctx::current();
    let link = ctx.and_then(|ctx| ctx.link());
    tracing::info!(
        linked_trace = link.map(|link| link.trace_id.to_string()),
        linked_span = link.map(|link| link.span_id.to_string()),
        "listing"
    );
    Json(["a rocket", "a spring"])
}

#[derive(Deserialize)]
struct Order {
    item: String,
}

async fn place(Json(order): Json<Order>) -> StatusCode {
    tracing::error!(item = order.item, "out of stock");
    StatusCode::INTERNAL_SERVER_ERROR
}
