#[derive(obs::Label, Clone, Copy)]
enum Source {
    #[label(value = "s3")]
    #[label(value = "object_store")]
    ObjectStore,
}

fn main() {}
