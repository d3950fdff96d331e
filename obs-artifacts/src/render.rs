//! Makes all files of a system.

use crate::files::Files;
use crate::problem::Problems;
use crate::system::System;
use crate::{catalogue, grafana, metrics_page, prometheus, runbooks, stack};

impl System {
    /// Makes all files.
    ///
    /// # Errors
    /// If an alert could not be what it says, such as one on a latency that no bucket ends at, or if a
    /// name, a port or a path could not be what it is for. The error lists everything that is wrong.
    pub fn render(&self) -> Result<Files, Problems> {
        let mut files = Files::default();
        let mut problems = Vec::new();
        prometheus::check(self, &mut problems);
        stack::check(self, &mut problems);
        metrics_page::render(self, &mut files, &mut problems);
        // The others rely on names that are there once, and on bounds that are bounds.
        Problems::result(problems)?;
        grafana::render(self, &mut files);
        prometheus::render(self, &mut files);
        stack::render(self, &mut files);
        runbooks::render(self, &mut files);
        catalogue::render_saved(self, &mut files);
        catalogue::render_weaver(self, &mut files);
        Ok(files)
    }
}
