//! An example of the Secret with the tokens: nothing that is generated can hold them.

use super::super::{host, template};
use super::{FOLDER, secret_name};
use crate::files::Files;
use crate::system::System;

pub(super) fn render(system: &System, files: &mut Files) {
    let (name, namespace) = (secret_name(system), host(&system.name));
    let words = [("name", &*name), ("namespace", &*namespace)];
    let text = template(
        system,
        include_str!("../templates/secret.example.yaml"),
        &words,
    );
    files.add(format!("{FOLDER}/secret.example.yaml"), text);
}
