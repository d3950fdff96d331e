//! Conversion of Rust names to label values.

/// How a variant's name becomes a label value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Case {
    Lower,
    Upper,
    Pascal,
    Camel,
    Snake,
    ScreamingSnake,
    Kebab,
}

impl Case {
    /// The names that `rename_all` accepts, as in serde.
    pub(crate) const NAMES: [&'static str; 7] = [
        "lowercase",
        "UPPERCASE",
        "PascalCase",
        "camelCase",
        "snake_case",
        "SCREAMING_SNAKE_CASE",
        "kebab-case",
    ];

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "lowercase" => Self::Lower,
            "UPPERCASE" => Self::Upper,
            "PascalCase" => Self::Pascal,
            "camelCase" => Self::Camel,
            "snake_case" => Self::Snake,
            "SCREAMING_SNAKE_CASE" => Self::ScreamingSnake,
            "kebab-case" => Self::Kebab,
            _ => return None,
        })
    }

    /// Converts the name of a variant.
    pub(crate) fn apply(self, variant: &str) -> String {
        match self {
            Self::Lower => variant.to_lowercase(),
            Self::Upper => variant.to_uppercase(),
            Self::Pascal => variant.to_owned(),
            Self::Camel => {
                let mut chars = variant.chars();
                chars
                    .next()
                    .map(|first| first.to_lowercase().chain(chars).collect())
                    .unwrap_or_default()
            }
            Self::Snake => snake(variant),
            Self::ScreamingSnake => snake(variant).to_uppercase(),
            Self::Kebab => snake(variant).replace('_', "-"),
        }
    }
}

/// Converts to snake case and keeps runs of capitals together: `HTTPError` is `http_error`.
pub(crate) fn snake(name: &str) -> String {
    let chars: Vec<char> = name.chars().collect();
    let mut out = String::with_capacity(name.len() + 4);
    for (i, &c) in chars.iter().enumerate() {
        if c.is_uppercase() && i > 0 {
            let after_word = chars[i - 1].is_lowercase() || chars[i - 1].is_numeric();
            let before_word = chars.get(i + 1).is_some_and(|next| next.is_lowercase());
            if (after_word || (before_word && chars[i - 1] != '_')) && !out.ends_with('_') {
                out.push('_');
            }
        }
        out.extend(c.to_lowercase());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{Case, snake};

    #[test]
    fn snake_case_keeps_runs_of_capitals_together() {
        for (from, to) in [
            ("Upload", "upload"),
            ("ObjectStore", "object_store"),
            ("HTTPError", "http_error"),
            ("NotFound404", "not_found404"),
            ("S3Bucket", "s3_bucket"),
            ("A", "a"),
            ("already_snake", "already_snake"),
            ("Mixed_Name", "mixed_name"),
        ] {
            assert_eq!(snake(from), to);
        }
    }

    #[test]
    fn every_accepted_rename_converts() {
        let all = Case::NAMES.map(|name| Case::from_name(name).unwrap().apply("ObjectStore"));
        assert_eq!(
            all,
            [
                "objectstore",
                "OBJECTSTORE",
                "ObjectStore",
                "objectStore",
                "object_store",
                "OBJECT_STORE",
                "object-store"
            ]
        );
        assert_eq!(Case::from_name("SnakeCase"), None);
    }
}
