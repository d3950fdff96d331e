#[derive(obs::Label, Clone, Copy)]
enum Source {
    #[label()]
    Upload,
}

fn main() {}
