#[derive(obs::Label, Clone, Copy)]
enum Source {
    #[label("s3")]
    ObjectStore,
}

fn main() {}
