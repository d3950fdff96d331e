//! OTLP over gRPC.

use std::error::Error;
use std::time::Duration;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use prost::Message;
use tokio::time::timeout;
use tonic::codec::CompressionEncoding;
use tonic::metadata::MetadataMap;
use tonic::transport::{Channel, ClientTlsConfig, Endpoint};
use tonic::{Code, Request, Status};

use super::{Answer, MAX_ANSWER, USER_AGENT, taken};
use crate::agent::CONNECT_TIMEOUT;
use crate::start::OtlpSettings;

pub(in super::super) struct Grpc {
    endpoint: Endpoint,
    metadata: MetadataMap,
    gzip: bool,
    /// Thrown away with its connection when that fails: one that leads nowhere would be used until
    /// the system notices, which takes many minutes.
    client: Option<TraceServiceClient<Channel>>,
}

impl Grpc {
    pub(super) fn new(settings: &OtlpSettings) -> Result<Self, String> {
        let endpoint = Endpoint::from_shared(settings.url.clone())
            .and_then(|endpoint| endpoint.user_agent(USER_AGENT))
            .and_then(|endpoint| {
                if settings.url.starts_with("https:") {
                    endpoint.tls_config(ClientTlsConfig::new().with_webpki_roots())
                } else {
                    Ok(endpoint)
                }
            })
            .map_err(|error| chain(&error))?
            .connect_timeout(CONNECT_TIMEOUT);
        let headers = settings.headers.0.iter().cloned().collect();
        Ok(Self {
            endpoint,
            metadata: MetadataMap::from_headers(headers),
            gzip: settings.gzip,
            client: None,
        })
    }

    pub(super) async fn deliver(
        &mut self,
        request: &ExportTraceServiceRequest,
        patience: Duration,
    ) -> Answer {
        let mut message = Request::new(request.clone());
        *message.metadata_mut() = self.metadata.clone();
        let client = self
            .client
            .get_or_insert_with(|| client(&self.endpoint, self.gzip));
        match timeout(patience, client.export(message)).await {
            Ok(Ok(response)) => taken(response.get_ref()),
            Ok(Err(status)) => {
                // With a cause it comes from here, and not from the collector.
                if status.source().is_some() {
                    self.client = None;
                }
                refused(&status)
            }
            Err(_) => {
                self.client = None;
                Answer::TimedOut
            }
        }
    }
}

fn client(endpoint: &Endpoint, gzip: bool) -> TraceServiceClient<Channel> {
    let client = TraceServiceClient::new(endpoint.connect_lazy())
        .max_decoding_message_size(MAX_ANSWER)
        .accept_compressed(CompressionEncoding::Gzip);
    if gzip {
        client.send_compressed(CompressionEncoding::Gzip)
    } else {
        client
    }
}

/// By the rules of the OTLP specification, "OTLP/gRPC Throttling".
fn refused(status: &Status) -> Answer {
    let code = status.code();
    let why = match status.source() {
        Some(cause) => format!("{code:?}: {}", chain(cause)),
        None => format!("gRPC status {code:?}"),
    };
    let after = retry_delay(status.details());
    let later = match code {
        Code::Cancelled
        | Code::DeadlineExceeded
        | Code::Aborted
        | Code::OutOfRange
        | Code::Unavailable
        | Code::DataLoss => true,
        Code::ResourceExhausted => after.is_some(),
        // A connection that broke is no answer.
        _ => status.source().is_some(),
    };
    if later {
        Answer::Later { why, after }
    } else {
        Answer::Refused { why }
    }
}

fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// `google.rpc.Status`, as far as it is needed.
#[derive(Clone, PartialEq, Message)]
struct RpcStatus {
    #[prost(message, repeated, tag = "3")]
    details: Vec<Any>,
}

/// `google.protobuf.Any`
#[derive(Clone, PartialEq, Message)]
struct Any {
    #[prost(string, tag = "1")]
    type_url: String,
    #[prost(bytes = "vec", tag = "2")]
    value: Vec<u8>,
}

/// `google.rpc.RetryInfo`
#[derive(Clone, PartialEq, Message)]
struct RetryInfo {
    #[prost(message, optional, tag = "1")]
    retry_delay: Option<Span>,
}

/// `google.protobuf.Duration`
#[derive(Clone, PartialEq, Message)]
struct Span {
    #[prost(int64, tag = "1")]
    seconds: i64,
    #[prost(int32, tag = "2")]
    nanos: i32,
}

/// How long the collector asks to wait.
fn retry_delay(details: &[u8]) -> Option<Duration> {
    let status = RpcStatus::decode(details).ok()?;
    let info = status
        .details
        .iter()
        .find(|detail| detail.type_url.ends_with("/google.rpc.RetryInfo"))?;
    let delay = RetryInfo::decode(info.value.as_slice()).ok()?.retry_delay?;
    Some(Duration::new(
        u64::try_from(delay.seconds).unwrap_or(0),
        u32::try_from(delay.nanos).unwrap_or(0).min(999_999_999),
    ))
}
