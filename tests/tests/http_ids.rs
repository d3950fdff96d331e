//! Correlation and request ids: accepted as they are or replaced, on every response, and never
//! those of somebody else.

#![expect(
    clippy::float_cmp,
    reason = "counts are whole numbers and compared exactly"
)]

use std::net::SocketAddr;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::response::Response;
use axum::routing::get;
use http::{HeaderValue, Request, StatusCode};
use http_body_util::BodyExt;
use obs::{Ctx, Format, JoinSetExt, Obs};
use obs_tests::scrape::Scrape;
use tokio::task::JoinSet;
use tower::ServiceExt;

const CORRELATION_ID: &str = "x-correlation-id";
const REQUEST_ID: &str = "x-request-id";

fn detached() -> Obs {
    Obs::from_vars(obs::service!(), [("OBS_ENV", "dev")])
        .unwrap()
        .detached()
        .unwrap()
}

fn app(obs: &Obs) -> Router {
    obs.wrap(Router::new().route(
        "/",
        get(async || Ctx::current().unwrap().correlation_id().to_owned()),
    ))
}

fn rejected(obs: &Obs) -> f64 {
    Scrape::text(&obs.scrape(Format::Text)).sum("obs_correlation_rejected_total", &[])
}

async fn send(app: &Router, headers: &[(&str, &[u8])]) -> Response {
    let mut request = Request::new(Body::empty());
    for (name, value) in headers {
        request.headers_mut().append(
            http::HeaderName::from_bytes(name.as_bytes()).unwrap(),
            HeaderValue::from_bytes(value).unwrap(),
        );
    }
    app.clone().oneshot(request).await.unwrap()
}

fn only(response: &Response, name: &str) -> String {
    let values: Vec<_> = response.headers().get_all(name).iter().collect();
    assert_eq!(values.len(), 1, "{name} {values:?}");
    values[0].to_str().unwrap().to_owned()
}

async fn text(response: Response) -> String {
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[tokio::test]
async fn c1_an_id_from_outside_is_accepted_as_it_is_or_replaced_and_counted() {
    let long = [b'a'; 128];
    let longer = [b'a'; 129];
    let huge = vec![b'a'; 64 * 1024];
    let larger = vec![b'a'; 400 * 1024];
    let rows: [(&[u8], bool); 22] = [
        (b"a", true),
        (&long, true),
        (b"Ab.9_~-", true),
        (b"01890a5d-ac96-774b-bcce-b302099a8057", true),
        (b"", false),
        (&longer, false),
        (&huge, false),
        (&larger, false),
        (b"a\tb", false),
        (b"a b", false),
        (b"a\x1b[2J", false),
        (b"\x80", false),
        ("a\u{2028}b".as_bytes(), false),
        (b"%0d%0a", false),
        (b"\"}", false),
        (b"{{", false),
        (b"${jndi:ldap://x}", false),
        (b"<script>", false),
        (b"'; --", false),
        (b"a,b", false),
        (b"a;b", false),
        (b"a=b", false),
    ];
    let obs = detached();
    let app = app(&obs);
    let mut bad = 0.0;
    for (id, accepted) in rows {
        // An escape cannot even be put into a header.
        if HeaderValue::from_bytes(id).is_err() {
            continue;
        }
        let response = send(&app, &[(CORRELATION_ID, id)]).await;
        let answered = only(&response, CORRELATION_ID);
        assert_eq!(answered.as_bytes() == id, accepted, "{id:?}");
        assert_eq!(text(response).await, answered, "the handler has the same");
        if !accepted {
            assert_eq!(answered.len(), 36);
            bad += 1.0;
        }
        assert_eq!(rejected(&obs), bad, "{id:?}");
    }
    // Two headers, and a hundred, are none.
    let two = [(CORRELATION_ID, &b"a"[..]); 2];
    assert_eq!(only(&send(&app, &two).await, CORRELATION_ID).len(), 36);
    let hundred = [(CORRELATION_ID, &b"a"[..]); 100];
    assert_eq!(only(&send(&app, &hundred).await, CORRELATION_ID).len(), 36);
    assert_eq!(rejected(&obs), bad + 2.0);
    // Names of headers have no case.
    let response = send(&app, &[("X-CORRELATION-Id", b"abc")]).await;
    assert_eq!(only(&response, CORRELATION_ID), "abc");
}

#[tokio::test]
async fn the_correlation_id_is_the_request_id_where_it_alone_came() {
    let obs = detached();
    let app = app(&obs);
    let response = send(&app, &[(REQUEST_ID, b"req-1")]).await;
    assert_eq!(only(&response, CORRELATION_ID), "req-1");
    assert_eq!(only(&response, REQUEST_ID), "req-1");
    let both: [(&str, &[u8]); 2] = [(REQUEST_ID, b"req-1"), (CORRELATION_ID, b"cor-1")];
    let response = send(&app, &both).await;
    assert_eq!(only(&response, CORRELATION_ID), "cor-1");
    assert_eq!(only(&response, REQUEST_ID), "req-1");
    let response = send(&app, &[]).await;
    let (correlation, request) = (only(&response, CORRELATION_ID), only(&response, REQUEST_ID));
    assert_ne!(correlation, request);
    // A bad one of either is replaced alone.
    let both: [(&str, &[u8]); 2] = [(REQUEST_ID, b"a b"), (CORRELATION_ID, b"cor-1")];
    let response = send(&app, &both).await;
    assert_eq!(only(&response, CORRELATION_ID), "cor-1");
    assert_eq!(only(&response, REQUEST_ID).len(), 36);
    assert_eq!(rejected(&obs), 1.0);
}

#[tokio::test]
async fn c3_valid_ids_come_back_byte_for_byte() {
    const BYTES: &[u8] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._~-";
    let obs = detached();
    let app = app(&obs);
    let mut seed = 7_u64;
    for n in 0..1_000 {
        let id: Vec<u8> = (0..=n % 128)
            .map(|_| {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                BYTES[usize::try_from(seed >> 33).unwrap() % BYTES.len()]
            })
            .collect();
        let response = send(&app, &[(CORRELATION_ID, &id)]).await;
        assert_eq!(only(&response, CORRELATION_ID).as_bytes(), id);
        assert_eq!(text(response).await.as_bytes(), id);
    }
    assert_eq!(rejected(&obs), 0.0);
}

#[tokio::test]
async fn c7_every_response_has_each_id_exactly_once() {
    async fn own_header() -> ([(&'static str, &'static str); 2], &'static str) {
        ([(CORRELATION_ID, "mine"), (REQUEST_ID, "mine")], "body")
    }
    let obs = detached();
    let app = obs.wrap(
        Router::new()
            .route("/own", get(own_header))
            .route("/panics", get(async || -> () { panic!("on purpose") }))
            .route("/500", get(async || StatusCode::INTERNAL_SERVER_ERROR))
            .route(
                "/timeout",
                get(async || "").layer(tower::util::MapResponseLayer::new(|_: Response| {
                    StatusCode::REQUEST_TIMEOUT
                })),
            ),
    );
    for (method, path, status) in [
        ("GET", "/own", 200),
        ("GET", "/panics", 500),
        ("GET", "/500", 500),
        ("GET", "/timeout", 408),
        ("GET", "/nowhere", 404),
        ("POST", "/own", 405),
        ("HEAD", "/own", 200),
    ] {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(CORRELATION_ID, "theirs")
            .body(Body::empty())
            .unwrap();
        let response = app.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), status, "{path}");
        assert_eq!(only(&response, CORRELATION_ID), "theirs");
        assert_eq!(only(&response, REQUEST_ID).len(), 36);
    }
}

#[tokio::test]
async fn a_trace_is_continued_for_a_trusted_peer_and_linked_for_any_other() {
    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let seen = async || {
        let ctx = Ctx::current().unwrap();
        let shown = |context: Option<obs::TraceContext>| {
            context.map_or_else(|| "-".to_owned(), |context| context.traceparent())
        };
        let (parent, link) = (shown(ctx.parent()), shown(ctx.link()));
        format!("{} {parent} {link}", ctx.trace().traceparent())
    };
    let obs = detached();
    let app = obs.wrap(Router::new().route("/", get(seen)));
    for (peer, trusted) in [
        (Some("127.0.0.1:9"), true),
        (Some("10.1.2.3:9"), true),
        (Some("[::1]:9"), true),
        (Some("[::ffff:192.168.0.7]:9"), true),
        (Some("8.8.8.8:9"), false),
        (Some("[2001:db8::1]:9"), false),
        (None, false),
    ] {
        let mut request = Request::new(Body::empty());
        request
            .headers_mut()
            .insert("traceparent", HeaderValue::from_static(PARENT));
        if let Some(peer) = peer {
            let peer: SocketAddr = peer.parse().unwrap();
            request.extensions_mut().insert(ConnectInfo(peer));
        }
        let answer = text(app.clone().oneshot(request).await.unwrap()).await;
        let [own, parent, link] = answer.split(' ').collect::<Vec<_>>()[..] else {
            panic!("{answer}");
        };
        let same_trace = own[3..35] == PARENT[3..35];
        assert_eq!(same_trace, trusted, "{peer:?}");
        assert_ne!(own[36..52], PARENT[36..52], "a span of its own");
        let expected = if trusted {
            [PARENT, "-"]
        } else {
            ["-", PARENT]
        };
        assert_eq!([parent, link], expected);
    }
}

/// Asks for the id again and again, in spawned tasks too.
async fn wander(id: String) -> Result<(), String> {
    let check = move || {
        let found = Ctx::current().map(|ctx| ctx.correlation_id().to_owned());
        match found {
            Some(found) if found == id => Ok(()),
            found => Err(format!("{found:?} instead of {id}")),
        }
    };
    for _ in 0..100 {
        check()?;
        tokio::task::yield_now().await;
    }
    check()
}

fn k2(worker_threads: usize) {
    let handler = async |headers: http::HeaderMap| -> Result<(), String> {
        let id = headers[CORRELATION_ID].to_str().unwrap().to_owned();
        let spawned = obs::spawn(wander(id.clone()));
        let blocking = {
            let id = id.clone();
            obs::spawn_blocking(move || {
                let found = Ctx::current().map(|ctx| ctx.correlation_id().to_owned());
                (found.as_deref() == Some(&id)).then_some(()).ok_or(id)
            })
        };
        let mut set = JoinSet::new();
        set.spawn_in_ctx(wander(id.clone()));
        // Of plain tasks and threads nobody can know; they must have none, never another's.
        let plain = tokio::spawn(async {
            tokio::task::yield_now().await;
            Ctx::current().map(|ctx| ctx.correlation_id().to_owned())
        });
        let thread = std::thread::spawn(|| Ctx::current().is_some());
        wander(id).await?;
        spawned.await.unwrap()?;
        blocking.await.unwrap()?;
        while let Some(ended) = set.join_next().await {
            ended.unwrap()?;
        }
        match plain.await.unwrap() {
            None => {}
            found => return Err(format!("a plain task has {found:?}")),
        }
        if thread.join().unwrap() {
            return Err("a plain thread has an id".to_owned());
        }
        Ok(())
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(worker_threads)
        .enable_all()
        .build()
        .unwrap();
    let obs = detached();
    let app = obs.wrap(Router::new().route(
        "/",
        get(async move |headers| match handler(headers).await {
            Ok(()) => "fine".to_owned(),
            Err(error) => error,
        }),
    ));
    runtime.block_on(async {
        let mut requests = JoinSet::new();
        for n in 0..1_000 {
            let app = app.clone();
            requests.spawn(async move {
                let id = format!("request-{n}");
                let response = send(&app, &[(CORRELATION_ID, id.as_bytes())]).await;
                assert_eq!(only(&response, CORRELATION_ID), id);
                assert_eq!(text(response).await, "fine");
            });
        }
        while let Some(ended) = requests.join_next().await {
            ended.unwrap();
        }
    });
}

#[test]
fn k2_a_thousand_concurrent_requests_on_one_thread_never_see_another_ones_id() {
    k2(1);
}

#[test]
fn k2_a_thousand_concurrent_requests_on_eight_threads_never_see_another_ones_id() {
    k2(8);
}

#[tokio::test]
async fn k4_after_a_dropped_request_the_thread_has_no_context() {
    let obs = detached();
    let app = obs.wrap(Router::new().route("/", get(std::future::pending::<()>)));
    for _ in 0..1_000 {
        let mut request = Box::pin(app.clone().oneshot(Request::new(Body::empty())));
        tokio::select! {
            biased;
            _ = &mut request => unreachable!(),
            () = std::future::ready(()) => {}
        }
        assert!(Ctx::current().is_none());
        drop(request);
        assert!(Ctx::current().is_none());
    }
}

#[tokio::test]
async fn what_a_handler_leaves_behind_is_dropped_in_its_context() {
    struct Says(tokio::sync::mpsc::UnboundedSender<Option<String>>);
    impl Drop for Says {
        fn drop(&mut self) {
            let id = Ctx::current().map(|ctx| ctx.correlation_id().to_owned());
            drop(self.0.send(id));
        }
    }
    let (sender, mut ids) = tokio::sync::mpsc::unbounded_channel();
    let obs = detached();
    let waits = async move || {
        let _says = Says(sender.clone());
        std::future::pending::<()>().await;
    };
    let app = obs.wrap(Router::new().route("/", get(waits)));
    let mut request = Request::new(Body::empty());
    request
        .headers_mut()
        .insert(CORRELATION_ID, HeaderValue::from_static("left"));
    let mut request = Box::pin(app.oneshot(request));
    tokio::select! {
        biased;
        _ = &mut request => unreachable!(),
        () = std::future::ready(()) => {}
    }
    drop(request);
    assert_eq!(ids.recv().await.unwrap().as_deref(), Some("left"));
}
