//! How many requests an address may send: a middleware around the routes of the engine.

use std::hash::{BuildHasher, RandomState};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use governor::clock::{Clock, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};

use super::error::LimitError;
use super::job::Decision;
use crate::metrics::engine::traceo_engine_rate_limit_decisions_total;

const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");

/// The highest limit: the library counts in nanoseconds, and divides by those between two requests.
const MOST: u32 = 1_000_000;

/// Decisions between two looks for buckets that nobody uses any more.
const TIDY_EVERY: u64 = 4096;

/// Lets an address through `per_second` times a second.
///
/// Addresses are hashed into 65,536 buckets, so that memory is bounded however many there are;
/// the hash has a random key, so that nobody can choose whose bucket to fill.
#[derive(Debug)]
pub(super) struct RateLimit<C: Clock = DefaultClock> {
    per_second: NonZeroU32,
    buckets: RateLimiter<u16, DashMapStateStore<u16>, C, StateInformationMiddleware>,
    hash: RandomState,
    decisions: AtomicU64,
}

impl RateLimit {
    pub(super) fn new(per_second: u32) -> Self {
        Self::with_clock(per_second, DefaultClock::default())
    }
}

impl<C> RateLimit<C>
where
    C: Clock + Send + Sync + 'static,
    C::Instant: Send + Sync,
{
    fn with_clock(per_second: u32, clock: C) -> Self {
        let per_second = NonZeroU32::new(per_second.min(MOST)).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::per_second(per_second);
        Self {
            per_second,
            buckets: RateLimiter::dashmap_with_clock(quota, clock).with_middleware(),
            hash: RandomState::new(),
            decisions: AtomicU64::new(0),
        }
    }

    /// Puts the limit in front of the routes.
    pub(super) fn around(self, routes: Router) -> Router {
        routes.layer(from_fn_with_state(Arc::new(self), limit::<C>))
    }

    /// Returns how many more requests the address may send now.
    fn take(&self, address: IpAddr) -> Result<u32, LimitError> {
        // Relaxed: nothing else is read by it.
        if self.decisions.fetch_add(1, Ordering::Relaxed) % TIDY_EVERY == TIDY_EVERY - 1 {
            self.buckets.retain_recent();
        }
        let state = self.buckets.check_key(&self.bucket(address));
        let decision = if state.is_ok() {
            Decision::Allowed
        } else {
            Decision::Limited
        };
        traceo_engine_rate_limit_decisions_total(decision).inc();
        let state = state.map_err(|_| LimitError::RateLimited)?;
        Ok(state.remaining_burst_capacity())
    }

    fn bucket(&self, address: IpAddr) -> u16 {
        let [high, low, ..] = self.hash.hash_one(network(address)).to_le_bytes();
        u16::from_le_bytes([high, low])
    }

    fn tell(&self, headers: &mut HeaderMap, remaining: u32) {
        headers.insert(LIMIT, HeaderValue::from(self.per_second.get()));
        headers.insert(REMAINING, HeaderValue::from(remaining));
    }
}

/// Returns what one client has: an IPv4 address, or the 64 bits that an IPv6 network shares.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) if !address.is_loopback() => {
            let network = address.to_bits() >> 64 << 64;
            IpAddr::V6(Ipv6Addr::from_bits(network))
        }
        other => other,
    }
}

async fn limit<C>(State(limit): State<Arc<RateLimit<C>>>, request: Request, next: Next) -> Response
where
    C: Clock + Send + Sync + 'static,
    C::Instant: Send + Sync,
{
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    // Those whose address is not known share one bucket, which no address of a client falls into
    // other than by chance.
    let address = peer.map_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED), |peer| peer.0.ip());
    match limit.take(address) {
        Ok(remaining) => {
            let mut response = next.run(request).await;
            limit.tell(response.headers_mut(), remaining);
            response
        }
        Err(error) => {
            // With as many requests at once as in a second, the next one is never further away
            // than the second that the error's `Retry-After` says.
            let mut response = error.into_response();
            limit.tell(response.headers_mut(), 0);
            response
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::float_cmp, reason = "counts are whole numbers")]

    use std::net::{IpAddr, SocketAddr};
    use std::time::Duration;

    use axum::Router;
    use axum::body::Body;
    use axum::extract::ConnectInfo;
    use axum::http::{HeaderMap, Request, StatusCode};
    use axum::routing::get;
    use governor::clock::FakeRelativeClock;
    use tower::ServiceExt as _;

    use super::{RateLimit, TIDY_EVERY, network};
    use crate::telemetry::TestObs;

    const DECISIONS: &str = "traceo_engine_rate_limit_decisions_total";

    fn limit(per_second: u32, clock: &FakeRelativeClock) -> RateLimit<FakeRelativeClock> {
        RateLimit::with_clock(per_second, clock.clone())
    }

    fn ok() -> Router {
        Router::new().route("/", get(async || "ok"))
    }

    async fn ask(router: &Router, address: &str) -> (StatusCode, HeaderMap) {
        let mut request = Request::get("/").body(Body::empty()).unwrap();
        let address: SocketAddr = address.parse().unwrap();
        request.extensions_mut().insert(ConnectInfo(address));
        let response = router.clone().oneshot(request).await.unwrap();
        (response.status(), response.headers().clone())
    }

    #[obs::test]
    async fn an_address_has_its_share_of_every_second_whatever_others_do(t: TestObs) {
        let clock = FakeRelativeClock::default();
        let router = limit(10, &clock).around(ok());
        for left in (0..10).rev() {
            let (status, headers) = ask(&router, "10.0.0.1:1000").await;
            assert_eq!(status, StatusCode::OK);
            assert_eq!(headers["x-ratelimit-limit"], "10");
            assert_eq!(headers["x-ratelimit-remaining"], left.to_string());
        }
        // Another port is the same address.
        let (status, headers) = ask(&router, "10.0.0.1:1001").await;
        assert_eq!(status, StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(headers["content-type"], "application/problem+json");
        assert_eq!(headers["x-ratelimit-remaining"], "0");
        assert_eq!(headers["retry-after"], "1");
        assert_eq!(ask(&router, "10.0.0.2:1000").await.0, StatusCode::OK);

        clock.advance(Duration::from_millis(300));
        let mut statuses = Vec::new();
        for _ in 0..5 {
            statuses.push(ask(&router, "10.0.0.1:1000").await.0.as_u16());
        }
        assert_eq!(statuses, [200, 200, 200, 429, 429]);
        assert_eq!(t.metric(DECISIONS, &[("decision", "allowed")]), 14.0);
        assert_eq!(t.metric(DECISIONS, &[("decision", "limited")]), 3.0);
    }

    #[obs::test]
    async fn concurrent_requests_get_exactly_what_there_is(t: TestObs) {
        let clock = FakeRelativeClock::default();
        let router = limit(50, &clock).around(ok());
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..200 {
            let router = router.clone();
            tasks.spawn(t.run(async move { ask(&router, "10.0.0.1:1000").await.0 }));
        }
        let statuses = tasks.join_all().await;
        let allowed = statuses.iter().filter(|status| status.is_success());
        assert_eq!(allowed.count(), 50);
        assert_eq!(t.metric(DECISIONS, &[("decision", "limited")]), 150.0);
    }

    #[obs::test]
    async fn memory_is_bounded_and_given_back(_t: TestObs) {
        let clock = FakeRelativeClock::default();
        let limit = limit(10, &clock);
        for address in 0..200_000_u32 {
            limit.take(IpAddr::V4(address.into())).ok();
        }
        assert!(limit.buckets.len() <= 65_536, "{}", limit.buckets.len());
        clock.advance(Duration::from_secs(60));
        for _ in 0..TIDY_EVERY {
            limit.take(IpAddr::from([10, 0, 0, 1])).ok();
        }
        assert_eq!(limit.buckets.len(), 1);
    }

    #[obs::test]
    async fn a_limit_that_is_none_for_practical_purposes_is_one_as_well(_t: TestObs) {
        let clock = FakeRelativeClock::default();
        let left = limit(u32::MAX, &clock).take(IpAddr::from([10, 0, 0, 1]));
        assert_eq!(left.unwrap(), 999_999);
    }

    #[test]
    fn the_addresses_of_one_network_are_one_client() {
        let same = |one: &str, other: &str| {
            network(one.parse().unwrap()) == network(other.parse().unwrap())
        };
        assert!(same("2001:db8::1", "2001:db8::ffff:1"));
        assert!(!same("2001:db8::1", "2001:db8:0:1::1"));
        assert!(same("::ffff:10.0.0.1", "10.0.0.1"));
        assert!(!same("10.0.0.1", "10.0.0.2"));
        assert!(!same("::1", "::"));
    }
}
