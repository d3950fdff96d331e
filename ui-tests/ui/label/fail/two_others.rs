#[derive(obs::Label, Clone, Copy)]
enum Plan {
    Free,
    #[label(other)]
    Unknown,
    #[label(other)]
    Else,
}

fn main() {}
