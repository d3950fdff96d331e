const FOUND: u16 = 302;

#[derive(Debug, obs::ErrorLabel, obs::ProblemError)]
enum JobError {
    #[problem(status = FOUND)]
    Found,
    #[problem(status = http::StatusCode::OK)]
    Fine,
}

impl std::fmt::Display for JobError {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        Ok(())
    }
}

impl std::error::Error for JobError {}

fn main() {}
