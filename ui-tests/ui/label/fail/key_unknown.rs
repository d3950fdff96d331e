#[derive(obs::Label, Clone, Copy)]
enum Source {
    #[label(rename = "s3")]
    ObjectStore,
}

fn main() {}
