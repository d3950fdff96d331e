//! `#[observed]` on functions of every shape: same behaviour, and exact counts.

use std::error::Error;
use std::fmt::Display;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use obs::test::capture;

fn calls(operation: &str, outcome: &str) -> String {
    format!("operation_calls_total{{operation=\"{operation}\",outcome=\"{outcome}\"}}")
}

fn durations(operation: &str, result: &str) -> String {
    format!("operation_duration_seconds_count{{operation=\"{operation}\",result=\"{result}\"}}")
}

/// Asserts that one operation was counted once, with one outcome, and nothing else.
#[track_caller]
fn assert_one(capture: &obs::test::Capture, operation: &str, outcome: &str) {
    let result = match outcome {
        "ok" | "cancelled" => outcome,
        _ => "failed",
    };
    capture.assert_changed(&[
        (&calls(operation, outcome), 1.0),
        (&durations(operation, result), 1.0),
    ]);
}

#[derive(Debug, PartialEq)]
struct Broken;

impl Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("broken")
    }
}

impl Error for Broken {}

impl From<std::num::ParseIntError> for Broken {
    fn from(_: std::num::ParseIntError) -> Self {
        Self
    }
}

type Res<T> = Result<T, Broken>;
type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

fn ignore<T>(_: T) {}

macro_rules! counts_sync {
    ($($name:ident: $outcome:literal, $operation:literal, $call:expr;)*) => {$(
        #[test]
        fn $name() {
            let capture = capture();
            capture.run_sync(|| ignore($call));
            assert_one(&capture, $operation, $outcome);
        }
    )*};
}

macro_rules! counts_async {
    ($($name:ident: $outcome:literal, $operation:literal, $call:expr;)*) => {$(
        #[tokio::test]
        async fn $name() {
            let capture = capture();
            capture.run(async { ignore($call.await); }).await;
            assert_one(&capture, $operation, $outcome);
        }
    )*};
}

#[obs::observed]
fn unit() {}

#[obs::observed]
fn question_mark(text: &str) -> Result<i32, Broken> {
    let number: i32 = text.parse()?;
    if number < 0 {
        return Err(Broken);
    }
    Ok(number)
}

#[obs::observed]
fn alias(text: &str) -> Res<i32> {
    Ok(text.parse()?)
}

#[obs::observed]
fn io_alias(fail: bool) -> std::io::Result<()> {
    if fail {
        Err(std::io::Error::other("x"))
    } else {
        Ok(())
    }
}

#[obs::observed]
fn opaque_in_result(n: u32) -> Result<impl Iterator<Item = u32>, Broken> {
    if n > 3 {
        return Err(Broken);
    }
    Ok(0..n)
}

#[obs::observed]
fn opaque(n: impl Into<u64>) -> impl Display {
    n.into()
}

#[obs::observed]
fn dynamic_error(fail: bool) -> Result<(), Box<dyn Error>> {
    if fail {
        return Err(Box::new(Broken));
    }
    Ok(())
}

#[obs::observed]
fn coerced(ok: bool) -> Box<dyn Display> {
    if ok { Box::new(1) } else { Box::new("x") }
}

#[obs::observed]
fn option(some: bool) -> Option<u8> {
    let n = some.then_some(1)?;
    Some(n + 1)
}

#[obs::observed]
fn generic<T: Clone, E: Clone>(result: &Result<T, E>) -> Result<T, E> {
    result.clone()
}

#[obs::observed]
fn longest<'a>(a: &'a str, b: &'a str) -> &'a str {
    if a.len() > b.len() { a } else { b }
}

#[obs::observed]
fn patterns((a, mut b): (u8, u8), [c, ..]: [u8; 3], mut d: Vec<u8>, _unused: u8) -> u8 {
    b += 1;
    d.push(a + b + c);
    d.iter().sum()
}

#[obs::observed]
fn closures_inside(numbers: Vec<u32>) -> Vec<u32> {
    let double = |n: u32| -> u32 {
        if n == 0 {
            return 0;
        }
        n * 2
    };
    numbers.into_iter().map(double).collect()
}

counts_sync! {
    a_function_without_a_result_is_ok: "ok", "unit", unit();
    a_question_mark_that_passes_is_ok: "ok", "question_mark", question_mark("1");
    a_question_mark_that_fails_is_an_error: "error", "question_mark", question_mark("x");
    an_early_return_of_an_error_is_an_error: "error", "question_mark", question_mark("-1");
    an_alias_of_result_is_ok: "ok", "alias", alias("1");
    an_alias_of_result_is_an_error: "error", "alias", alias("x");
    the_alias_of_io_is_an_error: "error", "io_alias", io_alias(true);
    an_opaque_type_in_a_result_is_ok: "ok", "opaque_in_result", opaque_in_result(1).is_ok();
    an_error_beside_an_opaque_type_is_an_error: "error", "opaque_in_result", opaque_in_result(9).is_ok();
    an_opaque_type_is_ok: "ok", "opaque", opaque(1u8).to_string();
    a_boxed_dynamic_error_is_an_error: "error", "dynamic_error", dynamic_error(true);
    a_coercion_to_a_trait_object_still_happens: "ok", "coerced", coerced(true).to_string();
    none_is_no_error: "ok", "option", option(false);
    a_generic_error_is_an_error: "error", "generic", generic::<u8, u8>(&Err(1));
    a_borrowed_result_is_ok: "ok", "longest", longest("a", "bc");
    patterns_of_all_kinds_are_bound: "ok", "patterns", assert_eq!(patterns((1, 2), [3, 0, 0], vec![1], 0), 8);
    returns_of_inner_closures_stay_there: "ok", "closures_inside", assert_eq!(closures_inside(vec![2]), [4]);
}

#[obs::observed]
async fn async_unit() {}

#[obs::observed]
async fn async_question_mark(text: &str) -> Result<i32, Broken> {
    tokio::task::yield_now().await;
    Ok(text.parse()?)
}

#[obs::observed]
async fn async_dynamic_error(fail: bool) -> Result<(), Box<dyn Error + Send + Sync>> {
    if fail {
        return Err(Box::new(Broken));
    }
    Ok(())
}

#[obs::observed]
async fn async_collect(numbers: Vec<u8>) -> Result<Vec<u8>, Broken> {
    numbers
        .into_iter()
        .map(|n| if n > 3 { Err(Broken) } else { Ok(n) })
        .collect()
}

#[obs::observed]
fn boxed(fail: bool) -> Pin<Box<dyn Future<Output = Result<(), Broken>> + Send>> {
    Box::pin(async move { if fail { Err(Broken) } else { Ok(()) } })
}

#[obs::observed]
fn boxed_by_an_alias(text: &str) -> BoxFuture<'_, Res<i32>> {
    Box::pin(async move { Ok(text.parse()?) })
}

#[obs::observed]
fn boxed_local(fail: bool) -> Pin<Box<dyn Future<Output = Result<(), Broken>>>> {
    let fail = std::rc::Rc::new(fail);
    Box::pin(async move { if *fail { Err(Broken) } else { Ok(()) } })
}

#[obs::observed]
fn opaque_future(fail: bool) -> impl Future<Output = Result<(), Broken>> + Send {
    async move { if fail { Err(Broken) } else { Ok(()) } }
}

#[obs::observed]
fn pinned_opaque_future(fail: bool) -> Pin<Box<impl Future<Output = Result<(), Broken>>>> {
    Box::pin(async move { if fail { Err(Broken) } else { Ok(()) } })
}

counts_async! {
    an_async_function_without_a_result_is_ok: "ok", "async_unit", async_unit();
    an_async_question_mark_that_passes_is_ok: "ok", "async_question_mark", async_question_mark("1");
    an_async_question_mark_that_fails_is_an_error: "error", "async_question_mark", async_question_mark("x");
    a_coercion_in_an_async_return_still_happens: "error", "async_dynamic_error", async_dynamic_error(true);
    inference_through_the_return_type_still_works: "error", "async_collect", async_collect(vec![9]);
    a_boxed_future_is_ok_at_its_end: "ok", "boxed", boxed(false);
    a_boxed_future_is_an_error_at_its_end: "error", "boxed", boxed(true);
    a_boxed_future_behind_an_alias_is_an_error: "error", "boxed_by_an_alias", boxed_by_an_alias("x");
    a_local_boxed_future_is_an_error: "error", "boxed_local", boxed_local(true);
    an_opaque_future_is_ok_at_its_end: "ok", "opaque_future", opaque_future(false);
    an_opaque_future_is_an_error_at_its_end: "error", "opaque_future", opaque_future(true);
    a_pinned_opaque_future_is_an_error: "error", "pinned_opaque_future", pinned_opaque_future(true);
}

#[derive(Default)]
struct Store {
    items: Vec<u32>,
}

impl Store {
    #[obs::observed(name = "store_first")]
    fn first_mut(&mut self) -> Result<&mut u32, Broken> {
        self.items.first_mut().ok_or(Broken)
    }

    #[obs::observed]
    async fn find_mut(&mut self, wanted: u32) -> Result<&mut u32, Broken> {
        for item in &mut self.items {
            if *item == wanted {
                return Ok(item);
            }
        }
        Err(Broken)
    }

    #[obs::observed]
    fn into_items(mut self: Box<Self>) -> Vec<u32> {
        self.items.push(1);
        self.items
    }

    #[obs::observed]
    fn shared(self: Arc<Self>) -> usize {
        self.items.len()
    }

    #[obs::observed]
    fn by_value(self) -> Vec<u32> {
        self.items
    }
}

trait Worker {
    #[obs::observed(name = "trait_default")]
    fn work(&self) -> Result<(), Broken> {
        Err(Broken)
    }

    async fn work_async(&self) -> Result<(), Broken>;
}

struct Generic<T>(T);

impl<T: Clone + Send + Sync> Worker for Generic<T> {
    #[obs::observed(name = "trait_impl")]
    async fn work_async(&self) -> Result<(), Broken> {
        drop(self.0.clone());
        Ok(())
    }
}

impl<T: Clone, const N: usize> Generic<[T; N]> {
    #[obs::observed]
    fn generic_impl(&self) -> Result<T, Broken> {
        self.0.first().cloned().ok_or(Broken)
    }
}

counts_sync! {
    a_mutable_borrow_may_be_returned: "error", "store_first", Store::default().first_mut().is_ok();
    a_boxed_self_is_taken: "ok", "into_items", Box::new(Store::default()).into_items();
    a_shared_self_is_taken: "ok", "shared", Arc::new(Store::default()).shared();
    a_self_by_value_is_taken: "ok", "by_value", Store::default().by_value();
    a_default_method_of_a_trait_is_counted: "error", "trait_default", Generic(1).work();
    a_method_of_a_generic_impl_is_counted: "ok", "generic_impl", Generic([1u8]).generic_impl();
}

counts_async! {
    an_async_mutable_borrow_may_be_returned: "error", "find_mut", Store::default().find_mut(1);
    an_async_method_of_a_trait_is_counted: "ok", "trait_impl", Generic(1).work_async();
}

#[obs::observed]
fn never(message: &str) -> ! {
    panic!("{message}")
}

#[obs::observed]
async fn async_never() -> ! {
    loop {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

#[test]
fn a_function_that_never_returns_counts_its_panic() {
    let capture = capture();
    let panic = std::panic::catch_unwind(|| capture.run_sync(|| never("x")));
    assert!(panic.is_err());
    assert_one(&capture, "never", "panic");
}

#[tokio::test(start_paused = true)]
async fn an_async_function_that_never_returns_counts_as_cancelled_when_dropped() {
    let capture = capture();
    let never = capture.run(async {
        async_never().await;
    });
    assert!(
        tokio::time::timeout(Duration::from_secs(9), never)
            .await
            .is_err()
    );
    assert_one(&capture, "async_never", "cancelled");
}

#[test]
fn futures_of_observed_functions_are_send_where_the_bodies_are() {
    fn is_send<T: Send>(_: &T) {}
    is_send(&async_question_mark("1"));
    is_send(&opaque_future(true));
    is_send(&boxed(true));
}
