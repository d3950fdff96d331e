//! `traceo demo`: both services, a third party that fails, and traffic to watch them by.
use std::net::SocketAddr;
use std::process::ExitCode;

use crate::cli;

pub(crate) fn run(_options: cli::Demo) -> ExitCode {
    ExitCode::FAILURE
}

/// The third party, in a process of its own.
pub(crate) fn stand_in(_listen: SocketAddr) -> ExitCode {
    ExitCode::FAILURE
}
