//! Who asks: an opaque id, made of the bearer token, and never the token.

use axum::extract::Request;
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::middleware::Next;
use axum::response::Response;
use obs::{Annotation, Ctx};
use sha2::{Digest, Sha256};

/// The header in which the MCP server tells the engine for whom it asks.
///
/// Believed because both listen on loopback alone, or in a network that somebody trusts.
pub(crate) const USER: &str = "x-traceo-user";

/// The field of lines and events.
pub(super) const FIELD: &str = "user_id";

const PREFIX: &str = "usr_";

/// Hexadecimal digits of an id: 64 bits, so that two users practically never share one.
const DIGITS: usize = 16;

/// Finds out who asks, and binds it to every line and event of the request.
pub(crate) async fn identify(request: Request, next: Next) -> Response {
    if let Some(user) = of(request.headers()) {
        obs::bind(FIELD, user);
    }
    next.run(request).await
}

/// Returns for whom the current request, call or job is done.
pub(crate) fn current() -> Option<String> {
    match Ctx::current()?.bound(FIELD)? {
        Annotation::Text(user) => Some(user),
        _ => None,
    }
}

/// Who holds a token asks for himself, whoever he says he asks for: ids are in logs, tokens are not.
fn of(headers: &HeaderMap) -> Option<String> {
    bearer(headers).or_else(|| forwarded(headers))
}

fn forwarded(headers: &HeaderMap) -> Option<String> {
    let user = headers.get(USER)?.to_str().ok()?;
    let digits = user.strip_prefix(PREFIX)?;
    let opaque = digits.len() == DIGITS && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    opaque.then(|| user.to_owned())
}

fn bearer(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    let is_bearer = scheme.eq_ignore_ascii_case("bearer") && !token.trim().is_empty();
    is_bearer.then(|| opaque(token.trim()))
}

/// Returns the id of who holds a token; the token cannot be found out from it.
fn opaque(token: &str) -> String {
    let digest = Sha256::digest(token.as_bytes());
    let digits = digest
        .iter()
        .take(DIGITS / 2)
        .map(|byte| format!("{byte:02x}"));
    format!("{PREFIX}{}", digits.collect::<String>())
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderValue};

    use super::{USER, of};

    fn headers(name: &'static str, value: &'static str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(name, HeaderValue::from_static(value));
        headers
    }

    #[test]
    fn a_token_gives_an_opaque_id_that_stays_the_same() {
        let user = of(&headers("authorization", "Bearer secret-of-ada")).unwrap();
        assert!(user.starts_with("usr_") && user.len() == 20, "{user}");
        assert!(!user.contains("ada"));
        assert_eq!(
            Some(user),
            of(&headers("authorization", "bearer  secret-of-ada"))
        );
    }

    #[test]
    fn only_an_id_of_ours_is_taken_over_from_the_other_service() {
        let id = "usr_0123456789abcdef";
        assert_eq!(of(&headers(USER, id)).as_deref(), Some(id));
        for refused in [
            "ada@example.org",
            "usr_",
            "usr_0123456789abcdeg",
            "usr_0123456789abcdef0",
        ] {
            assert_eq!(of(&headers(USER, refused)), None, "{refused}");
        }
    }

    #[test]
    fn who_holds_a_token_cannot_pass_for_somebody_else() {
        let own = headers("authorization", "Bearer secret-of-ada");
        let mut forged = own.clone();
        forged.insert(USER, HeaderValue::from_static("usr_0123456789abcdef"));
        assert!(of(&own).is_some());
        assert_eq!(of(&forged), of(&own));
    }

    #[test]
    fn without_a_bearer_token_nobody_is_named() {
        assert_eq!(of(&HeaderMap::new()), None);
        assert_eq!(of(&headers("authorization", "Basic YTpi")), None);
        assert_eq!(of(&headers("authorization", "Bearer ")), None);
    }
}
