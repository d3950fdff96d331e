#[derive(obs::Label, Clone, Copy)]
struct Route {
    _id: u32,
}

fn main() {}
