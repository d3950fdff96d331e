#![deny(warnings)]

fn main() {
    const TEAPOT: u16 = 418;

    #[derive(Debug, obs::ErrorLabel, obs::ProblemError)]
    enum JobError {
        #[problem(status = TEAPOT)]
        Teapot,
        #[deprecated]
        #[problem(status = 500)]
        Old,
    }

    impl std::fmt::Display for JobError {
        fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            Ok(())
        }
    }

    impl std::error::Error for JobError {}

    #[allow(deprecated)]
    let errors = [JobError::Teapot, JobError::Old];
    assert_eq!(errors.map(|error| obs::ProblemError::status(&error).as_u16()), [418, 500]);
}
