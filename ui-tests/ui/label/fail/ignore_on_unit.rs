#[derive(obs::Label, Clone, Copy)]
enum Source {
    #[label(ignore)]
    Upload,
    #[label(nested)]
    Webhook,
}

fn main() {}
