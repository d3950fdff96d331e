#[derive(obs::ErrorLabel)]
enum Failure<E> {
    #[label(ignore)]
    Inner(E),
    Other,
}

fn main() {}
