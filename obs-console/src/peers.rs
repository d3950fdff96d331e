//! Asking the consoles of other services about a correlation id, and nothing else.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, HOST};
use http::{HeaderValue, Request, Uri};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long a peer may take.
const PATIENCE: Duration = Duration::from_millis(1500);

/// Bytes of an answer that are read.
const MAX_ANSWER: usize = 4 * 1024 * 1024;

/// Another service with a console.
#[derive(Clone)]
pub(crate) struct Peer {
    pub(crate) name: Cow<'static, str>,
    /// Where its console is, without a slash at the end; or what is wrong with what was given.
    pub(crate) console: Result<String, &'static str>,
    token: Option<HeaderValue>,
}

impl Peer {
    /// Reads the address of a service, `http://127.0.0.1:8788`, at which the console is at `path`.
    pub(crate) fn new(name: Cow<'static, str>, url: &str, path: &str, token: Option<&str>) -> Self {
        let token = token.and_then(|token| {
            let mut value = HeaderValue::try_from(format!("Bearer {token}")).ok()?;
            value.set_sensitive(true);
            Some(value)
        });
        let console = base(url).map(|base| format!("{base}{path}"));
        Self {
            name,
            console,
            token,
        }
    }

    /// Asks for everything about a correlation id.
    pub(crate) async fn ask(&self, correlation_id: &str) -> Result<Value, String> {
        let console = self.console.as_ref().map_err(|why| (*why).to_owned())?;
        let url = format!("{console}/api/trace?id={correlation_id}");
        match timeout(PATIENCE, get(&url, self.token.clone())).await {
            Ok(answer) => answer,
            Err(_) => Err(format!("no answer within {PATIENCE:?}")),
        }
    }
}

/// Checks the address of a service, and leaves away what does not belong to it.
fn base(url: &str) -> Result<&str, &'static str> {
    const WANTED: &str = "its address is no `http://host:port`";
    let base = url.trim_end_matches('/');
    let uri: Uri = base.parse().map_err(|_| WANTED)?;
    let has_place = uri.authority().is_some_and(|it| !it.as_str().contains('@'));
    let is_plain = uri.scheme_str() == Some("http") && uri.query().is_none();
    if has_place && is_plain && base.is_ascii() {
        Ok(base)
    } else {
        Err(WANTED)
    }
}

async fn get(url: &str, token: Option<HeaderValue>) -> Result<Value, String> {
    let told = |error: &dyn fmt::Display| error.to_string();
    let uri: Uri = url.parse().map_err(|error| told(&error))?;
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    let port = uri.port_u16().unwrap_or(80);
    let stream = TcpStream::connect((host, port)).await;
    let stream = TokioIo::new(stream.map_err(|error| told(&error))?);
    let (mut sender, connection) = http1::handshake(stream)
        .await
        .map_err(|error| told(&error))?;
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let mut request = Request::get(path).header(HOST, authority);
    if let Some(token) = token {
        request = request.header(AUTHORIZATION, token);
    }
    let request = request
        .body(Empty::<Bytes>::new())
        .map_err(|error| told(&error))?;
    let answer = async {
        let response = sender.send_request(request).await;
        let response = response.map_err(|error| told(&error))?;
        let status = response.status();
        if !status.is_success() {
            return Err(match status.as_u16() {
                401 => "it asks for a token".to_owned(),
                404 => "it has no console, or not for this service".to_owned(),
                status => format!("it answered {status}"),
            });
        }
        let body = Limited::new(response.into_body(), MAX_ANSWER);
        let body = body.collect().await.map_err(|error| told(&error))?;
        serde_json::from_slice(&body.to_bytes()).map_err(|_| "its answer is no JSON".to_owned())
    };
    // On this task: what the connection does belongs to the answer, and ends with it.
    tokio::pin!(answer);
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        answer = &mut answer => answer,
        ended = &mut connection => match ended {
            Ok(()) => answer.await,
            Err(error) => Err(told(&error)),
        },
    }
}

// Without the token.
impl fmt::Debug for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Peer")
            .field("name", &self.name)
            .field("console", &self.console)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::{Peer, base};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    #[test]
    fn an_address_is_a_host_and_a_port_over_http() {
        assert_eq!(base("http://127.0.0.1:8788"), Ok("http://127.0.0.1:8788"));
        assert_eq!(base("http://[::1]:1/"), Ok("http://[::1]:1"));
        assert_eq!(base("http://engine/below/"), Ok("http://engine/below"));
        for wrong in [
            "",
            "127.0.0.1:8788",
            "https://127.0.0.1:8788",
            "http://user:secret@127.0.0.1:8788",
            "http://127.0.0.1:8788/?a=b",
            "ftp://a",
            "http://",
        ] {
            assert!(base(wrong).is_err(), "{wrong}");
        }
    }

    /// A peer that reads a request, and answers with these bytes.
    async fn answering(answer: Vec<u8>) -> (Peer, tokio::task::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let served = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut asked = vec![0; 4096];
            let read = stream.read(&mut asked).await.unwrap();
            // Whoever has read enough closes.
            drop(stream.write_all(&answer).await);
            String::from_utf8_lossy(&asked[..read]).into_owned()
        });
        (Peer::new("engine".into(), &url, "/console", None), served)
    }

    #[tokio::test]
    async fn nothing_but_the_id_is_told() {
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}".to_vec();
        let (peer, asked) = answering(answer).await;
        assert_eq!(peer.ask("id-1").await, Ok(serde_json::json!({})));
        let asked = asked.await.unwrap();
        let mut lines = asked.trim_end().lines();
        assert_eq!(
            lines.next(),
            Some("GET /console/api/trace?id=id-1 HTTP/1.1")
        );
        assert!(lines.next().unwrap().starts_with("host: 127.0.0.1:"));
        assert_eq!(lines.next(), None, "{asked}");
    }

    #[tokio::test]
    async fn a_peer_that_says_no_nonsense_or_too_much_is_named_with_its_reason() {
        let huge = format!("{:?}", "x".repeat(super::MAX_ANSWER));
        for (answer, why) in [
            (
                "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".to_owned(),
                "no console",
            ),
            (
                "HTTP/1.1 401 No\r\ncontent-length: 0\r\n\r\n".to_owned(),
                "token",
            ),
            (
                "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\noops".to_owned(),
                "no JSON",
            ),
            ("SSH-2.0-x\r\n".to_owned(), ""),
            (
                format!(
                    "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{huge}",
                    huge.len()
                ),
                "length limit exceeded",
            ),
        ] {
            let (peer, _) = answering(answer.into_bytes()).await;
            let told = peer.ask("id-1").await.unwrap_err();
            assert!(told.contains(why), "{told:?}, not {why:?}");
        }
    }

    #[tokio::test]
    async fn a_peer_that_keeps_silent_is_waited_for_no_longer_than_its_time() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let peer = Peer::new("engine".into(), &url, "/console", Some("secret-token"));
        assert!(!format!("{peer:?}").contains("secret-token"));
        tokio::time::pause();
        let told = peer.ask("id-1").await.unwrap_err();
        assert_eq!(told, "no answer within 1.5s");
    }
}
