#[derive(Debug, obs::ErrorLabel, obs::ProblemError)]
enum JobError {
    #[problem(status = 200)]
    Fine,
    #[problem(status = 600)]
    Odd,
    #[problem(status = 70000)]
    Huge,
}

impl std::fmt::Display for JobError {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        Ok(())
    }
}

impl std::error::Error for JobError {}

fn main() {}
