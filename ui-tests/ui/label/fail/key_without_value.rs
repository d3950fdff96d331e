#[derive(obs::Label, Clone, Copy)]
#[label(rename_all)]
enum Source {
    #[label(value("s3"))]
    ObjectStore,
}

fn main() {}
