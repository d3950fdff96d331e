#[derive(obs::ErrorLabel)]
enum QueryError {
    Timeout,
    Syntax(String),
}

fn main() {}
