#[derive(obs::ErrorLabel)]
enum Failure<'a> {
    #[label(ignore)]
    Near(&'a str),
}

fn main() {}
