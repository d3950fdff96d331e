#[derive(obs::Label, Clone, Copy)]
enum Source {
    Upload,
    #[label(nested, value = "paid")]
    Paid(bool),
}

fn main() {}
