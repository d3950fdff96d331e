#[derive(obs::Label, Clone, Copy)]
enum Source {
    Upload,
    #[label(ignore, nested)]
    Paid(bool),
}

fn main() {}
