#[derive(Debug, obs::ErrorLabel, obs::ProblemError)]
#[problem(mcp = true)]
enum JobError {
    #[problem(status = 404)]
    NotFound,
}

impl std::fmt::Display for JobError {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        Ok(())
    }
}

impl std::error::Error for JobError {}

fn main() {
    let _ = rmcp::ErrorData::from(JobError::NotFound);
}
