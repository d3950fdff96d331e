#[derive(obs::Label, Clone, Copy)]
#[label(rename_all = "lowercase")]
enum Source {
    ObjectStore,
    Objectstore,
}

fn main() {}
