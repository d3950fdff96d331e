//! `deploy/Dockerfile`: one image, which every service is started from.

use super::compose::USER;
use super::{images, template};
use crate::files::Files;
use crate::system::System;

pub(super) fn render(system: &System, files: &mut Files) {
    let user = USER.to_string();
    let words = [
        ("rust", images::RUST),
        ("debian", images::DEBIAN),
        ("program", &system.program),
        ("image", &system.image),
        ("user", &user),
    ];
    let text = include_str!("templates/Dockerfile");
    // A directive for the parser counts in the first lines only.
    let (directive, rest) = text.split_once('\n').unwrap_or(("", text));
    let rest = template(system, rest, &words);
    files.add("deploy/Dockerfile", format!("{directive}\n{rest}"));
    let ignored = template(system, include_str!("templates/dockerignore"), &[]);
    files.add("deploy/Dockerfile.dockerignore", ignored);
}
