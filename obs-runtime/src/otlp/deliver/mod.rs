//! One batch, sent to a collector.

mod grpc;
mod http;

use std::time::Duration;

use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};

use crate::start::{OtlpSettings, Protocol};

use grpc::Grpc;
use http::Http;

/// Bytes of an answer that are read. An answer says how many spans were refused, and why.
const MAX_ANSWER: usize = 64 * 1024;

const USER_AGENT: &str = concat!("obs-runtime/", env!("CARGO_PKG_VERSION"));

/// What a collector said. `why` is never its own words, which may repeat the credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// It took the batch, but for so many spans.
    Taken { rejected: u64 },
    /// It may take it later: after so long, if it said that.
    Later {
        why: String,
        after: Option<Duration>,
    },
    /// It did not answer in time.
    TimedOut,
    /// It will never take it.
    Refused { why: String },
}

/// A way to a collector.
pub(super) enum Deliver {
    Grpc(Box<Grpc>),
    Http(Box<Http>),
}

impl Deliver {
    /// # Errors
    /// If the settings, which were checked, are nevertheless nothing that can be sent to.
    pub(super) fn new(settings: &OtlpSettings) -> Result<Self, String> {
        Ok(match settings.protocol {
            Protocol::Grpc => Self::Grpc(Box::new(Grpc::new(settings)?)),
            Protocol::HttpProtobuf => Self::Http(Box::new(Http::new(settings))),
        })
    }

    /// Sends a batch. It takes no longer than `patience`, whatever the peer does.
    pub(super) async fn deliver(
        &mut self,
        request: &ExportTraceServiceRequest,
        patience: Duration,
    ) -> Answer {
        match self {
            Self::Grpc(grpc) => grpc.deliver(request, patience).await,
            // It blocks: the thread is there for nothing else.
            Self::Http(http) => http.deliver(request, patience),
        }
    }
}

fn taken(response: &ExportTraceServiceResponse) -> Answer {
    let rejected = response.partial_success.as_ref().map_or(0, |partial| {
        u64::try_from(partial.rejected_spans).unwrap_or(0)
    });
    Answer::Taken { rejected }
}
