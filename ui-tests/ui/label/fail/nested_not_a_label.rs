#[derive(obs::ErrorLabel)]
enum QueryError {
    Timeout,
    #[label(nested)]
    Syntax(String),
}

fn main() {}
