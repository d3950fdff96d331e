//! Which hosts see the ids of a request, with a client of `reqwest` and real sockets.

use std::sync::Arc;

use axum::Router;
use axum::extract::Path;
use axum::routing::get;
use http::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use obs::client::{ClientProblem, ReqwestBuilder};
use obs::{Ctx, InCtx, Obs, Peer, TraceContext};
use obs_tests::upstream::{Received, Upstream};
use reqwest::redirect::Policy;
use reqwest_middleware::ClientWithMiddleware;
use tokio::task::JoinSet;
use tower::{Layer, ServiceExt};

#[derive(obs::Label, Clone, Copy)]
enum Service {
    Engine,
}

const IDS: [&str; 2] = ["traceparent", "x-correlation-id"];

fn obs(hosts: &str) -> Obs {
    let variables = [("OBS_ENV", "dev"), ("OBS_PROPAGATE_HOSTS", hosts)];
    let setup = Obs::from_vars(obs::service!(), variables).unwrap();
    setup.detached().unwrap()
}

fn builder(obs: &Obs) -> ReqwestBuilder {
    // Whatever the machine's own proxy is: it is none for loopback.
    obs.client(reqwest::Client::builder().no_proxy())
}

fn client(hosts: &str) -> ClientWithMiddleware {
    builder(&obs(hosts)).build().unwrap()
}

fn has_ids(request: &Received) -> bool {
    let found = IDS.map(|name| request.header(name).is_some());
    assert_eq!(found[0], found[1], "all of them or none: {request:?}");
    found[0]
}

fn hosts(requests: &[Received]) -> Vec<(&str, bool)> {
    let host = |request| (Received::host(request), has_ids(request));
    requests.iter().map(host).collect()
}

#[tokio::test]
async fn p2_ids_go_to_allowed_hosts_and_to_no_others() {
    let upstream = Upstream::start().await;
    for (rules, propagate, by_address, by_name) in [
        ("127.0.0.1", None, true, false),
        ("127.0.0.0/8", None, true, false),
        ("localhost", None, false, true),
        ("<local>", None, false, true),
        ("*.localhost,10.0.0.0/8", None, false, false),
        ("none", None, false, false),
        ("none", Some(true), true, false),
        ("<local>", Some(true), true, true),
        ("127.0.0.1,localhost", Some(false), false, true),
    ] {
        let obs = obs(rules);
        let mut builder = builder(&obs);
        if let Some(propagate) = propagate {
            let peer = Peer::new(Service::Engine, upstream.url("127.0.0.1", ""));
            builder = builder.peer(peer.propagate(propagate));
        }
        let client = builder.build().unwrap();
        for (host, expected) in [("127.0.0.1", by_address), ("localhost", by_name)] {
            let ctx = Ctx::new();
            let sent = client.get(upstream.url(host, "/jobs")).send();
            sent.in_ctx_of(&ctx).await;
            let [request] = upstream.take().try_into().unwrap();
            assert_eq!(has_ids(&request), expected, "{rules} {propagate:?} {host}");
            if expected {
                let trace = request.header(IDS[0]).and_then(TraceContext::parse);
                assert_eq!(trace.unwrap().trace_id, ctx.trace().trace_id);
                assert_eq!(request.header(IDS[1]), Some(ctx.correlation_id()));
            }
        }
    }
}

trait InCtxOf: Future<Output = reqwest_middleware::Result<reqwest::Response>> + Sized {
    /// Waits for a response within a context.
    async fn in_ctx_of(self, ctx: &Ctx) -> reqwest::Response {
        ctx.scope(|| self.in_ctx()).await.unwrap()
    }
}

impl<F: Future<Output = reqwest_middleware::Result<reqwest::Response>>> InCtxOf for F {}

#[tokio::test]
async fn the_default_is_loopback_and_the_names_of_a_cluster() {
    let upstream = Upstream::start().await;
    let setup = Obs::from_vars(obs::service!(), [("OBS_ENV", "prod")]).unwrap();
    let obs = setup.detached().unwrap();
    // No name server is asked: all of them are this machine.
    let mut inner = reqwest::Client::builder().no_proxy();
    let names = [
        ("engine", true),
        ("engine.internal", true),
        ("engine.shop.svc.cluster.local", true),
        ("engine.example.com", false),
        ("internal.example", false),
    ];
    for (name, _) in names {
        inner = inner.resolve(name, "127.0.0.1:0".parse().unwrap());
    }
    let client = obs.client(inner).build().unwrap();
    let ctx = Ctx::new();
    for (name, expected) in names {
        let sent = client.get(upstream.url(name, "/")).send();
        sent.in_ctx_of(&ctx).await;
        assert_eq!(hosts(&upstream.take()), [(name, expected)]);
    }
}

#[tokio::test]
async fn what_the_caller_wrote_stays_and_nothing_is_made_up_outside_of_a_context() {
    let upstream = Upstream::start().await;
    let client = client("127.0.0.1");
    let url = upstream.url("127.0.0.1", "/");
    client.get(&url).send().await.unwrap();
    assert_eq!(hosts(&upstream.take()), [("127.0.0.1", false)]);

    let ctx = Ctx::new();
    let own = TraceContext::root(true).traceparent();
    let sent = client.get(&url).header("traceparent", &own).send();
    sent.in_ctx_of(&ctx).await;
    let sent = client.get(&url).header("x-correlation-id", "mine").send();
    sent.in_ctx_of(&ctx).await;
    let [first, second] = upstream.take().try_into().unwrap();
    assert_eq!(first.header(IDS[0]), Some(own.as_str()));
    assert_eq!(first.header(IDS[1]), Some(ctx.correlation_id()));
    assert_eq!(second.header(IDS[1]), Some("mine"));
    assert_eq!(second.headers.get_all(IDS[1]).iter().count(), 1);
}

#[tokio::test]
async fn p2_a_redirect_takes_ids_to_allowed_hosts_only() {
    let upstream = Upstream::start().await;
    let away = upstream.url("localhost", "/there");
    let near = upstream.url("127.0.0.1", "/there");
    let client = client("127.0.0.1");
    let ctx = Ctx::new();
    // Where it goes, with which method and body.
    for (status, method, expected, keeps_body) in [
        (301, "GET", "GET", true),
        (302, "POST", "GET", false),
        (302, "PUT", "PUT", true),
        (303, "POST", "GET", false),
        (303, "HEAD", "HEAD", false),
        (307, "POST", "POST", true),
        (308, "PUT", "PUT", true),
    ] {
        for (to, leaves) in [(&away, true), (&near, false)] {
            let url = upstream.url("127.0.0.1", &format!("/redirect/{status}/{to}"));
            let method = method.parse().unwrap();
            let request = client.request(method, url).header("x-mine", "kept");
            let request = request.bearer_auth("hunter2").body("payload");
            let response = request.send().in_ctx_of(&ctx).await;
            assert_eq!(response.status(), StatusCode::OK);
            assert_eq!(response.url().as_str(), to);
            let [first, second] = upstream.take().try_into().unwrap();
            assert!(has_ids(&first));
            assert_eq!(has_ids(&second), !leaves, "{status} to {to}");
            assert_eq!(second.method, expected);
            assert_eq!(second.body, if keeps_body { "payload" } else { "" });
            assert_eq!(second.header("x-mine"), Some("kept"));
            assert_eq!(second.header("authorization").is_some(), !leaves);
        }
    }
}

#[tokio::test]
async fn p2_ids_stay_behind_however_long_the_way_is() {
    let upstream = Upstream::start().await;
    let client = client("127.0.0.1");
    let ctx = Ctx::new();
    // Allowed, allowed, not allowed, and back again.
    let home = upstream.url("127.0.0.1", "/home");
    let away = upstream.url("localhost", &format!("/redirect/302/{home}"));
    let near = upstream.url("127.0.0.1", &format!("/redirect/302/{away}"));
    let url = upstream.url("127.0.0.1", &format!("/redirect/303/{near}"));
    let response = client.post(url).body("x").send().in_ctx_of(&ctx).await;
    assert_eq!(response.url().as_str(), home);
    let expected = [
        ("127.0.0.1", true),
        ("127.0.0.1", true),
        ("localhost", false),
        ("127.0.0.1", false),
    ];
    assert_eq!(hosts(&upstream.take()), expected);

    let looping = upstream.url("127.0.0.1", "/redirect/302/");
    let error = ctx.scope(|| client.get(&looping).send().in_ctx()).await;
    assert!(error.unwrap_err().is_redirect());
    assert_eq!(upstream.take().len(), 11);
}

#[tokio::test]
async fn p2_credentials_that_a_client_always_sends_do_not_leave_with_a_redirect() {
    let upstream = Upstream::start().await;
    let mut headers = HeaderMap::new();
    headers.insert(AUTHORIZATION, HeaderValue::from_static("Bearer hunter2"));
    let inner = reqwest::Client::builder().no_proxy();
    let obs = obs("127.0.0.1");
    let client = obs.client(inner.default_headers(headers)).build().unwrap();
    let away = upstream.url("localhost", "/there");
    let url = upstream.url("127.0.0.1", &format!("/redirect/302/{away}"));
    client.get(url).send().in_ctx_of(&Ctx::new()).await;
    let [first, second] = upstream.take().try_into().unwrap();
    assert_eq!(first.header("authorization"), Some("Bearer hunter2"));
    assert_eq!(second.header("authorization"), Some(""));
}

#[tokio::test]
async fn a_redirect_is_the_response_where_none_is_followed() {
    let upstream = Upstream::start().await;
    let obs = obs("127.0.0.1");
    let url = upstream.url("127.0.0.1", "/redirect/302/http://localhost/");
    let none = reqwest::Client::builder().no_proxy();
    let none = none.redirect(Policy::none()).build().unwrap();
    for client in [
        builder(&obs).redirects(0).build().unwrap(),
        obs.client(none).build().unwrap(),
    ] {
        let response = client.get(&url).send().in_ctx_of(&Ctx::new()).await;
        assert_eq!(response.status(), StatusCode::FOUND);
    }
    assert!(upstream.take().iter().all(has_ids));
}

#[test]
fn a_client_that_would_tell_ids_through_redirects_is_refused() {
    let obs = obs("none");
    let error = obs.client(reqwest::Client::new()).build().unwrap_err();
    assert_eq!(error.problems(), [ClientProblem::FollowsRedirects]);
    assert!(
        error
            .to_string()
            .contains("obs.client(reqwest::Client::builder())")
    );
    let trusted = obs.client(reqwest::Client::new()).trust_redirects();
    assert!(trusted.build().is_ok());
    let policy = reqwest::Client::builder().redirect(Policy::limited(2));
    let error = obs.client(policy).build().unwrap_err();
    assert_eq!(error.problems(), [ClientProblem::HasRedirectPolicy]);
}

/// Serves `/call/{n}`, which asks a peer with `send` for `/jobs/{n}` and answers with its own trace.
fn caller<F, S>(obs: &Obs, send: F) -> Router
where
    F: Fn(String) -> S + Clone + Send + Sync + 'static,
    S: Future<Output = StatusCode> + Send + 'static,
{
    let call = async move |Path(n): Path<String>| {
        let ctx = Ctx::current().unwrap();
        tokio::task::yield_now().await;
        assert_eq!(send(format!("/jobs/{n}")).await, StatusCode::OK);
        assert_eq!(Ctx::current().unwrap().correlation_id(), format!("id-{n}"));
        ctx.trace().trace_id.to_string()
    };
    obs.wrap(Router::new().route("/call/{n}", get(call)))
}

async fn assert_thousand_have_their_own(app: Router, upstream: &Upstream) {
    let mut calls = JoinSet::new();
    for n in 0..1_000 {
        let request = Request::get(format!("/call/{n}"))
            .header("x-correlation-id", format!("id-{n}"))
            .body(axum::body::Body::empty())
            .unwrap();
        let app = app.clone();
        calls.spawn(async move {
            let response = app.oneshot(request).await.unwrap();
            let trace = response.into_body().collect().await.unwrap().to_bytes();
            (n, String::from_utf8(trace.to_vec()).unwrap())
        });
    }
    let mut traces = vec![String::new(); 1_000];
    while let Some(called) = calls.join_next().await {
        let (n, trace): (usize, String) = called.unwrap();
        traces[n] = trace;
    }
    let seen = upstream.take();
    assert_eq!(seen.len(), 1_000);
    for request in seen {
        let n = request.path.strip_prefix("/jobs/").unwrap();
        assert_eq!(request.header(IDS[1]), Some(format!("id-{n}").as_str()));
        let trace = request
            .header(IDS[0])
            .and_then(TraceContext::parse)
            .unwrap();
        assert_eq!(
            trace.trace_id.to_string(),
            traces[n.parse::<usize>().unwrap()]
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn k2_a_thousand_concurrent_requests_through_reqwest_carry_their_own_ids() {
    let upstream = Upstream::start().await;
    let obs = obs("127.0.0.1");
    let client = builder(&obs).build().unwrap();
    let base = upstream.url("127.0.0.1", "");
    let app = caller(&obs, move |path| {
        let sent = client.get(format!("{base}{path}")).send();
        async { sent.await.unwrap().status() }
    });
    assert_thousand_have_their_own(app, &upstream).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn k2_a_thousand_concurrent_requests_through_the_layer_carry_their_own_ids() {
    let upstream = Upstream::in_process();
    let obs = obs("engine");
    let layer = obs.client_layer().build().unwrap();
    let all_there = Arc::new(tokio::sync::Barrier::new(1_000));
    let service = tower::service_fn({
        let router = upstream.router();
        move |request| {
            let (router, all_there) = (router.clone(), Arc::clone(&all_there));
            async move {
                // Every one of them is in flight.
                all_there.wait().await;
                router.oneshot(request).await
            }
        }
    });
    let service = layer.layer(service);
    let app = caller(&obs, move |path| {
        let request = Request::get(format!("http://engine{path}"));
        let request = request.body(axum::body::Body::empty()).unwrap();
        let service = service.clone();
        async { service.oneshot(request).await.unwrap().status() }
    });
    assert_thousand_have_their_own(app, &upstream).await;
}
