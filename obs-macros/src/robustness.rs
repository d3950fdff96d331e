//! Tests of what holds for every input: no panic, an error where something is wrong, nothing that
//! depends on more than the input.

use crate::label::{Trait, derive};
use crate::metrics::metrics;
use crate::observed::observed;
use crate::problem;
use crate::test::test;
use proc_macro2::{Group, TokenStream, TokenTree};
use quote::quote;

/// A sound block; half-typed programs are mostly a token away from one.
const BLOCK: &str = r#"
    [::obs]
    /// The shop.
    pub registry SHOP;
    prefix = "shop";
    max_series = 100 + 1;

    /// Orders taken.
    #[cfg(test)]
    counter shop_orders_total(source: Source, r#type: Option<bool>);
    /// Seconds that tills were open.
    pub(crate) counter<f64> shop_open_seconds_total();
    /// Customers inside.
    gauge shop_customers(gift: bool) { max_series = 2, unchecked_labels = "why" }
    /// Which build runs.
    info shop_build_info { version: "1", git: env!("X") };
    /// Seconds to the till.
    histogram shop_wait_seconds() { buckets = [0.1, 1.0], slo = { at: 1.0, target: 99.0 } };
"#;

const LABEL: &str = r#"
    #[label(rename_all = "kebab-case", crate = ::obs)]
    pub(crate) enum Source {
        Upload,
        #[label(value = "s3")]
        ObjectStore = 4,
        #[label(nested)]
        Paid(bool),
        #[label(ignore)]
        Text { text: String },
    }
"#;

const PROBLEM: &str = r#"
    #[problem(crate = ::obs)]
    pub(crate) enum JobError<T> where T: Display {
        #[problem(status = 404, title = "No such job", type = "https://x.y/z", detail)]
        NotFound(u64),
        #[problem(status = StatusCode::CONFLICT, retry_after = 2 * 60)]
        Taken { by: String } = 4,
        #[problem(transparent)]
        #[label(value = "inner")]
        Inner(#[from] T),
    }
"#;

/// Functions and blocks under `#[observed]`, each with the arguments it takes.
const OBSERVED: [(&str, &str); 4] = [
    (
        r#"name = "x", fields(a = %b, c.d = ?e, password = redacted(1), email), slo(at = 0.5, target = 99.0),
           buckets = [0.5], record(x(1), y()), allow(email = "why"), crate = ::obs"#,
        r"pub(crate) async unsafe fn work<'a, T: Clone>(&'a mut self, (mut b, _): (u8, u8), #[cfg(x)] e: T)
           -> Result<impl Iterator<Item = &'a T>, Error> where T: 'a { let x = f(b)?; Ok(x) }",
    ),
    (
        "tool = \"x\"",
        "fn boxed(x: u8) -> Pin<Box<dyn Future<Output = io::Result<()>> + Send + '_>> { Box::pin(async {}) }",
    ),
    (
        "tools = Names",
        r#"#[tool_router(router = r, vis = "pub", server_handler)] #[prompt_router] impl<T> Server<T> where T: X {
           #[observed(slo(at = 1.0, target = 99.0))] #[tool(name = "a-b")] async fn a(&self) -> String { s }
           #[tool] fn b(&self) {} #[prompt(name = "p")] async fn c(&self) {} }"#,
    ),
    (
        "crate = ::obs",
        r"#[tool_handler(router = self.router + other())] impl ServerHandler for a::Server {
           async fn call_tool(&self, P { name, .. }: P, _: C) -> Result<R, E> { x } }",
    ),
];

/// Functions under `#[obs::test]`, each with the arguments it takes.
const TEST: [(&str, &str); 2] = [
    (
        r#"env = "prod", vars("RUST_LOG" = "debug", "LOG_FORMAT" = X), flavor = "multi_thread", worker_threads = 2, crate = ::obs"#,
        r"#[should_panic] pub(crate) async fn sells(mut t: obs::TestObs) -> Result<(), Error> { let x = f(t)?; Ok(x) }",
    ),
    ("", "fn sells(_: TestObs) {}"),
];

/// Xorshift: the same numbers in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % n as u64).unwrap()
    }
}

/// Removes, repeats or exchanges a token somewhere, groups included.
fn mutate(tokens: TokenStream, random: &mut Random) -> TokenStream {
    let mut tokens: Vec<TokenTree> = tokens.into_iter().collect();
    if tokens.is_empty() {
        return TokenStream::new();
    }
    let at = random.below(tokens.len());
    let other = random.below(tokens.len());
    match (random.below(5), &tokens[at]) {
        (0, _) => {
            tokens.remove(at);
        }
        (1, _) => tokens.insert(other, tokens[at].clone()),
        (2, _) => tokens.swap(at, other),
        (_, TokenTree::Group(group)) => {
            let delimiter = if random.below(6) == 0 {
                proc_macro2::Delimiter::Bracket
            } else {
                group.delimiter()
            };
            let inside = mutate(group.stream(), random);
            tokens[at] = Group::new(delimiter, inside).into();
        }
        _ => tokens.truncate(at),
    }
    tokens.into_iter().collect()
}

fn check(output: &TokenStream, input: &TokenStream) {
    let output = output.to_string();
    assert!(
        !output.contains("this is a bug in obs"),
        "{output}\nfor {input}"
    );
    assert!(!output.is_empty(), "nothing for {input}");
}

#[test]
fn no_input_makes_a_macro_panic_or_fall_silent() {
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    let (block, label): (TokenStream, TokenStream) =
        (BLOCK.parse().unwrap(), LABEL.parse().unwrap());
    for _ in 0..3_000 {
        let (mut block, mut label) = (block.clone(), label.clone());
        for _ in 0..=random.below(4) {
            // The path in front comes from our own macro.
            let rest = block.clone().into_iter().skip(1).collect();
            let rest = mutate(rest, &mut random);
            block = quote!([::obs] #rest);
            label = mutate(label, &mut random);
        }
        check(&metrics(block.clone()), &block);
        check(&derive(Trait::Label, label.clone()), &label);
        check(&derive(Trait::ErrorLabel, label.clone()), &label);
    }
}

#[test]
fn no_item_makes_the_attribute_panic_or_fall_silent() {
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    for (arguments, item) in OBSERVED {
        let sound = observed(arguments.parse().unwrap(), item.parse().unwrap());
        assert!(!sound.to_string().contains("compile_error"), "{sound}");
        for _ in 0..3_000 {
            let mut arguments: TokenStream = arguments.parse().unwrap();
            let mut item: TokenStream = item.parse().unwrap();
            for _ in 0..=random.below(3) {
                if random.below(2) == 0 {
                    arguments = mutate(arguments, &mut random);
                } else {
                    item = mutate(item, &mut random);
                }
            }
            if !item.is_empty() {
                check(&observed(arguments, item.clone()), &item);
            }
        }
    }
}

#[test]
fn no_function_makes_the_test_attribute_panic_or_fall_silent() {
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    for (arguments, item) in TEST {
        let sound = test(arguments.parse().unwrap(), item.parse().unwrap());
        assert!(!sound.to_string().contains("compile_error"), "{sound}");
        assert!(!sound.to_string().contains("allow"), "{sound}");
        for _ in 0..3_000 {
            let mut arguments: TokenStream = arguments.parse().unwrap();
            let mut item: TokenStream = item.parse().unwrap();
            for _ in 0..=random.below(3) {
                if random.below(2) == 0 {
                    arguments = mutate(arguments, &mut random);
                } else {
                    item = mutate(item, &mut random);
                }
            }
            if !item.is_empty() {
                check(&test(arguments, item.clone()), &item);
            }
        }
    }
}

#[test]
fn no_error_makes_the_derive_panic_or_fall_silent() {
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    let sound: TokenStream = PROBLEM.parse().unwrap();
    for _ in 0..3_000 {
        let mut error = sound.clone();
        for _ in 0..=random.below(4) {
            error = mutate(error, &mut random);
        }
        check(&problem::derive(error.clone()), &error);
        check(&derive(Trait::ErrorLabel, error.clone()), &error);
    }
}

#[test]
fn the_same_input_gives_the_same_output() {
    let block: TokenStream = BLOCK.parse().unwrap();
    let label: TokenStream = LABEL.parse().unwrap();
    let first = (
        metrics(block.clone()).to_string(),
        derive(Trait::ErrorLabel, label.clone()).to_string(),
    );
    assert!(!first.0.contains("compile_error") && !first.1.contains("compile_error"));
    for _ in 0..100 {
        assert_eq!(metrics(block.clone()).to_string(), first.0);
        assert_eq!(
            derive(Trait::ErrorLabel, label.clone()).to_string(),
            first.1
        );
    }
}

#[test]
fn what_is_generated_switches_no_lint_off() {
    let block = metrics(BLOCK.parse().unwrap()).to_string();
    let label = derive(Trait::Label, LABEL.parse().unwrap()).to_string();
    let problem = problem::derive(PROBLEM.parse().unwrap()).to_string();
    assert!(!problem.contains("compile_error"), "{problem}");
    let observed = OBSERVED
        .map(|(arguments, item)| observed(arguments.parse().unwrap(), item.parse().unwrap()))
        .map(|output| output.to_string().replace("allow_empty", ""));
    for output in [block, label, problem].into_iter().chain(observed) {
        assert!(
            !output.contains("allow") && !output.contains("expect ("),
            "{output}"
        );
    }
}
