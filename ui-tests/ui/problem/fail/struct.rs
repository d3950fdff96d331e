#[derive(Debug, obs::ProblemError)]
#[problem(crate = ::obs)]
struct NotFound;

impl obs::ErrorLabel for NotFound {
    const VALUES: &'static [&'static str] = &["not_found"];

    fn index(&self) -> usize {
        0
    }
}

impl std::fmt::Display for NotFound {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        Ok(())
    }
}

impl std::error::Error for NotFound {}

fn main() {}
