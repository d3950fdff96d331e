#[derive(obs::Label, Clone, Copy)]
enum Source {
    Upload,
    #[label(other = true)]
    Unknown,
}

fn main() {
    let _ = Source::from_str_or_other("upload");
}
