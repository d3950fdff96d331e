#[derive(obs::Label, Clone, Copy)]
#[label(rename_all = "snake", crate = obs, lable)]
enum Source {
    Upload,
    #[label(value = "upload")]
    Again,
    #[label(value = "")]
    Empty,
    #[label(value = "a\"b")]
    Quote,
    Data(u8),
    #[label(nested)]
    Unit,
    #[label(value = 5)]
    Number,
    #[label()]
    Nothing,
}

fn main() {}
