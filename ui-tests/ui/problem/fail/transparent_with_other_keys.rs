#[derive(Debug, obs::ErrorLabel, obs::ProblemError)]
enum JobError {
    #[problem(transparent, status = 500, detail)]
    Io(InnerError),
}

#[derive(Debug, obs::ErrorLabel, obs::ProblemError)]
enum InnerError {
    #[problem(status = 500)]
    Broken,
}

impl std::fmt::Display for InnerError {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        Ok(())
    }
}

impl std::error::Error for InnerError {}

impl std::fmt::Display for JobError {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        Ok(())
    }
}

impl std::error::Error for JobError {}

fn main() {}
