#[derive(obs::Label, Clone, Copy)]
enum Source {
    #[label(value = "two\nlines")]
    Upload,
}

fn main() {}
