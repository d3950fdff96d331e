#[derive(obs::Label, Clone, Copy)]
enum Nothing {}

fn main() {}
