//! The README says what is so.

use std::fs;
use std::path::Path;

fn project(file: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    fs::read_to_string(root.join(file)).unwrap()
}

/// Returns the README's fenced blocks of one language.
fn blocks(language: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut open: Option<(bool, String)> = None;
    for line in project("README.md").lines() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(name)) => open = Some((name == language, String::new())),
            (Some((wanted, block)), Some(_)) => {
                if *wanted {
                    blocks.push(std::mem::take(block));
                }
                open = None;
            }
            (Some((_, block)), None) => {
                block.push_str(line);
                block.push('\n');
            }
            (None, None) => {}
        }
    }
    blocks
}

#[test]
fn the_refusals_are_what_the_compiler_says() {
    let said = ["tenant", "budget"]
        .map(|program| project(&format!("ui-tests/ui/readme/fail/{program}.stderr")));
    let shown: Vec<_> = blocks("text")
        .into_iter()
        .filter(|block| block.starts_with("error"))
        .collect();
    assert_eq!(shown.len(), said.len());
    for (shown, said) in shown.iter().zip(&said) {
        assert!(
            said.starts_with(shown.trim_end()),
            "README:\n{shown}\ncompiler:\n{said}"
        );
    }
}

#[test]
fn the_first_screen_holds_the_two_commands() {
    let first = blocks("sh").remove(0);
    assert!(first.contains("cargo run -p traceo "), "{first}");
    assert!(first.contains("cargo test "), "{first}");
    let before = project("README.md").find("```sh").unwrap();
    assert!(project("README.md")[..before].lines().count() < 12);
}

#[test]
fn the_test_command_is_the_one_that_ci_runs() {
    let ci = project(".ci/run");
    assert!(
        ci.lines()
            .any(|line| line.contains("README") && line.ends_with(" cargo test")),
        "{ci}"
    );
}

#[test]
fn the_client_configuration_is_json() {
    for block in blocks("json") {
        serde_json::from_str::<serde_json::Value>(&block).unwrap();
    }
}

/// The README's test, word for word; its programs are compiled, but a test in one is not run.
mod shown {
    #[derive(obs::ErrorLabel, Debug)]
    enum SyncError {
        Timeout,
    }

    #[obs::observed(fields(account))]
    fn reconcile(account: u64) -> Result<(), SyncError> {
        if account == 0 {
            Err(SyncError::Timeout)
        } else {
            Ok(())
        }
    }

    #[test]
    fn a_timeout_is_counted_by_kind() {
        let capture = obs::test::capture();
        capture.run_sync(|| reconcile(0)).unwrap_err();
        capture.assert_changed(&[
            (
                r#"operation_calls_total{operation="reconcile",outcome="error"}"#,
                1.0,
            ),
            (
                r#"operation_duration_seconds_count{operation="reconcile",result="failed"}"#,
                1.0,
            ),
            (
                r#"operation_errors_total{operation="reconcile",error="timeout"}"#,
                1.0,
            ),
        ]);
    }
}
