#[derive(obs::Label, Clone, Copy)]
#[label(rename_all = "snakecase")]
enum Source {
    Upload,
}

fn main() {}
