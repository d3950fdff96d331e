//! What is removed, what stays, and what the scan costs at most.

use std::borrow::Cow;

use super::{REDACTED, Redactor, guarded, hash_session};

fn scrub(text: &str) -> String {
    Redactor::default().scrub(text).into_owned()
}

#[track_caller]
fn check(rows: &[(&str, &str)]) {
    for (text, expected) in rows {
        assert_eq!(scrub(text), *expected, "{text}");
        assert_eq!(scrub(expected), *expected, "scrubbed twice: {text}");
    }
}

/// Numbers that look random and are the same in every run (`SplitMix64`).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() % n as u64).unwrap()
    }

    fn of<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list[self.below(list.len())]
    }

    fn text(&mut self, alphabet: &[u8], len: usize) -> String {
        (0..len)
            .map(|_| char::from(alphabet[self.below(alphabet.len())]))
            .collect()
    }
}

#[test]
fn what_is_nobodys_secret_stays_as_it_is() {
    for text in [
        "",
        "request_completed",
        "GET /jobs/{id} 200 in 12.345678 ms",
        "0192f4a1-7c3e-7b5a-9d21-0123456789ab",
        "550e8400-e29b-41d4-a716-446655440000 200 4",
        "44444444-4444-4444-4444-444444444444",
        "4bf92f3577b34da6a3ce929d0e0e4736",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "2026-11-21T13:19:48.123456Z",
        "2026-11-21 13-19-48",
        "1795267188123456789",
        "1795267188123",
        "0.4111111111111111",
        "0x4111111111111111",
        "listening on 127.0.0.1:8080 and [::1]:8080 and 0.0.0.0:9000",
        "db.internal:5432 refused",
        "localhost:4317",
        "version 1.2.3, v1.2.3.4, Version: 10.0.19041.1",
        "oid 1.3.6.1.4.1",
        "/var/lib/app/data_2026-11-21.csv:12:7",
        "src/context/ctx.rs:42",
        "crate::token::Kind::Password",
        "core::de::Error at a::b",
        "https://example.com/a/b?page=2#top",
        "https://example.com:8080/@scope/pkg",
        "12:30:45",
        "aa:bb:cc:dd:ee:ff",
        "tokens_used=512 max_tokens=1024",
        "the bearer token is missing, basic auth is required",
        "a basic setup",
        "git remote root@db and pkg@1.2.3",
        "password: null",
        "password: None, email=null",
        "password=",
        "what is a password?",
        "§ ünïcödé ✓ 漢字",
        "100% of 3+4 ~5 e-3",
        "sha256:0123456789abcdef",
        "task_live_view",
        "task_live_0123456789abcdef",
        "sk_live_view_of_the_whole_task_list",
        "sk_test_report_2026-11-21.csv",
        "pk_live_0123456789abcdef",
        "xoxo-hugs-and-kisses-2026-11-21",
        "npm_config_registry",
        "npm_config_registry_of_the_whole_company",
        "ghp_token_of_the_deployment",
        "github_pat_is_what_its_tokens_begin_with",
        "glpat-rotation-of-the-runner",
        "sk-ant-colony-optimisation",
        "whsec_rotation/handler/of/hooks.rs",
        "SG.internal-service-name.another-service-name",
        "MSG.0123456789abcdefgh.0123456789abcdefgh",
        "SG.1.2",
        "AKIA is a prefix, ASIA-PACIFIC-SOUTHEAST-1 a region",
        "AKIAiosfodnn7example",
    ] {
        assert!(
            matches!(Redactor::default().scrub(text), Cow::Borrowed(same) if same == text),
            "{text} became {}",
            scrub(text)
        );
    }
}

#[test]
fn credentials_are_removed_by_their_shape() {
    check(&[
        ("Bearer x", "Bearer [redacted]"),
        ("got bearer abc.def-ghi.", "got bearer [redacted]."),
        ("Bearer  a/b+c==, next", "Bearer  [redacted], next"),
        ("Basic dXNlcjpwYXNz", "Basic [redacted]"),
        (
            "jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc-_DEF done",
            "jwt [redacted] done",
        ),
        ("eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.", "[redacted]."),
        ("x/eyJhbGciOiJIUzI1NiJ9.eyJzdWIi", "x/[redacted]"),
        (
            "postgres://app:s3cret@db:5432/app",
            "postgres://[redacted]@db:5432/app",
        ),
        ("redis://:p/a@ss@cache/0", "redis://[redacted]@cache/0"),
        (
            "https://ghp_token@example.com",
            "https://[redacted]@example.com",
        ),
        (
            "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\nafter",
            "[redacted]\nafter",
        ),
        ("-----BEGIN EC PRIVATE KEY-----\nMIIB", "[redacted]"),
    ]);
}

/// Prefixes and what may follow them. Apart, because what scans repositories for keys takes them
/// for real when they are together.
const API_KEYS: &[(&str, &str)] = &[
    ("sk_live_", "4eC39HqLyjWDarjt"),
    ("sk_test_", "4eC39HqLyjWDarjtT1zdp7dc"),
    ("rk_live_", "abcdefghijklmnop"),
    ("rk_test_", "0123456789012345"),
    ("ghp_", "16C7e42F292c6912E7710c838347Ae178B4a"),
    ("gho_", "16C7e42F292c6912"),
    ("ghu_", "16C7e42F292c6912"),
    ("ghs_", "16C7e42F292c6912"),
    ("ghr_", "16C7e42F292c6912"),
    ("github_pat_", "11ABCDEFG0abcdefghijkl_mnopqrstuvwxyz01"),
    ("glpat-", "a-b_c-d_e-f_g-h_J-k_"),
    ("AKIA", "IOSFODNN7EXAMPLE"),
    ("ASIA", "IOSFODNN7EXAMPLE"),
    ("xoxa-", "2-012345678901-abc"),
    (
        "xoxb-",
        "012345678901-0123456789012-abcdefghijklmnopqrstuvwx",
    ),
    ("xoxp-", "012345678901-abcd"),
    ("xoxr-", "012345678901-abcd"),
    ("xoxs-", "012345678901-abcd"),
    ("AIza", "SyA-0123456789_abcdefghijklmnopqrst"),
    ("sk-ant-", "api03-abc_def-ghi-AA"),
    ("sk-proj-", "abc_def-ghi-jkl_M"),
    ("npm_", "abcdefghijklmnopqrstuvwxyz0123456789"),
    ("whsec_", "MfK/9r8GKYqr+wjUPD8ILPZIo2LaLAu5=="),
    ("SG.", "abcdefghij-_lmnopqrstU.0123456789_abcdefghijklmnop"),
];

#[test]
fn api_keys_are_removed_by_their_prefix() {
    for (prefix, body) in API_KEYS {
        let key = format!("{prefix}{body}");
        for (head, tail) in [
            ("", ""),
            ("rejected ", " by the provider"),
            ("rejected ", "."),
            ("rejected ", ", next"),
            ("key=", "&x=y"),
            ("?key%3D", "%26x"),
            ("{\"key\":\"", "\"}"),
            ("(", ")"),
            ("line\\n", "\\n"),
            ("old_", " end"),
            ("漢", "漢"),
        ] {
            let text = format!("{head}{key}{tail}");
            assert_eq!(scrub(&text), format!("{head}[redacted]{tail}"), "{text}");
        }
        let both = format!("{key} and {key}");
        assert_eq!(scrub(&both), "[redacted] and [redacted]", "{both}");
    }
}

#[test]
fn an_api_key_needs_its_length_and_a_word_of_its_own() {
    for (prefix, body) in API_KEYS {
        let first = body.get(..15).unwrap();
        for text in [
            (*prefix).to_owned(),
            format!("{prefix} is the prefix of a key"),
            format!("{prefix}{first}"),
            format!("{prefix}{first}, which is short"),
            format!("the{prefix}{first}"),
            format!("a{prefix}{body}"),
        ] {
            assert_eq!(scrub(&text), text);
        }
    }
}

#[test]
fn personal_data_is_removed_by_its_shape() {
    check(&[
        ("mail to jo.doe+x@mail.example.com.", "mail to [redacted]."),
        ("<jo@example.com>", "<[redacted]>"),
        ("müller@exämple.de", "[redacted]"),
        ("?to=jo%40example.com&x=1", "?to=[redacted]&x=1"),
        ("card 4111 1111 1111 1111.", "card [redacted]."),
        ("card 4111-1111-1111-1111", "card [redacted]"),
        ("4111111111111111", "[redacted]"),
        ("order 12 4111111111111111 5", "order 12 [redacted] 5"),
        ("378282246310005", "[redacted]"),
        ("3782 822463 10005", "[redacted]"),
        ("4222222222222", "[redacted]"),
        ("6304000000000000000", "[redacted]"),
        ("from 203.0.113.7:4711", "from [redacted]:4711"),
        ("10.0.0.1-10.0.0.9", "[redacted]-[redacted]"),
        ("10.0.0.1..10.0.0.9...", "[redacted]..[redacted]..."),
        ("192.168.001.001", "[redacted]"),
        ("1.2.3.4", "[redacted]"),
        ("peer [2001:db8::1]:443", "peer [[redacted]]:443"),
        ("2001:db8:0:0:0:0:0:1: refused", "[redacted]: refused"),
        ("peer:fe80::1%eth0", "peer:[redacted]%eth0"),
        ("::ffff:203.0.113.7", "[redacted]"),
    ]);
}

#[test]
fn values_of_sensitive_keys_are_removed_from_texts() {
    check(&[
        (
            "user=jo password=hunter2 ok",
            "user=jo password=[redacted] ok",
        ),
        (
            r#"{"password":"a \" b","n":1}"#,
            r#"{"password":"[redacted]","n":1}"#,
        ),
        (
            r#"{\"token\":\"abc\",\"n\":1}"#,
            r#"{\"token\":\"[redacted]\",\"n\":1}"#,
        ),
        (
            r#"{"pin": 1, "cvv": 123}"#,
            r#"{"pin": 1, "cvv": [redacted]}"#,
        ),
        ("token: abc, next", "token: [redacted], next"),
        ("?access_token=abc&x=1", "?access_token=[redacted]&x=1"),
        (
            "Authorization: Digest username=\"x\"\nHost: y",
            "Authorization: [redacted]\"x\"\nHost: y",
        ),
        (
            "Cookie: a=b; c=d\r\nHost: y",
            "Cookie: [redacted]\r\nHost: y",
        ),
        ("token=Bearer abc rest", "token=[redacted] rest"),
        (
            r#"Login { user: "jo", password: Some("a b)"), n: 1 }"#,
            r#"Login { user: "jo", password: [redacted], n: 1 }"#,
        ),
        (
            "secret: Secret { inner: \"x\", depth: [1, 2] }, n: 1",
            "secret: [redacted], n: 1",
        ),
        ("'api_key' => 'x'", "'api_key' => '[redacted]'"),
        ("user[password]=x&y=1", "user[password]=[redacted]&y=1"),
        ("{password: abc}", "{password: [redacted]}"),
        ("password:\"unclosed", "password:\"[redacted]"),
        ("phone = +49 151", "phone = [redacted] 151"),
    ]);
}

#[test]
fn a_session_id_is_seen_as_its_hash_alone() {
    let hash = format!("sha256:{}", hash_session("abc-123"));
    assert_eq!(hash_session("abc"), "ba7816bf8f01cfea");
    check(&[
        (
            "Mcp-Session-Id: abc-123",
            &format!("Mcp-Session-Id: {hash}"),
        ),
        (
            r#""mcp-session-id":"abc-123""#,
            &format!("\"mcp-session-id\":\"{hash}\""),
        ),
    ]);
    let redactor = Redactor::default();
    assert_eq!(redactor.value("session_id", "abc-123"), hash);
    assert_eq!(redactor.value("session_id", &hash), hash);
    assert_eq!(redactor.value("password", "abc-123"), REDACTED);
    assert_eq!(redactor.value("note", "Bearer x"), "Bearer [redacted]");
}

#[test]
fn q4_a_scan_that_panics_shows_nothing() {
    let scrubbed = guarded("secret", |_| panic!("injected"));
    assert_eq!(scrubbed, REDACTED);
}

#[test]
fn secrets_are_found_among_any_text() {
    let mut numbers = Numbers(7);
    let around = [
        "", " ", ", ", "\n", "\t", "\"", "'", "(", ")", "[", "]", "{", "}", "<", ">", "; ", "| ",
        "ok ", " end", "§", "漢", ": ", "= ", "/", "? ", "& ", "#", "=", "\\", "::", "@ ",
    ];
    let redactor = Redactor::default();
    for _ in 0..20_000 {
        let canary = numbers.text(b"0123456789abcdef", 32);
        let secret = match numbers.below(11) {
            0 => format!("Bearer {canary}"),
            1 => format!("password={canary}"),
            2 => format!("\"api_key\":\"{canary}\""),
            3 => format!("postgres://app:{canary}@db/x"),
            4 => format!("eyJhbGci.eyJ{canary}.sig"),
            5 => format!("{canary}@example.com"),
            6 => format!("authorization: Basic {canary}=="),
            7 => format!("client_secret: {canary}"),
            8 => format!("sk_live_{canary}"),
            9 => format!("SG.{canary}.{canary}"),
            _ => format!("Cookie: sid={canary}; a=b"),
        };
        let head: String = (0..3).map(|_| numbers.of(&around)).collect();
        let tail: String = (0..3).map(|_| numbers.of(&around)).collect();
        let text = format!("{head} {secret} {tail}");
        let scrubbed = redactor.scrub(&text);
        assert!(!scrubbed.contains(&canary), "{text}\n{scrubbed}");
        assert_eq!(redactor.scrub(&scrubbed), scrubbed, "{text}");
    }
}

#[test]
fn own_ids_and_times_survive_among_any_text() {
    let mut numbers = Numbers(11);
    let redactor = Redactor::default();
    let around = [
        "", " ", "id ", "(", ")", ", ", "\"", "'", "/", " in ", "[", "]", " 200 ",
    ];
    for _ in 0..20_000 {
        let hex = |numbers: &mut Numbers, len| numbers.text(b"0123456789abcdef", len);
        let id = match numbers.below(6) {
            // UUIDv7, as the ids are that `obs` makes.
            0 => format!(
                "01{}-{}-7{}-{}{}-{}",
                hex(&mut numbers, 6),
                hex(&mut numbers, 4),
                hex(&mut numbers, 3),
                numbers.of(&["8", "9", "a", "b"]),
                hex(&mut numbers, 3),
                hex(&mut numbers, 12)
            ),
            1 => format!("{}f", hex(&mut numbers, 31)),
            2 => format!(
                "2026-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z",
                numbers.below(12) + 1,
                numbers.below(28) + 1,
                numbers.below(24),
                numbers.below(60),
                numbers.below(60),
                numbers.below(1_000_000)
            ),
            3 => format!(
                "{}.{}ms",
                numbers.below(10_000),
                numbers.below(1_000_000_000)
            ),
            4 => format!("host-{}.svc:{}", numbers.below(100), numbers.below(65_536)),
            _ => format!("1{}", numbers.text(b"0123456789", 18)),
        };
        let text = format!("{}{id}{}", numbers.of(&around), numbers.of(&around));
        assert!(matches!(redactor.scrub(&text), Cow::Borrowed(_)), "{text}");
    }
}

#[test]
fn any_text_is_scrubbed_without_a_panic() {
    let mut numbers = Numbers(13);
    let parts = [
        "a",
        ".",
        "1",
        "@",
        ":",
        "=",
        "::",
        "://",
        "\"",
        "'",
        "\\",
        " ",
        "eyJ",
        "-",
        "%40",
        "%",
        "Bearer",
        "basic",
        "password",
        "token",
        "session_id",
        "Some(",
        "[",
        "]",
        "{",
        "}",
        "(",
        ")",
        "4111 ",
        "1111",
        "127.0.0.1",
        "1.2.3.4",
        "2001:db8",
        "ü",
        "漢",
        "\n",
        "&",
        ",",
        "v",
        "-----BEGIN",
        "PRIVATE KEY",
        "-----END",
        "null",
        "sha256:0123456789abcdef",
        "sk_live_",
        "whsec_",
        "SG.",
        "0123456789abcdef",
        "/",
        "[redacted]",
    ];
    let redactor = Redactor::default();
    for _ in 0..100_000 {
        let len = numbers.below(12);
        let text: String = (0..len).map(|_| numbers.of(&parts)).collect();
        // Not through the redactor, which would catch it.
        let scrubbed = super::scan::scrub(&redactor.keys, &text);
        assert!(scrubbed.len() <= text.len() + 64 * REDACTED.len(), "{text}");
    }
}

#[test]
fn hostile_texts_cost_a_bounded_number_of_looks_per_byte() {
    const LEN: usize = 64 * 1024;
    for part in [
        "a.",
        "1",
        "@",
        "a@",
        "@a.",
        "a@b.",
        ":",
        "1:",
        "::",
        "a:",
        "=",
        "==",
        "a=",
        "://",
        "://u:p",
        "://u:p@",
        "a://b:c/",
        "eyJ",
        "eyJa.",
        "eyJ.",
        "eyJa.b~",
        "%40",
        "a%40b.cc~",
        "1.",
        "1.1.1.2-",
        "J1.1.1.2-",
        "4111 ",
        "4111-",
        "1 ",
        "1-",
        "4111111111111111-",
        "bearer ",
        "basic ",
        "basic a",
        "Bearer a ",
        "-----BEGIN ",
        "-----BEGIN",
        "password",
        "password=",
        "password=\"",
        "password:[",
        "password: ",
        "token=bearer ",
        "Some(",
        "\\",
        "\"",
        "2001:db8::1-",
        "fe80:",
        "::1",
        "ü",
        " ",
        "session_id=a ",
        "cookie:a\n",
        "s",
        "s-",
        "g_",
        "sk_live_",
        "sk-ant-",
        "sk-ant-a",
        "sk-proj-a.",
        "xoxb-0123456789abcdef ",
        "AKIA",
        "whsec_a/",
        "whsec_/",
        "SG.",
        "SG.0123456789abcdef.",
        "SG.a-b-c-d-e-f-g-h-i.",
    ] {
        let text = part.repeat(LEN / part.len());
        let looks = super::scan::looks(&text);
        assert!(
            looks <= 64 * text.len(),
            "{part:?}: {} a byte",
            looks / text.len()
        );
    }
}

/// `cargo test --release -p obs-runtime --lib redact::tests::cost -- --ignored --nocapture`
#[test]
#[ignore = "a measurement"]
fn cost() {
    let keys = [
        "status",
        "duration_ms",
        "db.statement",
        "job_id",
        "correlation_id",
    ];
    let texts = [
        "job accepted and handed to the worker of its queue, depth is",
        "GET /jobs/{id} answered 200 in 12.345678 ms by worker seven",
        "0192f4a1-7c3e-7b5a-9d21-0123456789ab",
    ];
    let redactor = Redactor::default();
    let rounds = 1_000_000_u32;
    let ns = |start: std::time::Instant| start.elapsed().as_secs_f64() * 1e9 / f64::from(rounds);
    for text in texts {
        let start = std::time::Instant::now();
        for _ in 0..rounds {
            std::hint::black_box(redactor.scrub(std::hint::black_box(text)));
        }
        println!("{:.1} ns for {} bytes: {text}", ns(start), text.len());
    }
    for key in keys {
        let start = std::time::Instant::now();
        for _ in 0..rounds {
            std::hint::black_box(redactor.is_sensitive(std::hint::black_box(key)));
        }
        println!("{:.1} ns for the key {key}", ns(start));
    }
}
