#[derive(obs::Label, Clone, Copy)]
enum Source {
    #[label]
    Upload,
    #[label = "s3"]
    ObjectStore,
}

fn main() {}
