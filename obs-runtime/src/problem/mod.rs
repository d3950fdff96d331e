//! Errors as answers: problem details of RFC 9457.
