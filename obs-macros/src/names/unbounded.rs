//! Label names that promise more values than anybody can list.

/// Last words of names whose values are made by peers, users or the clock.
const WORDS: [&str; 22] = [
    "id",
    "ids",
    "uuid",
    "guid",
    "email",
    "mail",
    "phone",
    "url",
    "uri",
    "path",
    "ip",
    "address",
    "addr",
    "token",
    "query",
    "sql",
    "timestamp",
    "password",
    "secret",
    "username",
    "filename",
    "message",
];

/// Whole names that are unbounded, though their last word alone is not.
const NAMES: [&str; 9] = [
    "user",
    "user_name",
    "user_agent",
    "file_name",
    "session",
    "trace",
    "span",
    "correlation",
    "traceparent",
];

/// Whether values of a label of this name could not be listed when compiling.
pub(crate) fn is_unbounded(label: &str) -> bool {
    let word = label.rsplit('_').next().unwrap_or(label);
    WORDS.contains(&word) || NAMES.contains(&label)
}

#[cfg(test)]
mod tests {
    use super::is_unbounded;

    #[test]
    fn names_that_promise_unboundedness_are_recognised() {
        for name in [
            "user_id",
            "request_id",
            "trace_id",
            "span_id",
            "session_id",
            "correlation_id",
            "id",
            "email",
            "customer_email",
            "url",
            "uri",
            "path",
            "file_path",
            "ip",
            "client_ip",
            "address",
            "uuid",
            "token",
            "query",
            "user_agent",
        ] {
            assert!(is_unbounded(name), "{name}");
        }
        for name in [
            "source",
            "plan",
            "token_kind",
            "user_tier",
            "route",
            "kind",
            "grid",
            "paid",
        ] {
            assert!(!is_unbounded(name), "{name}");
        }
    }
}
