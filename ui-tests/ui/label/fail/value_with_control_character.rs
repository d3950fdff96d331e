#[derive(obs::Label, Clone, Copy)]
enum Source {
    #[label(value = "bell\x07")]
    Upload,
}

fn main() {}
