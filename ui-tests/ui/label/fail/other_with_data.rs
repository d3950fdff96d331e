#[derive(obs::Label, Clone, Copy)]
enum Plan {
    Free,
    #[label(ignore)]
    Trial(u8),
    #[label(other)]
    Unknown,
}

fn main() {
    let _ = Plan::from_str_or_other("free");
}
