//! The stack: what scrapes, collects and keeps, with compose and on Kubernetes.

use crate::files::Files;
use crate::system::System;

pub(crate) fn render(_system: &System, _files: &mut Files) {}
