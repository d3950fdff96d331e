//! What a person sees: lines that stay, and below them one that moves.

use std::io::{self, IsTerminal, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How often the moving line is written where it cannot move: a file, a pipe.
const PLAIN: Duration = Duration::from_secs(5);

/// The width where the terminal does not say what it has.
const WIDTH: usize = 80;

const CLEAR: &str = "\r\x1b[2K";

#[derive(Debug)]
pub(super) struct Screen {
    moves: bool,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// There is a moving line, which must be wiped before anything else is written.
    shown: bool,
    last_plain: Instant,
}

impl Screen {
    pub(super) fn new() -> Self {
        Self {
            moves: io::stdout().is_terminal(),
            state: Mutex::new(State {
                shown: false,
                last_plain: Instant::now(),
            }),
        }
    }

    /// Writes lines that stay.
    pub(super) fn say(&self, text: &str) {
        let mut state = self.state();
        let clear = if state.shown { CLEAR } else { "" };
        state.shown = false;
        write(&format!("{clear}{text}\n"));
    }

    /// Shows how things are, in place of what was shown before.
    pub(super) fn show(&self, line: &str) {
        let mut state = self.state();
        if self.moves {
            // One column less than there are: a full line would begin another.
            let line: String = line.chars().take(width().saturating_sub(1)).collect();
            write(&format!("{CLEAR}{line}"));
            state.shown = true;
        } else if state.last_plain.elapsed() >= PLAIN {
            state.last_plain = Instant::now();
            write(&format!("  {line}\n"));
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Nobody may be reading, which is no reason to panic.
fn write(text: &str) {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes()).ok();
    out.flush().ok();
}

fn width() -> usize {
    #[cfg(unix)]
    if let Ok(size) = rustix::termios::tcgetwinsize(io::stdout())
        && size.ws_col > 0
    {
        return size.ws_col.into();
    }
    WIDTH
}
