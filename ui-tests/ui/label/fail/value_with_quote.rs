#[derive(obs::Label, Clone, Copy)]
enum Size {
    #[label(value = "2\" pipe")]
    Pipe,
}

fn main() {}
