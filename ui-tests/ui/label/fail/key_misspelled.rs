#[derive(obs::Label, Clone, Copy)]
#[label(renameall = "snake_case")]
enum Source {
    #[label(valeu = "s3")]
    ObjectStore,
}

fn main() {}
