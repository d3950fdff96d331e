#[derive(Debug, obs::ErrorLabel, obs::ProblemError)]
enum JobError {
    #[label(ignore)]
    #[problem(transparent)]
    Io(std::io::Error),
}

impl std::fmt::Display for JobError {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        Ok(())
    }
}

impl std::error::Error for JobError {}

fn main() {}
