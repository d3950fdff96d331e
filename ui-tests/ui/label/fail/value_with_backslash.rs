#[derive(obs::Label, Clone, Copy)]
enum Drive {
    #[label(value = r"C:\")]
    System,
}

fn main() {}
