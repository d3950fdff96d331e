#[derive(obs::Label, Clone, Copy)]
#[label(crate = "obs")]
enum Source {
    Upload,
}

fn main() {}
