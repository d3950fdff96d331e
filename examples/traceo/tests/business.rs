//! No line of business knows about telemetry, beyond attributes, derives and declared metrics.

use std::fs;
use std::path::{Path, PathBuf};

/// What may know about telemetry: where the application's words for it are, the declared metrics,
/// and the start.
const TELEMETRY: [&str; 3] = ["telemetry", "metrics", "main.rs"];

const FORBIDDEN: [&str; 4] = ["tracing::", "sentry::", "metrics::", "obs::"];

#[test]
fn business_modules_name_no_telemetry_beyond_attributes_and_declared_metrics() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let mut looked_at = 0;
    for file in files(&source) {
        let name = file.strip_prefix(&source).unwrap();
        let is_test = name.file_stem().is_some_and(|stem| stem == "tests");
        if is_test || TELEMETRY.iter().any(|known| name.starts_with(known)) {
            continue;
        }
        looked_at += 1;
        let text = without_attributes_and_comments(&fs::read_to_string(&file).unwrap());
        for (line, number) in text.lines().zip(1..) {
            // The metrics that this program declares.
            let line = line
                .replace("crate::metrics::", "")
                .replace("obs::metrics!", "");
            if FORBIDDEN.iter().any(|word| names(&line, word)) {
                found.push(format!("{}:{number}: {}", name.display(), line.trim()));
            }
        }
    }
    assert!(looked_at > 30, "{looked_at} files were looked at");
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn what_the_test_above_looks_for_is_found() {
    let text = "#[obs::observed(name = \"a\")]\n#[derive(\n    obs::Label,\n)]\nfn f() { tracing::info!(\"x\"); } // obs::x";
    let text = without_attributes_and_comments(text);
    assert!(!text.contains("obs::"), "{text}");
    assert!(names(&text, "tracing::"), "{text}");
    assert!(!names("jobs::list()", "obs::"));
}

#[test]
fn fifteen_types_of_errors_have_codes_by_derive_and_answer_by_derive_alone() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (mut types, mut by_hand) = (0, Vec::new());
    for file in files(&source) {
        let text = fs::read_to_string(&file).unwrap();
        let name = file.display();
        for line in text.lines().map(str::trim) {
            // The errors of the command line answer nobody but the terminal.
            let is_error = line.starts_with("#[derive(") && line.contains("obs::ErrorLabel");
            types += usize::from(is_error && line.contains("thiserror::Error"));
            let answers = [
                "IntoContents",
                "IntoResponse",
                "IntoCallToolResult",
                "ErrorLabel",
            ];
            if answers
                .iter()
                .any(|answer| line.contains(&format!("{answer} for ")))
            {
                by_hand.push(format!("{name}: {line}"));
            }
        }
    }
    // With `CsvError`, whose code is a label of its own.
    assert_eq!(types + 1, 15);
    assert!(by_hand.is_empty(), "{by_hand:#?}");
}

/// Whether a path begins with the word.
fn names(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        before.is_none_or(|before| !before.is_alphanumeric() && before != '_')
    })
}

/// Keeps the lines, so that their numbers are right.
fn without_attributes_and_comments(text: &str) -> String {
    let mut kept = String::new();
    let mut depth = 0_u32;
    for line in text.lines() {
        let code = line.split("//").next().unwrap_or("");
        let mut rest = code;
        while !rest.is_empty() {
            if depth == 0 {
                let (before, behind) = match rest.find("#[") {
                    Some(at) => (&rest[..at], &rest[at + 2..]),
                    None => (rest, ""),
                };
                kept.push_str(before);
                if before.len() < rest.len() {
                    depth = 1;
                }
                rest = behind;
            } else {
                let Some(at) = rest.find(['[', ']']) else {
                    break;
                };
                if rest[at..].starts_with('[') {
                    depth += 1;
                } else {
                    depth -= 1;
                }
                rest = &rest[at + 1..];
            }
        }
        kept.push('\n');
    }
    kept
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}
