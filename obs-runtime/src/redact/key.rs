//! Which keys are sensitive.
//!
//! A key is read as its words, whatever separates them: `X-Api-Key`, `xApiKey`, `x.api_key` are all
//! x, api, key.

/// Sensitive wherever they stand in a key.
static ANYWHERE: [Word; 28] = words_of([
    "apikey",
    "apikeys",
    "authorization",
    "birthdate",
    "birthday",
    "cardholder",
    "cardnumber",
    "clientsecret",
    "credential",
    "credentials",
    "creditcard",
    "jsessionid",
    "passcode",
    "passphrase",
    "passwd",
    "password",
    "passwords",
    "phonenumber",
    "phpsessid",
    "privatekey",
    "pwd",
    "secret",
    "secretkey",
    "secrets",
    "sessid",
    "sessionid",
    "setcookie",
    "ssn",
]);

/// Sensitive where they end a key, or are followed by one of [`CONTENT`]: `email_queue` is none.
static LAST: [Word; 28] = words_of([
    "accesskey",
    "accesstoken",
    "authtoken",
    "bearer",
    "cookie",
    "cookies",
    "csrftoken",
    "cvc",
    "cvv",
    "dob",
    "dsn",
    "email",
    "emailaddress",
    "emails",
    "iban",
    "idtoken",
    "jwt",
    "msisdn",
    "otp",
    "passport",
    "phone",
    "phones",
    "refreshtoken",
    "sid",
    "telephone",
    "token",
    "totp",
    "xsrftoken",
]);

/// Sensitive wherever they follow each other in a key.
static PAIRS: [(Word, Word); 28] = pairs_of([
    ("access", "key"),
    ("access", "tokens"),
    ("amz", "signature"),
    ("api", "key"),
    ("api", "keys"),
    ("api", "tokens"),
    ("auth", "key"),
    ("auth", "tokens"),
    ("card", "number"),
    ("connection", "string"),
    ("credit", "card"),
    ("db", "pass"),
    ("debit", "card"),
    ("e", "mail"),
    ("encryption", "key"),
    ("master", "key"),
    ("mcp", "session"),
    ("of", "birth"),
    ("payment", "card"),
    ("private", "key"),
    ("refresh", "tokens"),
    ("secret", "key"),
    ("session", "id"),
    ("session", "ids"),
    ("signing", "key"),
    ("smtp", "pass"),
    ("social", "security"),
    ("user", "pass"),
]);

/// What follows a word of [`LAST`] and still is the thing itself.
static CONTENT: [Word; 13] = words_of([
    "addr", "address", "data", "hash", "header", "no", "num", "number", "plain", "raw", "string",
    "value", "values",
]);

/// As the last word they say that the key is about the thing.
static ABOUT: [Word; 36] = words_of([
    "age",
    "at",
    "attempts",
    "brand",
    "budget",
    "bytes",
    "changed",
    "configured",
    "count",
    "enabled",
    "expired",
    "expires",
    "expiry",
    "kind",
    "last4",
    "len",
    "length",
    "limit",
    "missing",
    "ms",
    "policy",
    "present",
    "required",
    "rotated",
    "sampled",
    "seconds",
    "sent",
    "size",
    "status",
    "total",
    "ttl",
    "type",
    "usage",
    "used",
    "valid",
    "verified",
]);

/// As the first word they say the same.
static ABOUT_FIRST: [Word; 6] = words_of(["has", "is", "max", "min", "num", "requires"]);

/// Names of session ids in one word.
static SESSION_IDS: [Word; 5] = words_of(["jsessionid", "phpsessid", "sessid", "sessionid", "sid"]);

/// Headers whose value goes on to the end of the line.
static WHOLE_LINES: [Word; 3] = words_of(["authorization", "cookie", "setcookie"]);

/// The built-in keys and those of `OBS_REDACT_KEYS`.
#[derive(Debug, Default)]
pub(super) struct Keys {
    /// Each as its words in lower case.
    own: Vec<Vec<String>>,
}

impl Keys {
    pub(super) fn new(keys: &[String]) -> Self {
        let words =
            |key: &String| -> Vec<String> { words(key).map(str::to_ascii_lowercase).collect() };
        Self {
            own: keys
                .iter()
                .map(words)
                .filter(|words| !words.is_empty())
                .collect(),
        }
    }

    pub(super) fn is_sensitive(&self, key: &str) -> bool {
        is_built_in(key) || self.own.iter().any(|own| contains(key, own))
    }
}

/// Whether the key names the id of a session.
pub(super) fn is_session(key: &str) -> bool {
    const SESSION: Word = Word::of("session");
    let mut previous = Word::NONE;
    words(key).any(|word| {
        let word = Word::of(word);
        let pair = (previous == SESSION && word.is_in(&[Word::of("id"), Word::of("ids")]))
            || (previous == Word::of("mcp") && word == SESSION);
        previous = word;
        pair || word.is_in(&SESSION_IDS)
    })
}

/// Whether everything up to the end of the line belongs to the value: `Cookie: a=b; c=d`.
pub(super) fn takes_the_line(key: &str) -> bool {
    words(key).any(|word| Word::of(word).is_in(&WHOLE_LINES))
}

fn is_built_in(key: &str) -> bool {
    if key.eq_ignore_ascii_case("card") {
        return true;
    }
    let mut found = false;
    let mut about = false;
    let mut first = true;
    // A word of `LAST`, until what follows says otherwise.
    let mut open = false;
    let mut previous = Word::NONE;
    for text in words(key) {
        let whole = Word::of(text);
        if first && whole.is_in(&ABOUT_FIRST) {
            return false;
        }
        first = false;
        about = whole.is_in(&ABOUT);
        let without_number = text.trim_end_matches(|c: char| c.is_ascii_digit());
        if without_number.is_empty() {
            continue;
        }
        let word = Word::of(without_number);
        open = word.is_in(&LAST) || (open && word.is_in(&CONTENT));
        found |= word.is_in(&ANYWHERE) || PAIRS.binary_search(&(previous, word)).is_ok();
        previous = word;
    }
    (found || open) && !about
}

/// A word in lower case, as a number: comparing two takes one step. Longer ones than those in the
/// lists are [`NONE`](Self::NONE).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Word(u128);

impl Word {
    const NONE: Self = Self(0);

    const fn of(text: &str) -> Self {
        let bytes = text.as_bytes();
        if bytes.len() > 16 {
            return Self::NONE;
        }
        let mut number = 0;
        let mut at = 0;
        while at < bytes.len() {
            number = (number << 8) | bytes[at].to_ascii_lowercase() as u128;
            at += 1;
        }
        // As a text is ordered: by its first letter first.
        Self(if at == 0 {
            0
        } else {
            number << (8 * (16 - at))
        })
    }

    fn is_in(self, sorted: &[Self]) -> bool {
        sorted.binary_search(&self).is_ok()
    }
}

const fn words_of<const N: usize>(texts: [&str; N]) -> [Word; N] {
    let mut words = [Word::NONE; N];
    let mut at = 0;
    while at < N {
        words[at] = Word::of(texts[at]);
        at += 1;
    }
    words
}

const fn pairs_of<const N: usize>(texts: [(&str, &str); N]) -> [(Word, Word); N] {
    let mut pairs = [(Word::NONE, Word::NONE); N];
    let mut at = 0;
    while at < N {
        pairs[at] = (Word::of(texts[at].0), Word::of(texts[at].1));
        at += 1;
    }
    pairs
}

/// Whether the key has these words one after the other, or is them written as one.
fn contains(key: &str, own: &[String]) -> bool {
    let same = |mut rest: Words<'_>| {
        own.iter().all(|own| {
            rest.next()
                .is_some_and(|word| word.eq_ignore_ascii_case(own))
        })
    };
    let mut rest = words(key);
    loop {
        if same(rest.clone()) {
            return true;
        }
        if rest.next().is_none() {
            break;
        }
    }
    let squashed = key
        .bytes()
        .filter(|byte| is_word_byte(*byte))
        .map(|byte| byte.to_ascii_lowercase());
    squashed.eq(own.iter().flat_map(|word| word.bytes()))
}

fn words(key: &str) -> Words<'_> {
    Words { rest: key }
}

/// The words of a key, as they are written in it.
#[derive(Clone)]
struct Words<'a> {
    rest: &'a str,
}

impl<'a> Iterator for Words<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let start = self.rest.bytes().position(is_word_byte)?;
        let rest = self.rest.get(start..)?;
        let bytes = rest.as_bytes();
        let ends = |at: &usize| -> bool {
            let (before, byte) = (bytes[*at - 1], bytes[*at]);
            let after = bytes.get(*at + 1);
            !is_word_byte(byte)
                || (byte.is_ascii_uppercase()
                    && (!before.is_ascii_uppercase() || after.is_some_and(u8::is_ascii_lowercase)))
        };
        let end = (1..bytes.len()).find(ends).unwrap_or(bytes.len());
        self.rest = rest.get(end..)?;
        rest.get(..end)
    }
}

const fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte >= 0x80
}

#[cfg(test)]
mod tests {
    use super::{
        ABOUT, ABOUT_FIRST, ANYWHERE, CONTENT, Keys, LAST, PAIRS, SESSION_IDS, WHOLE_LINES, Word,
        words,
    };

    #[test]
    fn the_lists_are_sorted_and_fit() {
        let lists: [&[Word]; 7] = [
            &ABOUT,
            &ABOUT_FIRST,
            &ANYWHERE,
            &CONTENT,
            &LAST,
            &SESSION_IDS,
            &WHOLE_LINES,
        ];
        for list in lists {
            assert!(list.is_sorted());
            assert!(list.iter().all(|word| *word != Word::NONE));
        }
        assert!(PAIRS.is_sorted());
    }

    #[test]
    fn a_key_is_read_as_its_words() {
        for (key, expected) in [
            ("X-Api-Key", &["X", "Api", "Key"][..]),
            ("HTTPAuthToken", &["HTTP", "Auth", "Token"]),
            ("refreshToken", &["refresh", "Token"]),
            ("db.password", &["db", "password"]),
            ("--größe", &["größe"]),
            ("", &[]),
            ("-", &[]),
        ] {
            assert_eq!(words(key).collect::<Vec<_>>(), expected, "{key}");
        }
    }

    #[test]
    fn secrets_are_known_by_their_key_however_it_is_written() {
        let keys = Keys::default();
        for key in "password PASSWORD passwd db.password userPassword password2 password_hash secret \
                    clientSecret client-secret token access_token refreshToken idToken accesstoken \
                    authorization Proxy-Authorization cookie Set-Cookie setCookie api_key apikey \
                    x-api-key xApiKey APIKey credential aws.credentials private_key privateKey \
                    mcp-session-id session_id sessionId mcp_session email userEmail email_address \
                    e-mail phone phone_number ssn iban card card_number credit_card creditCard cvv \
                    dsn sentry_dsn jwt otp token_value token_1 aws_secret_access_key X-Amz-Signature \
                    connect.sid"
            .split(' ')
        {
            assert!(keys.is_sensitive(key), "{key}");
        }
        for key in "tokens_used token_count max_tokens total_tokens tokens token_type token_bucket \
                    tokenizer has_password password_expires_at is_token_valid email_queue \
                    emails_sent secretary key cache_key author authority discard dashboard_card \
                    card_brand message method route status session sessions_active correlation_id \
                    request_id trace_id span_id duration_ms phone_type passed bypass side aside"
            .split(' ')
        {
            assert!(!keys.is_sensitive(key), "{key}");
        }
    }

    #[test]
    fn keys_of_the_user_extend_the_list() {
        let keys = ["tenantName", "", " ", "order_no"].map(str::to_owned);
        let keys = Keys::new(&keys);
        for key in [
            "tenant_name",
            "TENANT-NAME",
            "tenantname",
            "old_tenant_name_length",
            "orderNo",
            "order.no",
            "password",
        ] {
            assert!(keys.is_sensitive(key), "{key}");
        }
        for key in ["tenant", "name", "order", "no", "order_note", ""] {
            assert!(!keys.is_sensitive(key), "{key}");
        }
    }
}
