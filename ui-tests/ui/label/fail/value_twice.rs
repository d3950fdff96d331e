#[derive(obs::Label, Clone, Copy)]
enum Source {
    S3,
    #[label(value = "s3")]
    ObjectStore,
}

fn main() {}
