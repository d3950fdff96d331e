#[derive(Debug, obs::ErrorLabel, obs::ProblemError)]
enum JobError {
    NotFound,
}

#[derive(Debug, obs::ErrorLabel, obs::ProblemError)]
enum OuterError {
    #[problem(transparent)]
    Job(JobError),
}

impl std::fmt::Display for OuterError {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        Ok(())
    }
}

impl std::error::Error for OuterError {}

fn answer(error: OuterError) -> obs::Problem {
    obs::Problem::from(&error).code(JobError::NotFound.to_string())
}

impl std::fmt::Display for JobError {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        Ok(())
    }
}

impl std::error::Error for JobError {}

fn main() {}
