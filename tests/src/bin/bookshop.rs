//! Two services with a console each, for the test of what a browser shows of them.
//!
//!     bookshop counter     sells books, and asks the other one for each
//!     bookshop warehouse   has them, or has not
//!
//! Both listen at `LISTEN`; each finds the other at `OTHER`.

use std::env;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::{get, post};
use http::StatusCode;
use obs::{BoxError, Check, Obs, Peer};
use obs_console::Console;
use reqwest_middleware::ClientWithMiddleware;
use tokio::net::TcpListener;

#[derive(obs::Label, Clone, Copy, Debug)]
enum Shelf {
    Novels,
    Poems,
    Atlases,
}

obs::metrics! {
    registry BOOKSHOP;
    prefix = "books";
    max_series = 40;

    /// Books that were sold, by shelf.
    counter books_sold_total(shelf: Shelf);

    /// Orders that wait for a parcel.
    gauge books_orders_waiting();

    /// How long it takes to find a book.
    histogram books_search_seconds(shelf: Shelf) {
        buckets = [0.001, 0.005, 0.02, 0.1, 0.5],
    }
}

#[derive(obs::ErrorLabel, obs::ProblemError, thiserror::Error, Debug)]
enum ShopError {
    #[error("there is no such book")]
    #[problem(status = 404)]
    NoSuchBook,
    #[error("the warehouse does not answer as it should")]
    #[problem(status = 502)]
    Warehouse,
}

#[derive(obs::Label, Clone, Copy)]
enum Other {
    Warehouse,
}

fn main() -> ExitCode {
    let role = env::args().nth(1).unwrap_or_default();
    let other = env::var("OTHER").unwrap_or_default();
    let (name, peer) = match role.as_str() {
        "counter" => ("bookshop", "warehouse"),
        _ => ("warehouse", "bookshop"),
    };
    obs::run_with(
        obs::Service::new(name, "1.4.0"),
        |setup| {
            let nobody = "http://127.0.0.1:9";
            let console = Console::new().peer(peer, other);
            setup.admin_page(match env::var_os("WITH_NOBODY") {
                Some(_) => console.peer("printer", nobody),
                None => console,
            })
        },
        |obs| async move {
            let listener = TcpListener::bind(env::var("LISTEN")?).await?;
            let router = match role.as_str() {
                "counter" => counter(&obs)?,
                _ => Router::new().route("/stock/{book}", post(stock)),
            };
            obs.serve(listener, obs.wrap(router)).await?;
            Ok(())
        },
    )
}

#[derive(Clone)]
struct Shop {
    client: ClientWithMiddleware,
    warehouse: Arc<str>,
}

fn counter(obs: &Obs) -> Result<Router, BoxError> {
    let warehouse = env::var("OTHER")?;
    let peer = Peer::new(Other::Warehouse, &warehouse).routes(["/stock/{book}"]);
    let client = obs
        .client(reqwest::Client::builder().no_proxy())
        .peer(peer)
        .build()?;
    obs.ready("warehouse", Check::http(&format!("{warehouse}/health"))?);
    Ok(Router::new()
        .route("/books", get(async || "novels, poems, atlases\n"))
        .route("/books/{book}", get(look))
        .route("/orders/{book}", post(order))
        .with_state(Shop {
            client,
            warehouse: warehouse.into(),
        }))
}

fn shelf(book: &str) -> Option<Shelf> {
    match book {
        "novel" => Some(Shelf::Novels),
        "poems" => Some(Shelf::Poems),
        "atlas" => Some(Shelf::Atlases),
        _ => None,
    }
}

#[obs::observed(fields(shelf = ?shelf))]
async fn search(shelf: Shelf) {
    let timer = books_search_seconds(shelf).start_timer();
    tokio::time::sleep(Duration::from_millis(3)).await;
    drop(timer);
}

async fn look(Path(book): Path<String>) -> Result<&'static str, ShopError> {
    search(shelf(&book).ok_or(ShopError::NoSuchBook)?).await;
    Ok("here it is\n")
}

/// Fails where the warehouse does.
#[obs::observed]
async fn fetch(shop: Shop, book: String) -> Result<(), ShopError> {
    let url = format!("{}/stock/{book}", shop.warehouse);
    let answer = shop.client.post(url).send().await;
    let answer = answer.and_then(|answer| answer.error_for_status().map_err(Into::into));
    if answer.is_err() {
        tracing::error!(book, "the parcel could not be packed");
    }
    answer.map(drop).map_err(|_| ShopError::Warehouse)
}

async fn order(
    State(shop): State<Shop>,
    Path(book): Path<String>,
) -> Result<&'static str, ShopError> {
    let kind = shelf(&book).ok_or(ShopError::NoSuchBook)?;
    let _waiting = books_orders_waiting().guard();
    // A secret that somebody logs, and markup in what came in.
    tracing::info!(
        password = "hunter2-canary",
        note = "<img src=x onerror=alert(1)>",
        "an order for <b>{book}</b>"
    );
    search(kind).await;
    fetch(shop, book).await?;
    books_sold_total(kind).inc();
    Ok("on its way\n")
}

async fn stock(Path(book): Path<String>) -> StatusCode {
    tokio::time::sleep(Duration::from_millis(4)).await;
    if book == "atlas" {
        tracing::error!(shelf = 7, "the shelf of atlases has collapsed");
        return StatusCode::INTERNAL_SERVER_ERROR;
    }
    tracing::info!(left = 41, "a book was taken from its shelf");
    StatusCode::OK
}
