//! `docs/runbooks`: what to do about each alert.

use crate::files::Files;
use crate::system::System;

pub(crate) fn render(_system: &System, _files: &mut Files) {}
