//! OTLP over HTTP, with Protocol Buffers.

use std::error::Error as _;
use std::io::Write;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER, USER_AGENT};
use http::{HeaderName, HeaderValue};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use prost::Message;
use ureq::{Agent, Error};

use super::{Answer, MAX_ANSWER, taken};
use crate::agent::agent;
use crate::start::OtlpSettings;

pub(in super::super) struct Http {
    agent: Agent,
    url: String,
    headers: Vec<(HeaderName, HeaderValue)>,
    gzip: bool,
}

impl Http {
    pub(super) fn new(settings: &OtlpSettings) -> Self {
        Self {
            // Each batch says how long it may take.
            agent: agent(None),
            url: settings.url.clone(),
            headers: settings.headers.0.clone(),
            gzip: settings.gzip,
        }
    }

    pub(super) fn deliver(
        &mut self,
        request: &ExportTraceServiceRequest,
        patience: Duration,
    ) -> Answer {
        let mut body = request.encode_to_vec();
        let mut post = self
            .agent
            .post(&self.url)
            .header(USER_AGENT, super::USER_AGENT)
            .header(CONTENT_TYPE, "application/x-protobuf");
        if self.gzip
            && let Some(smaller) = compressed(&body)
        {
            body = smaller;
            post = post.header(CONTENT_ENCODING, "gzip");
        }
        for (name, value) in &self.headers {
            post = post.header(name, value);
        }
        let post = post.config().timeout_global(Some(patience)).build();
        match post.send(&body) {
            Ok(response) => answer(response),
            Err(Error::Timeout(_)) => Answer::TimedOut,
            Err(error) => Answer::Later {
                why: match error.source() {
                    Some(cause) => format!("{error}: {cause}"),
                    None => error.to_string(),
                },
                after: None,
            },
        }
    }
}

fn compressed(body: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(body).ok()?;
    encoder.finish().ok()
}

/// By the rules of the OTLP specification, "OTLP/HTTP Response".
fn answer(mut response: http::Response<ureq::Body>) -> Answer {
    let status = response.status();
    let after = response.headers().get(RETRY_AFTER).and_then(seconds);
    // Read for the connection to be used again. What is longer than an answer can be is left
    // alone: the status said already that the spans arrived.
    let body = response
        .body_mut()
        .with_config()
        .limit(MAX_ANSWER as u64)
        .read_to_vec()
        .unwrap_or_default();
    if status.is_success() {
        let read = ExportTraceServiceResponse::decode(body.as_slice()).unwrap_or_default();
        return taken(&read);
    }
    let why = format!("HTTP status {}", status.as_u16());
    match status.as_u16() {
        429 | 502 | 503 | 504 => Answer::Later { why, after },
        _ => Answer::Refused { why },
    }
}

/// `Retry-After` in seconds. A date would have to be believed to be of the same clock.
fn seconds(value: &HeaderValue) -> Option<Duration> {
    let seconds = value.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}
