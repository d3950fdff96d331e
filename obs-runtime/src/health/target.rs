//! Where the ready-made checks go: a host and a port, or a URL.

use bytes::Bytes;
use http::header::{CONNECTION, HOST, USER_AGENT};
use http::uri::Scheme;
use http::{Request, StatusCode, Uri};
use http_body_util::Empty;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::check::{CheckError, CheckErrorKind};

const AGENT: &str = concat!("obs-runtime/", env!("CARGO_PKG_VERSION"));

/// A host and a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TcpTarget {
    host: Box<str>,
    port: u16,
}

impl TcpTarget {
    /// Joins a host and a port.
    pub(crate) fn new(host: &str, port: u16) -> Result<Self, CheckError> {
        let host = without_brackets(host);
        let fits = |c: char| !c.is_whitespace() && !c.is_control() && !"/@[]#?".contains(c);
        if host.is_empty() || host.len() > 255 || port == 0 || !host.chars().all(fits) {
            return Err(CheckError {
                kind: CheckErrorKind::Address,
            });
        }
        Ok(Self {
            host: host.into(),
            port,
        })
    }

    pub(super) fn parse(address: &str) -> Result<Self, CheckError> {
        let error = CheckError {
            kind: CheckErrorKind::Address,
        };
        let (host, port) = address.rsplit_once(':').ok_or_else(|| error.clone())?;
        // `::1:5432` could be read in two ways.
        if host.contains(':') && !(host.starts_with('[') && host.ends_with(']')) {
            return Err(error);
        }
        Self::new(host, port.parse().map_err(|_| error)?)
    }

    pub(super) fn host(&self) -> &str {
        &self.host
    }

    pub(super) const fn port(&self) -> u16 {
        self.port
    }
}

/// What to GET.
#[derive(Clone, Debug)]
pub(crate) struct HttpTarget {
    tcp: TcpTarget,
    /// The `Host` header.
    authority: Box<str>,
    path: Box<str>,
}

impl HttpTarget {
    pub(crate) fn parse(url: &str) -> Result<Self, CheckError> {
        let error = |kind| CheckError { kind };
        let uri: Uri = url.parse().map_err(|_| error(CheckErrorKind::Url))?;
        let authority = uri.authority().ok_or(error(CheckErrorKind::Url))?;
        if authority.as_str().contains('@') {
            return Err(error(CheckErrorKind::UserInfo));
        }
        match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTP => {}
            Some(scheme) if *scheme == Scheme::HTTPS => return Err(error(CheckErrorKind::Tls)),
            _ => return Err(error(CheckErrorKind::Url)),
        }
        let port = authority.port_u16();
        // `http://host:` and `http://host:99999` have a colon, but no port.
        if port.is_none() && authority.as_str() != authority.host() {
            return Err(error(CheckErrorKind::Url));
        }
        let tcp = TcpTarget::new(authority.host(), port.unwrap_or(80))
            .map_err(|_| error(CheckErrorKind::Url))?;
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        Ok(Self {
            tcp,
            authority: authority.as_str().into(),
            path: path.into(),
        })
    }

    /// Gets it, and looks at the status alone.
    pub(super) async fn get(&self) -> Result<(), String> {
        let stream = TcpStream::connect((self.tcp.host(), self.tcp.port()))
            .await
            .map_err(|error| error.to_string())?;
        let said = |error: hyper::Error| error.to_string();
        let (mut sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(said)?;
        // Dropped with the answer or the time limit, and the connection with it.
        let mut driver = JoinSet::new();
        driver.spawn(connection);
        let request = Request::get(&*self.path)
            .header(HOST, &*self.authority)
            .header(USER_AGENT, AGENT)
            .header(CONNECTION, "close")
            .body(Empty::<Bytes>::new())
            .map_err(|error| error.to_string())?;
        let status = sender.send_request(request).await.map_err(said)?.status();
        if is_up(status) {
            Ok(())
        } else {
            Err(format!("answered {status}"))
        }
    }
}

/// Kubernetes' rule for HTTP probes.
fn is_up(status: StatusCode) -> bool {
    status.is_success() || status.is_redirection()
}

fn without_brackets(host: &str) -> &str {
    host.strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host)
}

#[cfg(test)]
mod tests {
    use super::{CheckErrorKind, HttpTarget, TcpTarget};

    #[test]
    fn a_host_and_a_port_are_read_or_refused() {
        for (address, host, port) in [
            ("db:5432", "db", 5432),
            ("10.0.0.1:1", "10.0.0.1", 1),
            ("[::1]:65535", "::1", 65535),
        ] {
            let target = TcpTarget::parse(address).unwrap();
            assert_eq!((target.host(), target.port()), (host, port));
        }
        for address in [
            "",
            "db",
            "db:",
            ":5432",
            "db:0",
            "db:65536",
            "db:x",
            "::1:5432",
            "a b:1",
            "a/b:1",
            "u@db:1",
            "http://db:1/",
            "db\n:1",
            "[]:1",
        ] {
            assert!(TcpTarget::parse(address).is_err(), "{address:?}");
        }
    }

    #[test]
    fn a_url_is_read_or_refused_for_its_own_reason() {
        for (url, host, port, path) in [
            ("http://engine", "engine", 80, "/"),
            ("http://engine:8080/ready?x=1", "engine", 8080, "/ready?x=1"),
            ("HTTP://[::1]:8080", "::1", 8080, "/"),
        ] {
            let target = HttpTarget::parse(url).unwrap();
            assert_eq!((target.tcp.host(), target.tcp.port()), (host, port));
            assert_eq!(&*target.path, path);
        }
        for (url, kind) in [
            ("https://engine", CheckErrorKind::Tls),
            ("http://u:p@engine", CheckErrorKind::UserInfo),
            ("https://u:p@engine", CheckErrorKind::UserInfo),
            ("ftp://engine", CheckErrorKind::Url),
            ("engine:8080", CheckErrorKind::Url),
            ("/ready", CheckErrorKind::Url),
            ("http://", CheckErrorKind::Url),
            ("http://a b", CheckErrorKind::Url),
            ("http://engine:0", CheckErrorKind::Url),
            ("http://engine:99999", CheckErrorKind::Url),
            ("", CheckErrorKind::Url),
        ] {
            let error = HttpTarget::parse(url).unwrap_err();
            assert_eq!(error.kind, kind, "{url}");
            assert!(!error.to_string().contains("u:p"), "{error}");
        }
    }
}
