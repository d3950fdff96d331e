#[derive(obs::Label, Clone, Copy)]
enum Source {
    #[label(value = S3)]
    ObjectStore,
}

fn main() {}
