#[derive(obs::ErrorLabel)]
union Bits {
    _a: u32,
    _b: f32,
}

fn main() {}
