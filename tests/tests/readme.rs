//! The README's two commands are there, and what CI runs.

use std::fs;

use obs_tests::real::workspace;

fn read(path: &str) -> String {
    let path = workspace().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The first block of shell commands: what a newcomer pastes.
fn commands(readme: &str) -> Vec<&str> {
    let block = readme
        .split("```sh\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next())
        .expect("the README starts with a block of shell commands");
    block
        .lines()
        .map(|line| line.split(" #").next().unwrap_or_default().trim())
        .filter(|line| !line.is_empty())
        .collect()
}

#[test]
fn the_first_screen_of_the_readme_holds_two_commands() {
    let readme = read("README.md");
    let first_screen: Vec<&str> = readme.lines().take(40).collect();
    let commands = commands(&readme);
    assert_eq!(commands, ["cargo run -p traceo", "cargo test"]);
    for command in commands {
        assert!(
            first_screen.iter().any(|line| line.contains(command)),
            "{command}"
        );
    }
}

#[test]
fn ci_runs_the_readmes_test_command() {
    let script = read(".ci/run");
    let runs = |command: &str| {
        script
            .lines()
            .any(|line| line.trim_start().starts_with(command))
    };
    assert!(
        runs("step 'the README'\\''s test command' cargo test"),
        ".ci/run does not"
    );
    assert!(read(".github/workflows/ci.yml").contains("run: .ci/run"));
}
