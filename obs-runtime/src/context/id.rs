//! Ids of requests: accepted as they are, or replaced; never repaired.

use std::fmt;

use http::header::{HeaderMap, HeaderName, HeaderValue};
use uuid::Builder;

use super::random;

/// The most characters that an id from outside may have.
const MAX_LEN: usize = 128;

/// A correlation id or a request id.
#[derive(Clone)]
pub(crate) enum Id {
    /// A UUID of our own, of version 7.
    Generated([u8; 36]),
    /// What a peer sent; visible ASCII of [`is_id_byte`] alone.
    Given(HeaderValue),
}

/// Why an id from outside was replaced: the values of the label `reason`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rejected {
    Empty,
    TooLong,
    BadCharacter,
    Repeated,
}

impl Rejected {
    pub(crate) const VALUES: [&'static str; 4] = ["empty", "too_long", "bad_character", "repeated"];

    pub(crate) const fn index(self) -> usize {
        self as usize
    }
}

impl Id {
    /// Makes a UUID of version 7: the time in milliseconds, then 74 random bits.
    pub(crate) fn generate() -> Self {
        let mut bits = [0; 16];
        bits[..8].copy_from_slice(&random::next_u64().to_be_bytes());
        bits[8..].copy_from_slice(&random::next_u64().to_be_bytes());
        let [random @ .., _, _, _, _, _, _] = bits;
        let millis = random::unix_millis();
        let uuid = Builder::from_unix_timestamp_millis(millis, &random).into_uuid();
        let mut text = [0; 36];
        uuid.hyphenated().encode_lower(&mut text);
        Self::Generated(text)
    }

    /// Reads the id in a header: `None` without the header.
    pub(crate) fn read(headers: &HeaderMap, name: &HeaderName) -> Option<Result<Self, Rejected>> {
        let mut values = headers.get_all(name).iter();
        let value = values.next()?;
        if values.next().is_some() {
            return Some(Err(Rejected::Repeated));
        }
        Some(Self::check(value.as_bytes()).and_then(|()| Self::copied(value)))
    }

    /// Reads an id that came by other ways than a header.
    pub(crate) fn parse(text: &str) -> Result<Self, Rejected> {
        Self::check(text.as_bytes())?;
        HeaderValue::from_str(text)
            .map(Self::Given)
            .map_err(|_| Rejected::BadCharacter)
    }

    /// Copies a value that was checked: as it is, it would keep the buffer of the whole head alive,
    /// for as long as a stream or a task has the context.
    fn copied(value: &HeaderValue) -> Result<Self, Rejected> {
        HeaderValue::from_bytes(value.as_bytes())
            .map(Self::Given)
            .map_err(|_| Rejected::BadCharacter)
    }

    fn check(bytes: &[u8]) -> Result<(), Rejected> {
        match bytes.len() {
            0 => Err(Rejected::Empty),
            len if len > MAX_LEN => Err(Rejected::TooLong),
            _ if bytes.iter().copied().all(is_id_byte) => Ok(()),
            _ => Err(Rejected::BadCharacter),
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        let text = match self {
            Self::Generated(text) => std::str::from_utf8(text).ok(),
            Self::Given(value) => value.to_str().ok(),
        };
        // Both hold ASCII by construction.
        text.unwrap_or_default()
    }

    pub(crate) fn to_header(&self) -> HeaderValue {
        match self {
            Self::Generated(text) => {
                // Hexadecimal digits and hyphens.
                HeaderValue::from_bytes(text).unwrap_or_else(|_| HeaderValue::from_static(""))
            }
            Self::Given(value) => value.clone(),
        }
    }
}

/// The unreserved characters of a URI: safe in a header, a log line, a query and a file name.
const fn is_id_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'~' | b'-')
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use http::header::{HeaderMap, HeaderName, HeaderValue};

    use super::{Id, Rejected};

    const NAME: HeaderName = HeaderName::from_static("x-correlation-id");

    fn read(values: &[&[u8]]) -> Option<Result<String, Rejected>> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(
                NAME,
                HeaderValue::from_bytes(value).expect("a legal header"),
            );
        }
        Some(Id::read(&headers, &NAME)?.map(|id| id.as_str().to_owned()))
    }

    #[test]
    fn an_id_is_accepted_as_it_is_or_refused() {
        assert_eq!(read(&[]), None);
        for good in ["a", "Order-7", "a.b_c~d-e", &"x".repeat(128)] {
            assert_eq!(read(&[good.as_bytes()]), Some(Ok(good.to_owned())));
        }
        for (bad, reason) in [
            (&b""[..], Rejected::Empty),
            (b" ", Rejected::BadCharacter),
            (b"a b", Rejected::BadCharacter),
            (b"a\tb", Rejected::BadCharacter),
            (b"a,b", Rejected::BadCharacter),
            (b"\x80", Rejected::BadCharacter),
            ("a\u{2028}".as_bytes(), Rejected::BadCharacter),
            (b"%0d%0a", Rejected::BadCharacter),
            (b"\"}", Rejected::BadCharacter),
            (b"{{", Rejected::BadCharacter),
            (b"${jndi:ldap://x}", Rejected::BadCharacter),
            (b"<script>", Rejected::BadCharacter),
            (b"'; --", Rejected::BadCharacter),
            (&[b'x'; 129], Rejected::TooLong),
            (&vec![b'x'; 65_536], Rejected::TooLong),
        ] {
            assert_eq!(read(&[bad]), Some(Err(reason)), "{bad:?}");
        }
        assert_eq!(read(&[b"a", b"a"]), Some(Err(Rejected::Repeated)));
    }

    #[test]
    fn an_id_keeps_nothing_else_of_the_head_alive() {
        // As hyper does it: all values of a head are parts of one buffer.
        let head = bytes::Bytes::from(b"x".repeat(100_000));
        let mut headers = HeaderMap::new();
        let value = HeaderValue::from_maybe_shared(head.slice(7..8)).expect("a legal header");
        headers.insert(NAME, value);
        let id = Id::read(&headers, &NAME).expect("a header").expect("an id");
        drop(headers);
        assert_eq!(id.as_str(), "x");
        assert!(head.is_unique(), "the whole head lives as long as the id");
    }

    #[test]
    fn c5_generated_ids_differ_and_have_one_format() {
        let ids: HashSet<String> = (0..100_000)
            .map(|_| Id::generate().as_str().to_owned())
            .collect();
        assert_eq!(ids.len(), 100_000);
        for id in ids {
            assert_eq!(id.len(), 36);
            assert_eq!(&id[14..15], "7");
            assert!(id.bytes().all(super::is_id_byte), "{id}");
        }
    }
}
