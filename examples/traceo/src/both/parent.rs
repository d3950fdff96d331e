//! A child that does not outlive its parent, however the parent ends.

use std::io::Read;

use super::process::terminate;

/// Stops this process, as SIGTERM does, when its standard input ends.
///
/// The parent holds the other end of that pipe and never writes: the system closes it with the
/// parent, also where the parent is killed and can tell nobody.
pub(crate) fn stop_when_input_ends() -> std::io::Result<()> {
    let watch = || {
        let mut input = std::io::stdin().lock();
        let mut sink = [0; 64];
        loop {
            match input.read(&mut sink) {
                Ok(1..) => {}
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Ok(0) | Err(_) => break,
            }
        }
        terminate(std::process::id());
    };
    std::thread::Builder::new()
        .name("parent".to_owned())
        .spawn(watch)
        .map(drop)
}
