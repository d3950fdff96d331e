//! What is committed is what the declarations make, whoever makes it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn artifacts(arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_traceo"))
        .arg("artifacts")
        .args(arguments)
        .envs(variables.iter().copied())
        .output()
        .expect("it runs")
}

fn said(output: &Output) -> String {
    let (out, error) = (&output.stdout, &output.stderr);
    String::from_utf8_lossy(out).into_owned() + &String::from_utf8_lossy(error)
}

/// Every file below a folder, by its path there.
fn tree(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let below = path.strip_prefix(folder).expect("below").to_owned();
                files.insert(below, fs::read(&path).expect("a file"));
            }
        }
    }
    files
}

fn made(variables: &[(&str, &str)]) -> BTreeMap<PathBuf, Vec<u8>> {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path().to_str().expect("a path of letters");
    let output = artifacts(&[root], variables);
    assert!(output.status.success(), "{}", said(&output));
    tree(folder.path())
}

#[test]
fn the_same_declarations_make_the_same_bytes_whatever_the_surroundings() {
    let first = made(&[]);
    assert!(first.contains_key(Path::new("docs/metrics.md")));
    assert!(first.contains_key(Path::new("deploy/catalogue/traceo-mcp.json")));
    let others = [
        &[][..],
        &[
            ("OBS_ENV", "dev"),
            ("OTEL_SERVICE_NAME", "another"),
            ("OTEL_RESOURCE_ATTRIBUTES", "service.version=9"),
            ("HOME", "/nowhere"),
            ("LANG", "tr_TR.UTF-8"),
            ("TZ", "Asia/Kathmandu"),
            ("SENTRY_DSN", "http://k@127.0.0.1:1/1"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "127.0.0.1:1"),
            ("DATABASE_URL", "postgres://127.0.0.1:1/x"),
        ],
    ];
    for variables in others {
        let again = made(variables);
        let differing: Vec<_> = first
            .keys()
            .filter(|it| first.get(*it) != again.get(*it))
            .collect();
        assert!(
            differing.is_empty() && again.len() == first.len(),
            "{differing:?}"
        );
    }
}

#[test]
fn a_difference_is_shown_with_its_place_and_the_command_that_mends_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path().to_str().expect("a path of letters");
    let path = |it: &str| folder.path().join(it);
    assert!(artifacts(&[root], &[]).status.success());
    let fine = artifacts(&["--check", root], &[]);
    assert_eq!((fine.status.code(), said(&fine)), (Some(0), String::new()));

    let page = fs::read_to_string(path("docs/metrics.md")).expect("a page");
    let edited = page.replacen("# Metrics", "# Numbers", 1);
    fs::write(path("docs/metrics.md"), edited).expect("it can be edited");
    fs::remove_file(path("deploy/catalogue/traceo-mcp.json")).expect("it can be removed");
    let output = artifacts(&["--check", root], &[]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        said(&output),
        "not what the declarations make:\n\
         - deploy/catalogue/traceo-mcp.json: missing\n\
         - docs/metrics.md:3: different\n\n\
         fix: cargo run -p traceo -- artifacts .\n"
    );
}

#[test]
fn what_breaks_since_a_catalogue_was_saved_is_told_with_exit_code_1() {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path().to_str().expect("a path of letters");
    let nothing = artifacts(&["--diff", root], &[]);
    assert_eq!(nothing.status.code(), Some(2), "{}", said(&nothing));

    assert!(artifacts(&[root], &[]).status.success());
    let same = artifacts(&["--diff", root], &[]);
    assert_eq!(
        (same.status.code(), said(&same)),
        (Some(0), "nothing changed\n".to_owned())
    );

    let saved = folder.path().join("deploy/catalogue/traceo-engine.json");
    let text = fs::read_to_string(&saved).expect("a catalogue");
    // As if it had been taken away since.
    let text = text.replacen("\"upload\"", "\"carrier_pigeon\"", 1);
    fs::write(&saved, text).expect("it can be edited");
    let output = artifacts(&["--diff", root], &[]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    let told = said(&output);
    assert!(
        told.contains("value removed from label `source`: carrier_pigeon"),
        "{told}"
    );
}
