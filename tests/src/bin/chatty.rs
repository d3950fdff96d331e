//! A service that writes ten lines for each request, for the tests of where lines go.

use std::env;
use std::process::ExitCode;

use axum::Router;
use axum::routing::get;
use tokio::net::TcpListener;

fn main() -> ExitCode {
    obs::run(obs::service!(), |obs| async move {
        let router = Router::new().route("/", get(ten_lines));
        let listener = TcpListener::bind(env::var("LISTEN")?).await?;
        obs.serve(listener, obs.wrap(router)).await?;
        Ok(())
    })
}

async fn ten_lines() -> &'static str {
    // Ten thousand of them are more than any buffer holds.
    let text = "some words ".repeat(40);
    for line in 1..=10 {
        tracing::info!(line, text, "talking");
    }
    "done"
}
