//! The answers of axum's own extractors, which have no type by the time they are responses.
//!
//! The texts are those of axum 0.8 and axum-core 0.5; a test asks a router for each of them. What
//! is not in the list was written by the service and is left alone.

use http::StatusCode;

use super::code::INTERNAL_ERROR;

/// How a text of axum's is recognised.
enum Text {
    /// The whole text.
    Is(&'static str),
    /// The beginning; what follows is about the one request.
    Begins(&'static str),
}
use Text::{Begins, Is};

const INVALID_BODY: &str = "invalid_body";
const INVALID_QUERY: &str = "invalid_query";
const INVALID_PATH: &str = "invalid_path";
const INVALID_UPGRADE: &str = "invalid_upgrade";
const UNSUPPORTED_MEDIA_TYPE: &str = "unsupported_media_type";
const PAYLOAD_TOO_LARGE: &str = "payload_too_large";
const METHOD_NOT_ALLOWED: &str = "method_not_allowed";

/// The status, the text and the code of every rejection.
const REJECTIONS: [(u16, Text, &str); 39] = [
    // Bytes, String, and everything that reads the body.
    (
        413,
        Begins("Failed to buffer the request body: "),
        PAYLOAD_TOO_LARGE,
    ),
    (
        400,
        Begins("Failed to buffer the request body: "),
        INVALID_BODY,
    ),
    (
        400,
        Begins("Request body didn't contain valid UTF-8: "),
        INVALID_BODY,
    ),
    // Json
    (
        415,
        Is("Expected request with `Content-Type: application/json`"),
        UNSUPPORTED_MEDIA_TYPE,
    ),
    (
        400,
        Begins("Failed to parse the request body as JSON: "),
        INVALID_BODY,
    ),
    (
        422,
        Begins("Failed to deserialize the JSON body into the target type: "),
        INVALID_BODY,
    ),
    // Form, RawForm
    (
        415,
        Is("Form requests must have `Content-Type: application/x-www-form-urlencoded`"),
        UNSUPPORTED_MEDIA_TYPE,
    ),
    // A form that is read with GET is in the query.
    (400, Begins("Failed to deserialize form: "), INVALID_QUERY),
    (
        422,
        Begins("Failed to deserialize form body: "),
        INVALID_BODY,
    ),
    // Query
    (
        400,
        Begins("Failed to deserialize query string: "),
        INVALID_QUERY,
    ),
    // Path, RawPathParams
    (400, Begins("Invalid URL: "), INVALID_PATH),
    (400, Begins("Invalid UTF-8 in `"), INVALID_PATH),
    (
        500,
        Begins("Wrong number of path arguments for `Path`. Expected "),
        INTERNAL_ERROR,
    ),
    (500, Begins("Unsupported type `"), INTERNAL_ERROR),
    (
        500,
        Is("No paths parameters found for matched route"),
        INTERNAL_ERROR,
    ),
    // Extension, ConnectInfo, MatchedPath, NestedPath
    (500, Begins("Missing request extension: "), INTERNAL_ERROR),
    (500, Is("No matched path found"), INTERNAL_ERROR),
    (500, Is("The matched route is not nested"), INTERNAL_ERROR),
    // Multipart, and the errors of its fields, which are multer's.
    (
        400,
        Is("Invalid `boundary` for `multipart/form-data` request"),
        INVALID_BODY,
    ),
    (413, Is("Request payload is too large"), PAYLOAD_TOO_LARGE),
    (400, Begins("unknown field received: \""), INVALID_BODY),
    (
        400,
        Is("failed to read field complete headers"),
        INVALID_BODY,
    ),
    (400, Is("failed to read headers"), INVALID_BODY),
    (
        400,
        Begins("failed to decode field's raw header name: \""),
        INVALID_BODY,
    ),
    (
        400,
        Is("failed to decode field's raw header value"),
        INVALID_BODY,
    ),
    (400, Is("incomplete multipart stream"), INVALID_BODY),
    (
        400,
        Is("Content-Type is not multipart/form-data"),
        INVALID_BODY,
    ),
    (400, Is("failed to decode Content-Type"), INVALID_BODY),
    (
        400,
        Is("multipart boundary not found in Content-Type"),
        INVALID_BODY,
    ),
    (500, Is("failed to read stream"), INTERNAL_ERROR),
    (500, Is("failed to lock multipart state"), INTERNAL_ERROR),
    // WebSocketUpgrade
    (405, Is("Request method must be `GET`"), METHOD_NOT_ALLOWED),
    (
        405,
        Is("Request method must be `CONNECT`"),
        METHOD_NOT_ALLOWED,
    ),
    (
        400,
        Is("Connection header did not include 'upgrade'"),
        INVALID_UPGRADE,
    ),
    (
        400,
        Is("`Upgrade` header did not include 'websocket'"),
        INVALID_UPGRADE,
    ),
    (
        400,
        Is("`:protocol` pseudo-header did not include 'websocket'"),
        INVALID_UPGRADE,
    ),
    (
        400,
        Is("`Sec-WebSocket-Version` header did not include '13'"),
        INVALID_UPGRADE,
    ),
    (
        400,
        Is("`Sec-WebSocket-Key` header missing"),
        INVALID_UPGRADE,
    ),
    (
        426,
        Is("WebSocket request couldn't be upgraded since no upgrade state was present"),
        "upgrade_required",
    ),
];

/// Whether axum has rejections with this status.
pub(super) fn has(status: StatusCode) -> bool {
    REJECTIONS
        .iter()
        .any(|(known, ..)| *known == status.as_u16())
}

/// Returns the code of a rejection, if the text is one of axum's.
pub(super) fn code(status: StatusCode, text: &str) -> Option<&'static str> {
    // The one text whose end is fixed while its middle is not.
    if status == StatusCode::BAD_REQUEST
        && text.starts_with("field \"")
        && text.ends_with("\" received with incomplete data")
    {
        return Some(INVALID_BODY);
    }
    REJECTIONS
        .iter()
        .find(|(known, form, _)| {
            *known == status.as_u16()
                && match form {
                    Is(whole) => text == *whole,
                    Begins(start) => text.len() > start.len() && text.starts_with(start),
                }
        })
        .map(|(.., code)| *code)
}
