//! `docs/metrics.md`: every metric, for people.

use crate::files::Files;
use crate::system::System;

pub(crate) fn render(system: &System, files: &mut Files) {
    files.add("docs/metrics.md", format!("<!-- {} -->\n", system.notice()));
}
