//! `docs/deploy.md`: from nothing to a watched system, for people.

use super::{host, images};
use crate::files::Files;
use crate::system::System;

pub(super) fn render(system: &System, files: &mut Files) {
    let services: Vec<&str> = system.services.iter().map(|it| it.name()).collect();
    let hosts: Vec<String> = services.iter().copied().map(host).collect();
    let words = [
        ("all", &*hosts.join(" ")),
        ("system", &*system.name),
        ("namespace", &*host(&system.name)),
        ("services", &*services.join("`, `")),
        ("first", services.first().copied().unwrap_or_default()),
        ("image", &*system.image),
        ("versions", &*versions()),
    ];
    let text = include_str!("templates/deploy.md").to_owned();
    let text = words.iter().fold(text, |text, (word, value)| {
        text.replace(&format!("@{word}@"), value)
    });
    files.add(
        "docs/deploy.md",
        format!("<!-- {} -->\n{text}", system.notice()),
    );
}

fn versions() -> String {
    let all = [
        images::PROMETHEUS,
        images::ALERTMANAGER,
        images::GRAFANA,
        images::LOKI,
        images::TEMPO,
        images::COLLECTOR,
        images::JAEGER,
        images::BUSYBOX,
        images::RUST,
        images::DEBIAN,
    ];
    all.map(|it| format!("`{it}`")).join(", ")
}
