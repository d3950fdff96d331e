//! What a browser that began a trace says of its sampling: Sentry's "dynamic sampling context".

use ::sentry::protocol::Value;
use serde_json::value::Map as Object;

/// Where a transaction holds it until it is sent, and then no longer.
pub(super) const HEAD: &str = "obs.head_of_trace";

/// Bytes of one value.
const MAX_VALUE: usize = 200;

/// Reads the members `sentry-*` of a `baggage`, as far as they are what Sentry knows.
///
/// Sentry wants them unchanged in all envelopes of a trace: it counts by them how many traces one
/// that was kept stands for. Of a browser that sent none, nothing can be said, and nothing is.
///
/// Source: Sentry's developer documentation, "Dynamic Sampling Context".
pub(super) fn read(members: &str, trace_id: &str) -> Object<String, Value> {
    let mut head = Object::new();
    for member in members.split(',') {
        // What follows a semicolon are properties of the member.
        let member = member.split(';').next().unwrap_or_default();
        let Some((key, value)) = member.split_once('=') else {
            continue;
        };
        let Some(key) = key.trim().strip_prefix("sentry-") else {
            continue;
        };
        if let Some(value) = decoded(value.trim()).filter(|value| is_of(key, value)) {
            head.entry(key).or_insert(Value::from(value));
        }
    }
    // Of another trace, or without what Sentry cannot do without.
    let is_whole = head.get("trace_id").and_then(Value::as_str) == Some(trace_id)
        && head.contains_key("public_key");
    if is_whole { head } else { Object::new() }
}

fn is_of(key: &str, value: &str) -> bool {
    let hexadecimal = |length| {
        let digits = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f');
        value.len() == length && value.bytes().all(digits)
    };
    match key {
        "trace_id" | "replay_id" => hexadecimal(32),
        // As in a DSN, where it is what stands before the host.
        "public_key" => !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_alphanumeric()),
        "org_id" => !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()),
        "sampled" => matches!(value, "true" | "false"),
        "sample_rate" | "sample_rand" => {
            let number = value.parse().ok();
            number.is_some_and(|number: f64| (0.0..=1.0).contains(&number))
        }
        "release" | "environment" | "transaction" => {
            !value.is_empty() && !value.chars().any(char::is_control)
        }
        _ => false,
    }
}

/// Undoes the percent encoding of W3C Baggage.
fn decoded(value: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = value.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        let byte = if *first == b'%' {
            let [high, low, after @ ..] = after else {
                return None;
            };
            rest = after;
            digit(*high)? << 4 | digit(*low)?
        } else {
            *first
        };
        bytes.push(byte);
        if bytes.len() > MAX_VALUE {
            return None;
        }
    }
    String::from_utf8(bytes).ok()
}

fn digit(byte: u8) -> Option<u8> {
    let digit = char::from(byte).to_digit(16)?;
    u8::try_from(digit).ok()
}

#[cfg(test)]
mod tests {
    use super::read;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

    fn of(members: &str) -> String {
        let whole = format!("sentry-trace_id={TRACE},sentry-public_key=abc123,{members}");
        let mut head = read(&whole, TRACE);
        assert_eq!(head.remove("trace_id").unwrap(), TRACE);
        assert_eq!(head.remove("public_key").unwrap(), "abc123");
        serde_json::to_string(&head).unwrap()
    }

    #[test]
    fn what_sentry_knows_is_taken_and_nothing_else() {
        let rows = [
            ("", "{}"),
            ("sentry-sample_rate=0.25", r#"{"sample_rate":"0.25"}"#),
            (
                " sentry-release = shop%401.2.3 ;p=1",
                r#"{"release":"shop@1.2.3"}"#,
            ),
            (
                "sentry-transaction=%2Forders%2F%3Aid",
                r#"{"transaction":"/orders/:id"}"#,
            ),
            (
                "sentry-sampled=true,sentry-sampled=false",
                r#"{"sampled":"true"}"#,
            ),
            ("sentry-org_id=17", r#"{"org_id":"17"}"#),
            ("sentry-org_id=x", "{}"),
            ("sentry-sample_rate=2", "{}"),
            ("sentry-sample_rate=NaN", "{}"),
            ("sentry-sampled=maybe", "{}"),
            ("sentry-replay_id=17", "{}"),
            ("sentry-user_segment=vip,tenant=acme", "{}"),
            ("sentry-release=%0a", "{}"),
            ("sentry-release=%4", "{}"),
            ("sentry-release=%zz,sentry-environment=%ff", "{}"),
            (&format!("sentry-release={}", "x".repeat(201)), "{}"),
        ];
        for (members, expected) in rows {
            assert_eq!(of(members), expected, "{members}");
        }
    }

    #[test]
    fn of_another_trace_or_of_no_project_it_is_nothing() {
        let rows = [
            String::new(),
            ",,=,;".to_owned(),
            format!("sentry-trace_id={TRACE}"),
            "sentry-public_key=abc123".to_owned(),
            format!(
                "sentry-trace_id={},sentry-public_key=abc123",
                "a".repeat(32)
            ),
            format!("sentry-trace_id={TRACE},sentry-public_key=a/b"),
        ];
        for members in rows {
            assert!(read(&members, TRACE).is_empty(), "{members}");
        }
    }
}
