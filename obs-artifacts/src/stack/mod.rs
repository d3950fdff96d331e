//! The stack: what scrapes, collects and keeps, with compose and on Kubernetes.

mod build;
mod check;
mod collector;
mod compose;
mod container;
mod images;
mod kubernetes;
mod page;
mod scrape;

use crate::files::Files;
use crate::system::{Service, System};

pub(crate) use check::system as check;

pub(crate) fn render(system: &System, files: &mut Files) {
    scrape::render(system, files);
    collector::render(system, files);
    build::render(system, files);
    compose::render(system, files);
    kubernetes::render(system, files);
    page::render(system, files);
}

/// The name that a service, or a system, has in a network: a DNS label.
fn host(name: &str) -> String {
    let label: String = name
        .to_ascii_lowercase()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .collect();
    label.trim_matches('-').to_owned()
}

/// Where a service is reached inside of the network.
fn address(service: &Service) -> String {
    format!("{}:{}", host(service.name()), service.port)
}

/// A file that is the same for every system but for these words, below the notice.
fn template(system: &System, text: &str, words: &[(&str, &str)]) -> String {
    let text = words.iter().fold(text.to_owned(), |text, (word, value)| {
        text.replace(&format!("@{word}@"), value)
    });
    format!("# {}\n{text}", system.notice())
}

#[cfg(test)]
mod tests;
