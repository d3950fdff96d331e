//! The saved form: a file of JSON for each service, for comparison with a later version.

use serde::{Deserialize, Serialize};

use super::Catalogue;
use crate::files::Files;
use crate::system::System;

/// The form of the saved files; another number where an older reader would misunderstand it.
pub(super) const FORMAT: u32 = 1;

/// The file that a catalogue is saved in.
#[derive(Serialize)]
struct Saved<'a> {
    // JSON has no comments, and validators leave this name alone.
    #[serde(rename = "$comment")]
    comment: &'a str,
    format: u32,
    #[serde(flatten)]
    catalogue: &'a Catalogue,
}

/// What has to be known before the rest can be read.
#[derive(Deserialize)]
pub(super) struct Head {
    /// Absent in what `serde` made of a catalogue alone, which is the first form.
    #[serde(default = "first")]
    pub(super) format: u32,
}

const fn first() -> u32 {
    FORMAT
}

pub(crate) fn render(system: &System, files: &mut Files) {
    for service in &system.services {
        let path = format!("deploy/catalogue/{}.json", service.name());
        files.add(path, text(&service.catalogue, &system.notice()));
    }
}

/// Writes a catalogue as the text of a saved file.
fn text(catalogue: &Catalogue, notice: &str) -> String {
    let saved = Saved {
        comment: notice,
        format: FORMAT,
        catalogue,
    };
    let mut text = serde_json::to_string_pretty(&saved).expect("our types have a form in JSON");
    text.push('\n');
    text
}
