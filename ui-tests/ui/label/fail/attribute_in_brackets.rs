#[derive(obs::Label, Clone, Copy)]
enum Source {
    #[label[value = "s3"]]
    ObjectStore,
}

fn main() {}
