//! Listening, before anything else is begun: a port that is taken is found out at once.

use std::io;
use std::net::SocketAddr;

use tokio::net::TcpListener;

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
