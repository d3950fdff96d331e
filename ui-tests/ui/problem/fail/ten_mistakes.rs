#[derive(Debug, obs::ErrorLabel, obs::ProblemError)]
#[problem(crate = obs)]
enum JobError {
    NotFound,
    #[problem(status = 99)]
    Odd,
    #[problem(status = "500")]
    Text,
    #[problem(status = 404, title = "")]
    Empty,
    #[problem(status = 404, type = "a b")]
    Spaced,
    #[problem(status = 503, retry_after = 1.5)]
    Half,
    #[problem(transparent)]
    Nothing,
    #[problem(stauts = 500)]
    Misspelled,
    #[problem(status)]
    NoValue,
    #[problem(status = 500, status = 501)]
    Twice,
}

impl std::fmt::Display for JobError {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        Ok(())
    }
}

impl std::error::Error for JobError {}

fn main() {}
