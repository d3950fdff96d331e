#[derive(obs::Label, Clone, Copy)]
enum Source {
    #[label(value = "")]
    Unknown,
}

fn main() {}
