//! What belongs together: one correlation id, one request id and one trace, wherever the work of a
//! request goes.

mod annotation;
#[cfg(not(feature = "test"))]
mod carried;
mod ctx;
mod entered;
mod id;
mod operation;
mod place;
mod random;
mod remote;
mod sampler;
mod span;
mod spawn;
mod trace;
mod worth;

pub use annotation::{Annotation, annotate, bind};
pub use ctx::{Ctx, RequestLabels};
pub use spawn::{InCtx, JoinSetExt, WithCtx, spawn, spawn_blocking};
pub use trace::{SpanId, TraceContext, TraceId};

#[cfg(feature = "test")]
pub(crate) use crate::test::{Carried, InScope};
pub(crate) use annotation::MAX_ANNOTATION;
#[cfg(not(feature = "test"))]
pub(crate) use carried::{Carried, InScope};
#[cfg(feature = "sentry")]
pub(crate) use ctx::WeakCtx;
pub(crate) use ctx::{CtxParts, HttpRequest};
pub(crate) use entered::Entered;
pub(crate) use id::{Id, Rejected};
pub(crate) use operation::{Operation, Own};
pub(crate) use place::Place;
#[cfg(feature = "sentry")]
pub(crate) use remote::SentryDecision;
#[cfg(feature = "rmcp")]
pub(crate) use remote::baggage;
pub(crate) use remote::{CORRELATION_ID, Remote, TRACEPARENT, TRACESTATE, read_baggage};
pub(crate) use sampler::{Sampler, TracePolicy};
#[cfg(feature = "otlp")]
pub(crate) use span::CtxLayer;
pub(crate) use span::{CARRIER_SPAN, SpanCtx, end_span, open_span};
pub(crate) use spawn::tasks;
pub(crate) use worth::is_worth_showing;
