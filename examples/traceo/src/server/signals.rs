//! The wish to stop.

/// Waits for Ctrl-C, or for SIGTERM where there is such a thing.
#[cfg(unix)]
pub(super) async fn stop() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted,
        _ = terminate.recv() => Ok(()),
    }
}

/// Waits for Ctrl-C.
#[cfg(not(unix))]
pub(super) async fn stop() -> std::io::Result<()> {
    tokio::signal::ctrl_c().await
}
