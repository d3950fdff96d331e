//! Whose ids stand on a line.

use std::sync::Arc;

use crate::context::{Ctx, CtxParts, HttpRequest, Id, RequestLabels, TraceContext};
use crate::http::{DEFAULT_BUCKETS, Traffic, TrafficOptions};

/// The context of a request.
pub(super) fn request(method: &'static str, route: &str) -> Ctx {
    Ctx::from_parts(CtxParts {
        correlation_id: Id::generate(),
        request_id: Some(Id::generate()),
        trace: TraceContext::root(true),
        parent: None,
        link: None,
        request: Some(HttpRequest {
            labels: RequestLabels {
                method,
                route: Arc::from(route),
            },
            traffic: Arc::new(Traffic::new(TrafficOptions {
                prefix: None,
                max_routes: 10,
                buckets: DEFAULT_BUCKETS.to_vec(),
                trusted: Vec::new(),
                success_sample: 1.0,
            })),
        }),
        kept: true,
    })
}
