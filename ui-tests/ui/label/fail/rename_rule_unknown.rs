#[derive(obs::Label, Clone, Copy)]
#[label(rename_all = "Train-Case")]
enum Source {
    Upload,
}

fn main() {}
