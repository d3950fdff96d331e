#[derive(Debug, obs::ErrorLabel, obs::ProblemError)]
enum JobError {
    #[problem(statsu = 404)]
    NotFound,
    #[problem(status = 404, code = "gone")]
    Gone,
}

impl std::fmt::Display for JobError {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        Ok(())
    }
}

impl std::error::Error for JobError {}

fn main() {}
