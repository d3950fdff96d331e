//! The page itself: written here once, filled by its script.

use obs::Obs;

use super::peers::Peer;

pub(crate) const HTML: &str = "text/html; charset=utf-8";
pub(crate) const CSS: &str = "text/css; charset=utf-8";
pub(crate) const JS: &str = "text/javascript; charset=utf-8";
pub(crate) const SVG: &str = "image/svg+xml";

pub(crate) const STYLE: &str = include_str!("../assets/console.css");
pub(crate) const SCRIPT: &str = include_str!("../assets/console.js");
pub(crate) const ICON: &str = include_str!("../assets/icon.svg");

const PAGE: &str = include_str!("../assets/console.html");

/// Writes the page of a service.
pub(crate) fn page(obs: &Obs, path: &str, peers: &[Peer]) -> String {
    let peers: String = peers
        .iter()
        .filter_map(|peer| {
            let console = peer.console.as_ref().ok()?;
            let (console, name) = (escaped(console), escaped(&peer.name));
            Some(format!(r#"<a href="{console}">{name}</a>"#))
        })
        .collect();
    fill(
        PAGE,
        &[
            ("path", &escaped(path)),
            ("service", &escaped(obs.service().name())),
            ("version", &escaped(obs.service().version())),
            ("environment", &escaped(obs.environment().name())),
            ("peers", &peers),
        ],
    )
}

/// Puts values in the place of `{{name}}`. What a value says is not looked at again.
fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let mut page = String::with_capacity(template.len() + 512);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        page.push_str(before);
        let (name, after) = after.split_once("}}").unwrap_or((after, ""));
        let value = values.iter().find(|(known, _)| *known == name);
        page.push_str(value.map_or("", |(_, value)| value));
        rest = after;
    }
    page.push_str(rest);
    page
}

/// Makes a text one that is only shown, in HTML and within quotes.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::{PAGE, SCRIPT, STYLE, escaped, fill};

    #[test]
    fn what_a_value_says_is_shown_and_does_nothing() {
        let hostile = escaped(r#"<script>alert("{{path}}")</script>&'"#);
        let page = fill("a {{x}} b {{y}}", &[("x", &hostile), ("path", "no")]);
        assert_eq!(
            page,
            "a &lt;script&gt;alert(&quot;{{path}}&quot;)&lt;/script&gt;&amp;&#39; b "
        );
    }

    #[test]
    fn nothing_in_the_page_is_inline_or_from_elsewhere() {
        for forbidden in [
            "<style",
            "style=",
            "onclick",
            "onload",
            "javascript:",
            "<script>",
        ] {
            assert!(!PAGE.contains(forbidden), "{forbidden}");
        }
        for text in [PAGE, SCRIPT, STYLE] {
            // The name of SVG's elements is no address.
            let text = text.replace("http://www.w3.org/2000/svg", "");
            for forbidden in ["http://", "https://", "//cdn", "@import", "url("] {
                assert!(!text.contains(forbidden), "{forbidden}");
            }
        }
        for forbidden in [
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
        ] {
            assert!(
                !SCRIPT.contains(forbidden),
                "what is logged is hostile: {forbidden}"
            );
        }
    }
}
