#[derive(obs::Label, Clone, Copy)]
enum Source {
    Upload,
    #[label(nested)]
    Paid(bool, bool),
}

fn main() {}
