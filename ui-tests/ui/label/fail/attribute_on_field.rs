#[derive(obs::ErrorLabel)]
enum QueryError {
    Timeout,
    #[label(ignore)]
    Syntax(#[label(nested)] String),
}

fn main() {}
