//! Builds every program under `ui/`: those in `fail` must be refused, those in `pass` must compile.
//!
//! The texts of rustc change from release to release, so they are compared on the release that
//! `TOOLCHAIN` names; on any other only the verdicts count. `OBS_UI=part/of/a/path` picks programs,
//! and `TRYBUILD=overwrite` writes new texts, to be read before they are committed.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use trybuild::TestCases;

#[test]
fn programs_that_must_not_compile_are_refused_with_the_text_that_was_reviewed() {
    if is_toolchain_of_the_texts() {
        refuse(&programs("fail"));
        return;
    }
    // Where there is no text to compare with, trybuild writes one; that mode is for the process.
    let status = Command::new(env::current_exe().unwrap())
        .args(["--exact", "copies_without_texts_are_refused", "--ignored"])
        .env("TRYBUILD", "overwrite")
        .status()
        .unwrap();
    assert!(status.success());
}

#[test]
#[ignore = "run by the test above on other toolchains"]
fn copies_without_texts_are_refused() {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("ui");
    let copies: Vec<PathBuf> = programs("fail")
        .iter()
        .map(|program| {
            let copy = root.join(program.strip_prefix("ui").unwrap());
            fs::create_dir_all(copy.parent().unwrap()).unwrap();
            fs::copy(program, &copy).unwrap();
            drop(fs::remove_file(copy.with_extension("stderr")));
            copy
        })
        .collect();
    refuse(&copies);
}

#[test]
fn programs_that_must_compile_do() {
    let cases = TestCases::new();
    for program in programs("pass") {
        cases.pass(program);
    }
}

fn refuse(programs: &[PathBuf]) {
    let cases = TestCases::new();
    for program in programs {
        cases.compile_fail(program);
    }
}

/// Finds `ui/*/<verdict>/*.rs`, in order.
fn programs(verdict: &str) -> Vec<PathBuf> {
    let picked = env::var("OBS_UI").unwrap_or_default();
    let mut programs: Vec<PathBuf> = fs::read_dir("ui")
        .unwrap()
        .filter_map(|macro_dir| fs::read_dir(macro_dir.unwrap().path().join(verdict)).ok())
        .flatten()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|it| it == "rs"))
        .filter(|path| path.to_string_lossy().contains(&picked))
        .collect();
    programs.sort();
    programs
}

fn is_toolchain_of_the_texts() -> bool {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let version = Command::new(rustc).arg("-V").output().unwrap();
    let version = String::from_utf8(version.stdout).unwrap();
    let written_with = fs::read_to_string("TOOLCHAIN").unwrap();
    version.split_whitespace().nth(1) == Some(written_with.trim())
}
