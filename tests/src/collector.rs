//! OpenTelemetry collectors: one that keeps every span, over gRPC or HTTP, and some that misbehave.

use std::collections::{BTreeMap, VecDeque};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use flate2::read::GzDecoder;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use tokio::sync::oneshot;
use tonic::codec::CompressionEncoding;
use tonic::transport::server::TcpIncoming;

/// How spans come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// Port 4317 elsewhere.
    Grpc,
    /// Port 4318 elsewhere.
    Http,
}

/// A span that came in, with what was said about where it came from.
#[derive(Clone, Debug)]
pub struct Received {
    /// Who exported it.
    pub resource: Resource,
    /// What made it.
    pub scope: InstrumentationScope,
    /// The span.
    pub span: Span,
}

/// What is answered to an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// All of it is taken.
    Take,
    /// All but so many spans are taken. They are kept all the same.
    TakeBut(i64),
    /// An HTTP status; over gRPC what corresponds to it.
    Status(u16),
    /// Status 429 with `Retry-After` in seconds; over gRPC `UNAVAILABLE`.
    RetryAfter(u64),
    /// Nothing, ever.
    Hang,
}

/// One export, as it came in.
#[derive(Clone, Debug)]
pub struct Export {
    /// When.
    pub at: Instant,
    /// How many spans it had.
    pub spans: usize,
    /// Its header.
    pub headers: HeaderMap,
    /// What was answered.
    pub reply: Reply,
}

/// A collector on this machine, with a runtime of its own: it works whatever the test blocks.
///
/// Ends when it is dropped, and its connections with it.
#[derive(Debug)]
pub struct Collector {
    shared: Arc<Shared>,
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<Kept>,
    changed: Condvar,
}

#[derive(Debug)]
struct Kept {
    spans: Vec<Received>,
    exports: Vec<Export>,
    reply: Reply,
    next: VecDeque<Reply>,
}

impl Collector {
    /// Starts one on any free port.
    ///
    /// # Panics
    /// If there is no port to be had.
    #[must_use]
    pub fn start(protocol: Protocol) -> Self {
        Self::at(protocol, SocketAddr::from(([127, 0, 0, 1], 0)))
    }

    /// Starts one where another has been.
    ///
    /// # Panics
    /// If the port is taken.
    #[must_use]
    pub fn at(protocol: Protocol, address: SocketAddr) -> Self {
        let listener = TcpListener::bind(address).expect("a port");
        listener.set_nonblocking(true).expect("a listener");
        let address = listener.local_addr().expect("its address");
        let shared = Arc::new(Shared {
            state: Mutex::new(Kept {
                spans: Vec::new(),
                exports: Vec::new(),
                reply: Reply::Take,
                next: VecDeque::new(),
            }),
            changed: Condvar::new(),
        });
        let (stop, stopped) = oneshot::channel();
        let keeps = Arc::clone(&shared);
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime");
            runtime.block_on(async {
                tokio::select! {
                    () = serve(protocol, listener, keeps) => {}
                    _ = stopped => {}
                }
            });
            // The tasks of connections end with it, answered or not.
            runtime.shutdown_background();
        });
        Self {
            shared,
            address,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// Where it is found, as `http://host:port`.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where it is found.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the spans of all exports that it took.
    #[must_use]
    pub fn spans(&self) -> Vec<Received> {
        self.shared.lock().spans.clone()
    }

    /// Returns the spans of this name.
    #[must_use]
    pub fn named(&self, name: &str) -> Vec<Span> {
        let spans = self.shared.lock();
        let named = spans.spans.iter().filter(|kept| kept.span.name == name);
        named.map(|kept| kept.span.clone()).collect()
    }

    /// Returns every export, whatever was answered.
    #[must_use]
    pub fn exports(&self) -> Vec<Export> {
        self.shared.lock().exports.clone()
    }

    /// Sets what is answered from now on.
    pub fn reply(&self, reply: Reply) {
        self.shared.lock().reply = reply;
    }

    /// Sets what is answered to the next exports, before it is as it was.
    pub fn reply_next(&self, replies: impl IntoIterator<Item = Reply>) {
        self.shared.lock().next.extend(replies);
    }

    /// Waits until so many spans were taken. Returns them.
    ///
    /// # Panics
    /// If they are not there in time.
    pub async fn wait_for(&self, spans: usize, deadline: Duration) -> Vec<Received> {
        let shared = Arc::clone(&self.shared);
        let waits = move || shared.wait(deadline, |kept| kept.spans.len() >= spans);
        let came = tokio::task::spawn_blocking(waits).await.expect("a wait");
        assert!(came, "{} of {spans} spans came", self.spans().len());
        self.spans()
    }

    /// As [`wait_for`](Self::wait_for), without a runtime.
    ///
    /// # Panics
    /// If they are not there in time.
    pub fn block_for(&self, spans: usize, deadline: Duration) -> Vec<Received> {
        let came = self.shared.wait(deadline, |kept| kept.spans.len() >= spans);
        assert!(came, "{} of {spans} spans came", self.spans().len());
        self.spans()
    }

    /// Waits until so many exports came, taken or not.
    ///
    /// # Panics
    /// If they do not come in time.
    pub fn block_for_exports(&self, exports: usize, deadline: Duration) {
        let came = self
            .shared
            .wait(deadline, |kept| kept.exports.len() >= exports);
        assert!(came, "{} of {exports} exports came", self.exports().len());
    }
}

/// What every collector understands of a span, as text: ids in hexadecimal digits, kinds and statuses
/// by their names in the protocol.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    /// `service.name` of its resource.
    pub service: String,
    /// The trace.
    pub trace_id: String,
    /// The span.
    pub span_id: String,
    /// The span above it; empty if it is a root.
    pub parent_id: String,
    /// Its name.
    pub name: String,
    /// `SPAN_KIND_` and more.
    pub kind: String,
    /// `STATUS_CODE_` and more.
    pub status: String,
    /// Its attributes.
    pub attributes: BTreeMap<String, String>,
}

impl Received {
    /// Returns what every collector understands of it.
    #[must_use]
    pub fn shown(&self) -> Shown {
        let keys = self.span.attributes.iter().map(|attribute| &attribute.key);
        Shown {
            service: self.of_resource("service.name").unwrap_or_default(),
            trace_id: hex(&self.span.trace_id),
            span_id: hex(&self.span.span_id),
            parent_id: hex(&self.span.parent_span_id),
            name: self.span.name.clone(),
            kind: self.span.kind().as_str_name().to_owned(),
            status: self
                .span
                .status
                .clone()
                .unwrap_or_default()
                .code()
                .as_str_name()
                .to_owned(),
            attributes: keys
                .filter_map(|key| Some((key.clone(), self.attribute(key)?)))
                .collect(),
        }
    }

    /// Returns the text of an attribute of the span.
    #[must_use]
    pub fn attribute(&self, key: &str) -> Option<String> {
        text(&self.span.attributes, key)
    }

    /// Returns the text of an attribute of the resource.
    #[must_use]
    pub fn of_resource(&self, key: &str) -> Option<String> {
        text(&self.resource.attributes, key)
    }
}

/// Returns an id in hexadecimal digits.
#[must_use]
pub fn hex(id: &[u8]) -> String {
    id.iter()
        .fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
}

/// Returns the text of an attribute.
#[must_use]
pub fn text(attributes: &[KeyValue], key: &str) -> Option<String> {
    let found = attributes.iter().find(|attribute| attribute.key == key)?;
    Some(match found.value.as_ref()?.value.as_ref()? {
        Value::StringValue(text) => text.clone(),
        Value::BoolValue(value) => value.to_string(),
        Value::IntValue(value) => value.to_string(),
        Value::DoubleValue(value) => value.to_string(),
        other => format!("{other:?}"),
    })
}

impl Drop for Collector {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait(&self, patience: Duration, done: impl Fn(&Kept) -> bool) -> bool {
        let waited = self
            .changed
            .wait_timeout_while(self.lock(), patience, |kept| !done(kept));
        let (kept, _) = waited.unwrap_or_else(PoisonError::into_inner);
        done(&kept)
    }

    /// Keeps an export, and says what to answer.
    fn keep(&self, request: ExportTraceServiceRequest, headers: HeaderMap) -> Reply {
        let mut kept = self.lock();
        let reply = kept.next.pop_front().unwrap_or(kept.reply);
        let spans: Vec<_> = request
            .resource_spans
            .into_iter()
            .flat_map(of_resource)
            .collect();
        kept.exports.push(Export {
            at: Instant::now(),
            spans: spans.len(),
            headers,
            reply,
        });
        if matches!(reply, Reply::Take | Reply::TakeBut(_)) {
            kept.spans.extend(spans);
        }
        drop(kept);
        self.changed.notify_all();
        reply
    }
}

fn of_resource(
    spans: opentelemetry_proto::tonic::trace::v1::ResourceSpans,
) -> impl Iterator<Item = Received> {
    let resource = spans.resource.unwrap_or_default();
    spans.scope_spans.into_iter().flat_map(move |scoped| {
        let resource = resource.clone();
        let scope = scoped.scope.unwrap_or_default();
        scoped.spans.into_iter().map(move |span| Received {
            resource: resource.clone(),
            scope: scope.clone(),
            span,
        })
    })
}

fn response(rejected: i64) -> ExportTraceServiceResponse {
    ExportTraceServiceResponse {
        partial_success: (rejected > 0).then(|| ExportTracePartialSuccess {
            rejected_spans: rejected,
            error_message: "some of them".to_owned(),
        }),
    }
}

async fn serve(protocol: Protocol, listener: TcpListener, keeps: Arc<Shared>) {
    let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
    match protocol {
        Protocol::Grpc => {
            let service = TraceServiceServer::new(Grpc(keeps))
                .accept_compressed(CompressionEncoding::Gzip)
                .send_compressed(CompressionEncoding::Gzip);
            let served = tonic::transport::Server::builder()
                .add_service(service)
                .serve_with_incoming(TcpIncoming::from(listener));
            served.await.expect("a server");
        }
        Protocol::Http => {
            let router = Router::new()
                .route("/v1/traces", post(over_http))
                .route("/elsewhere", post(over_http))
                .with_state(keeps);
            axum::serve(listener, router).await.expect("a server");
        }
    }
}

struct Grpc(Arc<Shared>);

#[tonic::async_trait]
impl TraceService for Grpc {
    async fn export(
        &self,
        request: tonic::Request<ExportTraceServiceRequest>,
    ) -> Result<tonic::Response<ExportTraceServiceResponse>, tonic::Status> {
        let (metadata, _, request) = request.into_parts();
        match self.0.keep(request, metadata.into_headers()) {
            Reply::Take => Ok(tonic::Response::new(response(0))),
            Reply::TakeBut(rejected) => Ok(tonic::Response::new(response(rejected))),
            Reply::Status(400) => Err(tonic::Status::invalid_argument("no")),
            Reply::Status(401 | 403) => Err(tonic::Status::permission_denied("no")),
            Reply::Status(500) => Err(tonic::Status::internal("no")),
            Reply::Status(429) => Err(tonic::Status::resource_exhausted("no")),
            Reply::Status(_) | Reply::RetryAfter(_) => Err(tonic::Status::unavailable("no")),
            Reply::Hang => std::future::pending().await,
        }
    }
}

async fn over_http(State(keeps): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    let mut plain = Vec::new();
    if headers.get(header::CONTENT_ENCODING) == Some(&HeaderValue::from_static("gzip")) {
        GzDecoder::new(&body[..])
            .read_to_end(&mut plain)
            .expect("gzip");
    } else {
        plain = body.to_vec();
    }
    let request = ExportTraceServiceRequest::decode(&plain[..]).expect("an export");
    let taken = |rejected| {
        let body = response(rejected).encode_to_vec();
        ([(header::CONTENT_TYPE, "application/x-protobuf")], body).into_response()
    };
    match keeps.keep(request, headers) {
        Reply::Take => taken(0),
        Reply::TakeBut(rejected) => taken(rejected),
        Reply::Status(status) => StatusCode::from_u16(status)
            .expect("a status")
            .into_response(),
        Reply::RetryAfter(seconds) => {
            let after = [(header::RETRY_AFTER, seconds.to_string())];
            (StatusCode::TOO_MANY_REQUESTS, after).into_response()
        }
        Reply::Hang => std::future::pending().await,
    }
}

/// How a peer misbehaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hostility {
    /// It closes each connection with what came in unread.
    Reset,
    /// It accepts connections and reads nothing.
    NeverReads,
    /// It reads everything and answers nothing.
    NeverAnswers,
    /// It answers with a byte at a time, a long time apart.
    SlowBytes,
    /// It answers 200, and then a body of a gibibyte.
    HugeBody,
}

/// A peer that misbehaves, until the process ends.
#[derive(Debug)]
pub struct Hostile {
    address: SocketAddr,
}

impl Hostile {
    /// Starts it.
    ///
    /// # Panics
    /// If there is no port to be had.
    #[must_use]
    pub fn start(hostility: Hostility) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("its address");
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                thread::spawn(move || hostility.meet(stream));
            }
        });
        Self { address }
    }

    /// Where it is found, as `http://host:port`.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Hostility {
    fn meet(self, mut stream: TcpStream) {
        let mut buffer = [0; 4096];
        match self {
            Self::Reset => {
                // A byte read and others not: closing then is a reset.
                drop(stream.read(&mut buffer[..1]));
            }
            Self::NeverReads => loop {
                thread::park();
            },
            Self::NeverAnswers => while stream.read(&mut buffer).is_ok_and(|read| read > 0) {},
            Self::SlowBytes => {
                drop(stream.read(&mut buffer));
                for byte in b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n"
                    .iter()
                    .cycle()
                {
                    if stream.write_all(&[*byte]).is_err() {
                        return;
                    }
                    thread::park_timeout(Duration::from_secs(1));
                }
            }
            Self::HugeBody => {
                drop(stream.read(&mut buffer));
                let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", 1_u64 << 30);
                let mut answered = stream.write_all(head.as_bytes());
                while answered.is_ok() {
                    answered = stream.write_all(&buffer);
                }
            }
        }
    }
}
