#[derive(obs::Label, Clone, Copy)]
enum Ort {
    Köln,
}

fn main() {}
