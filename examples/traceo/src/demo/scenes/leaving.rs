//! Clients that change their mind: cancelled jobs and calls, streams and uploads left in the middle.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use super::super::files::good;
use super::super::stage::{Broken, Stage, Who};

pub(super) async fn play(stage: &mut Stage) -> Result<(), Broken> {
    stage.scene(
        "3. Cancelled calls, and clients that leave in the middle",
        "A job is cancelled, tool calls are left, streams and uploads break off:\n   \
         each is counted once, and no gauge stays up.",
        &[
            "traceo_http_requests_total{status=\"499\"}".to_owned(),
            "traceo_engine_websockets_open, traceo_http_requests_in_flight".to_owned(),
            format!(
                "curl -sN '{}/insights?count=5&interval=500'",
                stage.addresses.engine_url()
            ),
        ],
    );
    let rows = stage.timing.size(100_000, 30_000);
    let end = Instant::now() + stage.timing.percent(10);
    let mut cancelled = None;
    loop {
        let client = stage.client.clone();
        let upload = client.upload("long.csv", good(rows)).await?;
        if let Some(id) = upload.body["job_id"].as_str() {
            watch_and_leave(stage, id).await;
            // It may have ended meanwhile, which is an answer as well.
            client.post(&format!("/jobs/{id}/cancel")).await?;
            cancelled.get_or_insert(upload.correlation);
        }
        let moment = Duration::from_millis(150);
        client
            .call_and_leave("slow", &json!({"seconds": 1}), moment)
            .await;
        client.glance("/insights?count=20&interval=200").await?;
        half_an_upload(stage).await;
        if Instant::now() >= end {
            break;
        }
        sleep(Duration::from_millis(200)).await;
    }
    stage.settle().await;
    for (who, what, name) in [
        (
            Who::Engine,
            "WebSockets still open",
            "traceo_engine_websockets_open",
        ),
        (
            Who::Engine,
            "requests still in flight",
            "traceo_http_requests_in_flight",
        ),
        (
            Who::Mcp,
            "tool calls still in flight",
            "mcp_tool_calls_in_flight",
        ),
    ] {
        let found = stage.counted(who, name, &[], 0.0).await;
        stage.must_equal(what, 0.0, found);
    }
    if let Some(id) = cancelled {
        stage.trail("an upload that was cancelled", &id);
    }
    Ok(())
}

/// Opens the `WebSocket` of a job's progress, reads what comes first, and goes without a word.
async fn watch_and_leave(stage: &Stage, id: &str) {
    let address = stage.addresses.engine;
    let left = async {
        let stream = TcpStream::connect(address).await.ok()?;
        let url = format!("ws://{address}/jobs/{id}/progress");
        let (mut socket, _) = tokio_tungstenite::client_async(url, stream).await.ok()?;
        let mut first = [0; 64];
        socket.get_mut().read(&mut first).await.ok()
    };
    timeout(Duration::from_secs(2), left).await.ok();
}

/// Sends the beginning of a file, and goes.
async fn half_an_upload(stage: &Stage) {
    let address = stage.addresses.engine;
    let left = async {
        let mut stream = TcpStream::connect(address).await.ok()?;
        let head = format!(
            "POST /uploads?name=half.csv HTTP/1.1\r\nHost: {address}\r\nContent-Length: 1000000\r\n\r\n{}",
            good(100)
        );
        stream.write_all(head.as_bytes()).await.ok()?;
        stream.shutdown().await.ok()
    };
    timeout(Duration::from_secs(2), left).await.ok();
}
