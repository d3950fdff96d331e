//! As much of `PromQL` as it takes to ask after the parts of a query.

/// What a query selects: a name with its matchers, as it stands there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Selector {
    /// The name of the metric.
    pub name: String,
    /// Name and matchers.
    pub text: String,
}

/// Every selector of a query that has matchers. One without is none of ours: all select a service.
///
/// # Panics
///
/// Where a brace is not closed.
pub fn selectors(query: &str) -> Vec<Selector> {
    let mut found = Vec::new();
    let (mut name, mut rest) = (String::new(), query);
    while let Some(character) = rest.chars().next() {
        match character {
            '"' => {
                let end = string(rest);
                rest = &rest[end..];
                name.clear();
            }
            '{' => {
                let end = braces(rest);
                let text = format!("{name}{}", &rest[..end]);
                found.push(Selector {
                    name: std::mem::take(&mut name),
                    text,
                });
                rest = &rest[end..];
            }
            _ => {
                if character.is_ascii_alphanumeric() || "_:".contains(character) {
                    name.push(character);
                } else {
                    name.clear();
                }
                rest = &rest[character.len_utf8()..];
            }
        }
    }
    found
}

/// Where a string ends that the text begins with.
fn string(text: &str) -> usize {
    let mut escaped = true; // The first quote begins it.
    for (at, character) in text.char_indices() {
        match character {
            '"' if !escaped => return at + 1,
            '\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    panic!("a string without end: {text}");
}

/// Where braces end that the text begins with.
fn braces(text: &str) -> usize {
    let mut at = 1;
    loop {
        match text[at..].chars().next() {
            Some('"') => at += string(&text[at..]),
            Some('}') => return at + 1,
            Some(other) => at += other.len_utf8(),
            None => panic!("braces without end: {text}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::selectors;

    #[test]
    fn every_selector_is_found_with_its_matchers() {
        let query = r#"sum by (le) (rate(a_bucket{s="x}\"{",r=~"5.."}[5m])) / (b:c{s="y"} > 0) or vector(0)"#;
        let found = selectors(query);
        let texts: Vec<_> = found.iter().map(|it| it.text.as_str()).collect();
        assert_eq!(texts, [r#"a_bucket{s="x}\"{",r=~"5.."}"#, r#"b:c{s="y"}"#]);
        assert_eq!(found[0].name, "a_bucket");
    }
}
