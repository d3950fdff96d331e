//! Redirects that leave the hosts which may see ids.
//!
//! `reqwest` follows redirects by itself and takes every header along, except a few that it knows
//! to be secret. So its policy stops where the next host may not see ids, and the rest of the way is
//! gone with a request that has none.

use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use http::header::{
    AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, HeaderMap, HeaderName,
    HeaderValue, PROXY_AUTHORIZATION, TRANSFER_ENCODING, WWW_AUTHENTICATE,
};
use http::{Method, StatusCode};
use pin_project_lite::pin_project;
use reqwest::redirect::Policy;
use reqwest::{Client, Request, Url};

use super::directory::{Directory, Target};

/// What `reqwest` gives to no other host, whoever set it.
const SECRET: [HeaderName; 5] = [
    AUTHORIZATION,
    COOKIE,
    HeaderName::from_static("cookie2"),
    PROXY_AUTHORIZATION,
    WWW_AUTHENTICATE,
];

thread_local! {
    /// The redirects of the request that is polled on this thread, if it carries ids.
    static POLLED: RefCell<Option<Arc<Redirects>>> = const { RefCell::new(None) };
}

/// The redirects of one request that carries ids.
#[derive(Debug, Default)]
pub(super) struct Redirects(Mutex<Seen>);

#[derive(Debug, Default)]
struct Seen {
    statuses: Vec<StatusCode>,
    /// Where it goes, without ids.
    away: Option<Url>,
}

impl Redirects {
    fn with<R>(&self, f: impl FnOnce(&mut Seen) -> R) -> R {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

pub(super) fn target(url: &Url) -> Target<'_> {
    Target {
        is_tls: url.scheme() == "https",
        host: url.host_str(),
        port: url.port(),
        path: url.path(),
    }
}

/// Follows at most so many redirects, as `reqwest` does, and none that takes ids to a host which
/// may not see them.
pub(super) fn policy(directory: Arc<Directory>, max: usize) -> Policy {
    if max == 0 {
        return Policy::none();
    }
    let limited = Policy::limited(max);
    Policy::custom(move |attempt| {
        let redirects = POLLED.with_borrow(Clone::clone);
        let leaves = redirects.is_some_and(|redirects| {
            let leaves =
                attempt.previous().len() <= max && !directory.may_see_ids(&target(attempt.url()));
            redirects.with(|seen| {
                seen.statuses.push(attempt.status());
                seen.away = leaves.then(|| attempt.url().clone());
            });
            leaves
        });
        if leaves {
            attempt.stop()
        } else {
            limited.redirect(attempt)
        }
    })
}

pin_project! {
    /// A request whose redirects are watched while it is polled.
    pub(super) struct Watched<F> {
        #[pin]
        future: F,
        redirects: Arc<Redirects>,
    }
}

impl<F> Watched<F> {
    pub(super) const fn new(future: F, redirects: Arc<Redirects>) -> Self {
        Self { future, redirects }
    }
}

impl<F: Future> Future for Watched<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let _polled = Polled::new(Arc::clone(this.redirects));
        this.future.poll(cx)
    }
}

/// Gives the thread back to the request around this one.
struct Polled(Option<Arc<Redirects>>);

impl Polled {
    fn new(redirects: Arc<Redirects>) -> Self {
        Self(POLLED.replace(Some(redirects)))
    }
}

impl Drop for Polled {
    fn drop(&mut self) {
        let previous = self.0.take();
        // A thread that ends has no request to give it back to.
        let ended = POLLED.try_with(|polled| polled.replace(previous));
        drop(ended);
    }
}

/// A request without ids, for the part of its way on which nobody may see them.
#[derive(Debug)]
pub(super) struct Plain {
    request: Request,
    secret_defaults: Arc<[HeaderName]>,
}

impl Plain {
    /// Copies a request and leaves the ids out.
    pub(super) fn of(
        request: &Request,
        ids: &[HeaderName],
        secret_defaults: &Arc<[HeaderName]>,
    ) -> Self {
        let mut plain = request.try_clone().unwrap_or_else(|| {
            // A stream goes once. `reqwest` follows only redirects that need no body then.
            let mut plain = Request::new(request.method().clone(), request.url().clone());
            plain.headers_mut().clone_from(request.headers());
            *plain.version_mut() = request.version();
            *plain.timeout_mut() = request.timeout().copied();
            plain
        });
        for name in ids {
            plain.headers_mut().remove(name);
        }
        Self {
            request: plain,
            secret_defaults: Arc::clone(secret_defaults),
        }
    }

    /// Returns the request that follows the redirect, if one left the allowed hosts.
    pub(super) fn onward(self, redirects: &Redirects) -> Option<Request> {
        let (statuses, url) = redirects.with(|seen| {
            let url = seen.away.take()?;
            Some((std::mem::take(&mut seen.statuses), url))
        })?;
        let mut request = self.request;
        // RFC 9110, section 15.4, as `reqwest` and browsers read it.
        let mut method = request.method().clone();
        let mut has_body = true;
        for status in statuses {
            match status {
                StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND if method == Method::POST => {
                    method = Method::GET;
                    has_body = false;
                }
                StatusCode::SEE_OTHER => {
                    if method != Method::HEAD {
                        method = Method::GET;
                    }
                    has_body = false;
                }
                _ => {}
            }
        }
        *request.method_mut() = method;
        if !has_body {
            *request.body_mut() = None;
            for name in [
                CONTENT_TYPE,
                CONTENT_LENGTH,
                CONTENT_ENCODING,
                TRANSFER_ENCODING,
            ] {
                request.headers_mut().remove(name);
            }
        }
        if !is_same_origin(request.url(), &url) {
            forget_secrets(request.headers_mut(), &self.secret_defaults);
        }
        *request.url_mut() = url;
        Some(request)
    }
}

fn is_same_origin(a: &Url, b: &Url) -> bool {
    a.scheme() == b.scheme()
        && a.host_str() == b.host_str()
        && a.port_or_known_default() == b.port_or_known_default()
}

fn forget_secrets(headers: &mut HeaderMap, defaults: &[HeaderName]) {
    for name in &SECRET {
        headers.remove(name);
    }
    for name in defaults {
        // The client would add its own again where there is none.
        headers.insert(name, HeaderValue::from_static(""));
    }
}

/// Returns which secrets a client adds to each of its requests.
///
/// There is no other way to ask it; what it does not say counts as yes.
pub(super) fn secret_defaults(client: &Client) -> Arc<[HeaderName]> {
    let text = format!("{client:?}").to_lowercase();
    let tells = text.contains("default_headers");
    SECRET
        .into_iter()
        .filter(|name| !tells || text.contains(&format!("\"{name}\"")))
        .collect()
}

/// Whether a client gives the head of a redirect to its caller.
pub(super) fn follows_none(client: &Client) -> bool {
    format!("{client:?}").contains("redirect_policy: \"Policy(None)\"")
}

/// Whether somebody chose a redirect policy for the builder.
pub(super) fn has_policy(builder: &reqwest::ClientBuilder) -> bool {
    format!("{builder:?}").contains("redirect_policy: ")
}

#[cfg(test)]
mod tests {
    use super::{Policy, follows_none, has_policy, secret_defaults};
    use http::header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderValue};
    use reqwest::Client;

    #[test]
    fn p2_the_debug_form_of_reqwest_says_what_is_read_from_it() {
        assert!(!has_policy(&Client::builder()));
        assert!(has_policy(&Client::builder().redirect(Policy::none())));
        assert!(has_policy(&Client::builder().redirect(Policy::limited(3))));
        let none = Client::builder().redirect(Policy::none()).build().unwrap();
        assert!(follows_none(&none));
        let some = Client::builder().redirect(Policy::limited(3));
        assert!(!follows_none(&some.build().unwrap()));
        assert!(!follows_none(&Client::new()));
        assert!(secret_defaults(&Client::new()).is_empty());
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
        headers.insert(AUTHORIZATION, HeaderValue::from_static("Bearer hunter2"));
        let client = Client::builder().default_headers(headers);
        assert_eq!(*secret_defaults(&client.build().unwrap()), [AUTHORIZATION]);
    }
}
