#[derive(obs::Label, Clone, Copy)]
enum Source {
    #[label(value = "s3" other)]
    ObjectStore,
}

fn main() {}
