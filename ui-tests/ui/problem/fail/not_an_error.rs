#[derive(Debug, obs::ErrorLabel, obs::ProblemError)]
enum JobError {
    #[problem(status = 404)]
    NotFound,
}

fn main() {}
