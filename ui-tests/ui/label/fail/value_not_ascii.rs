#[derive(obs::Label, Clone, Copy)]
enum Source {
    #[label(value = "naïve")]
    Upload,
}

fn main() {}
