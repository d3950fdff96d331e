//! What a body does after its last byte, and when it is dropped, belongs to its request as well.

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use axum::routing::get;
use bytes::Bytes;
use http::Request;
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt;
use tower_service::Service as _;

use super::detached;
use crate::context::Ctx;
use crate::start::Obs;

type Seen = Arc<Mutex<Vec<(&'static str, Option<String>)>>>;

/// Says where it is polled and dropped.
struct Witness {
    seen: Seen,
    frames: usize,
    length: Option<u64>,
    then: Then,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Then {
    Ends,
    Panics,
    Waits,
}

impl Witness {
    fn note(&self, what: &'static str) {
        let id = Ctx::current().map(|ctx| ctx.correlation_id().to_owned());
        self.seen.lock().unwrap().push((what, id));
    }
}

impl http_body::Body for Witness {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        self.note("polled");
        if self.frames > 0 {
            self.frames -= 1;
            return Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"ab")))));
        }
        match self.then {
            Then::Ends => Poll::Ready(None),
            Then::Panics => panic!("on purpose"),
            Then::Waits => Poll::Pending,
        }
    }

    fn size_hint(&self) -> SizeHint {
        self.length
            .map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        self.note("dropped");
    }
}

async fn answer(obs: &Obs, body: Witness, kind: &'static str) -> Response {
    let body = Arc::new(Mutex::new(Some(body)));
    let handler = async move || {
        let body = body.lock().unwrap().take().unwrap();
        ([("content-type", kind)], Body::new(body))
    };
    let request = Request::get("/")
        .header("x-correlation-id", "mine")
        .body(Body::empty())
        .unwrap();
    let mut app = obs.wrap(Router::new().route("/", get(handler)));
    app.call(request).await.unwrap()
}

fn assert_all_are_of_the_request(seen: &Seen, count: usize) {
    let seen = seen.lock().unwrap();
    assert_eq!(seen.len(), count, "{seen:?}");
    for (what, id) in seen.iter() {
        assert_eq!(id.as_deref(), Some("mine"), "{what}: {seen:?}");
    }
}

#[tokio::test]
async fn a_body_is_polled_and_dropped_in_its_request_also_after_its_last_byte() {
    let obs = detached();
    for length in [Some(2), None] {
        let seen = Seen::default();
        let body = Witness {
            seen: Arc::clone(&seen),
            frames: 1,
            length,
            then: Then::Ends,
        };
        let response = answer(&obs, body, "image/png").await;
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(bytes, "ab");
        assert_all_are_of_the_request(&seen, 3);
    }
}

#[tokio::test]
async fn a_body_that_panics_after_its_last_byte_panics_nobody_else() {
    let obs = detached();
    let body = Witness {
        seen: Seen::default(),
        frames: 1,
        length: Some(2),
        then: Then::Panics,
    };
    let mut body = answer(&obs, body, "image/png").await.into_body();
    assert!(body.frame().await.unwrap().is_ok());
    assert!(body.frame().await.unwrap().is_err());
    assert!(body.frame().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_ends_with_the_service_is_dropped_in_its_request() {
    let obs = detached();
    let seen = Seen::default();
    let body = Witness {
        seen: Arc::clone(&seen),
        frames: 1,
        length: None,
        then: Then::Waits,
    };
    let mut body = answer(&obs, body, "text/event-stream").await.into_body();
    assert!(body.frame().await.unwrap().is_ok());
    obs.shutdown().begin();
    assert!(body.frame().await.is_none());
    drop(body);
    let polls = seen.lock().unwrap().len();
    assert_eq!(seen.lock().unwrap().last().unwrap().0, "dropped");
    assert_all_are_of_the_request(&seen, polls);
}
