//! Stack traces: they begin where the service's code is, and say nothing of the machine.

use ::sentry::protocol::{Event, Frame, Stacktrace};

use crate::start::without_machine;

/// What lies between the line that panics and the event about it, the hooks included.
const PANICKING: &[&str] = &[
    "core::panicking::",
    "std::panicking::begin_panic",
    "__rustc::rust_begin_unwind",
    "rust_begin_unwind",
];

/// Tidies all stack traces of an event.
pub(super) fn tidy(event: &mut Event<'_>) {
    let exceptions = event.exception.values.iter_mut();
    let of_exceptions = exceptions.filter_map(|exception| exception.stacktrace.as_mut());
    for stacktrace in of_exceptions.chain(event.stacktrace.as_mut()) {
        tidy_one(stacktrace);
    }
}

/// Tidies a stack trace, whose last frame is the innermost.
///
/// The client goes by the names of functions alone, and where the debug information is of line
/// tables only, those of inlined functions have no crate before them: `poll<...>` would be the
/// service's own.
pub(super) fn tidied(mut stacktrace: Stacktrace) -> Stacktrace {
    tidy_one(&mut stacktrace);
    stacktrace
}

fn tidy_one(stacktrace: &mut Stacktrace) {
    let frames = &mut stacktrace.frames;
    // The last panic: one that happens while another unwinds is what the event is about.
    if let Some(last) = frames.iter().rposition(is_panicking) {
        let (before, _) = frames.split_at(last);
        let between = before.iter().rev().take_while(|frame| is_panicking(frame));
        let begins = last - between.count();
        frames.truncate(begins);
    }
    for frame in frames {
        let Some(path) = &frame.abs_path else {
            continue;
        };
        let shown = without_machine(path);
        if shown.len() < path.len() {
            frame.abs_path = Some(shown.to_owned());
            frame.in_app = Some(false);
        }
    }
}

fn is_panicking(frame: &Frame) -> bool {
    let function = frame.function.as_deref().unwrap_or_default();
    PANICKING.iter().any(|name| function.starts_with(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(function: &str, path: &str) -> Frame {
        Frame {
            function: Some(function.to_owned()),
            abs_path: Some(path.to_owned()),
            in_app: Some(true),
            ..Frame::default()
        }
    }

    fn tidied_frames(frames: Vec<Frame>) -> Vec<(String, String, bool)> {
        let stacktrace = tidied(Stacktrace {
            frames,
            ..Stacktrace::default()
        });
        let frames = stacktrace.frames.into_iter();
        frames
            .map(|frame| {
                let texts = (frame.function, frame.abs_path);
                (
                    texts.0.unwrap_or_default(),
                    texts.1.unwrap_or_default(),
                    frame.in_app == Some(true),
                )
            })
            .collect()
    }

    #[test]
    fn a_stack_ends_at_the_line_that_panicked_and_dependencies_are_not_the_services_own() {
        let seen = tidied_frames(vec![
            frame(
                "poll<F>",
                "/srv/.cargo/registry/src/index-0123/axum-0.8.9/src/lib.rs",
            ),
            frame("{async_fn#0}", "/builds/shop/src/orders.rs"),
            frame(
                "core::panicking::panic_fmt",
                "/rustc/0123/library/core/src/panicking.rs",
            ),
            frame(
                "__rustc::rust_begin_unwind",
                "/rustc/0123/library/std/src/panicking.rs",
            ),
            frame(
                "std::panicking::panic_with_hook",
                "/rustc/0123/library/std/src/panicking.rs",
            ),
            frame("on_panic", "/builds/obs/panic.rs"),
        ]);
        assert_eq!(
            seen,
            [
                (
                    "poll<F>".to_owned(),
                    "axum-0.8.9/src/lib.rs".to_owned(),
                    false
                ),
                (
                    "{async_fn#0}".to_owned(),
                    "/builds/shop/src/orders.rs".to_owned(),
                    true
                ),
            ]
        );
    }

    #[test]
    fn of_two_panics_the_last_is_the_one_and_a_stack_without_one_stays_whole() {
        let seen = tidied_frames(vec![
            frame("shop::outer", "a.rs"),
            frame("core::panicking::panic_fmt", "b.rs"),
            frame("shop::drop", "c.rs"),
            frame("core::panicking::panic_fmt", "b.rs"),
            frame("hook", "d.rs"),
        ]);
        let names: Vec<&str> = seen.iter().map(|(name, ..)| name.as_str()).collect();
        assert_eq!(
            names,
            ["shop::outer", "core::panicking::panic_fmt", "shop::drop"]
        );
        assert_eq!(tidied_frames(vec![frame("shop::main", "a.rs")]).len(), 1);
        assert_eq!(tidied_frames(Vec::new()), []);
    }
}
