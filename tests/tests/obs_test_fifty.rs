//! Fifty tests under `#[obs::test]` in one process, which the harness runs side by side.
#![expect(clippy::float_cmp, reason = "counts in tests are small integers")]

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::routing::get;
use obs::TestObs;

obs::metrics! {
    registry FIFTY;

    /// Orders of one of fifty tests.
    counter fifty_orders_total();
}

/// A test counts and logs as often as its number says, and must find exactly that.
async fn counts(t: TestObs, times: usize) {
    let app = t.obs().wrap(Router::new().route(
        "/",
        get(async || {
            fifty_orders_total().inc();
            let task = obs::spawn(async { tracing::error!("ordered") });
            tokio::task::yield_now().await;
            task.await.unwrap();
        }),
    ));
    for _ in 0..times {
        t.request(app.clone(), Request::get("/").body(Body::empty()).unwrap())
            .await;
    }
    #[expect(clippy::cast_precision_loss, reason = "fifty at most")]
    let expected = times as f64;
    assert_eq!(t.metric("fifty_orders_total", &[]), expected);
    assert_eq!(t.metric("http_requests_total", &[]), expected);
    assert_eq!(t.logs().with_message("ordered").len(), times);
    assert_eq!(t.logs().with_message("request_completed").len(), times);
    assert_eq!(t.spans().with_name("GET /").len(), times);
    assert_eq!(t.sentry_events().len(), times);
    t.assert_no_leaks();
}

macro_rules! fifty {
    ($($name:ident: $times:literal),+ $(,)?) => {$(
        #[obs::test]
        async fn $name(t: TestObs) {
            counts(t, $times).await;
        }
    )+};
}

fifty! {
    i5_test_01: 1, i5_test_02: 2, i5_test_03: 3, i5_test_04: 4, i5_test_05: 5,
    i5_test_06: 6, i5_test_07: 7, i5_test_08: 8, i5_test_09: 9, i5_test_10: 10,
    i5_test_11: 11, i5_test_12: 12, i5_test_13: 13, i5_test_14: 14, i5_test_15: 15,
    i5_test_16: 16, i5_test_17: 17, i5_test_18: 18, i5_test_19: 19, i5_test_20: 20,
    i5_test_21: 21, i5_test_22: 22, i5_test_23: 23, i5_test_24: 24, i5_test_25: 25,
    i5_test_26: 26, i5_test_27: 27, i5_test_28: 28, i5_test_29: 29, i5_test_30: 30,
    i5_test_31: 31, i5_test_32: 32, i5_test_33: 33, i5_test_34: 34, i5_test_35: 35,
    i5_test_36: 36, i5_test_37: 37, i5_test_38: 38, i5_test_39: 39, i5_test_40: 40,
    i5_test_41: 41, i5_test_42: 42, i5_test_43: 43, i5_test_44: 44, i5_test_45: 45,
    i5_test_46: 46, i5_test_47: 47, i5_test_48: 48, i5_test_49: 49, i5_test_50: 50,
}
