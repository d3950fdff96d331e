#[derive(obs::ProblemError)]
union Bits {
    int: u32,
    float: f32,
}

impl obs::ErrorLabel for Bits {
    const VALUES: &'static [&'static str] = &["bits"];

    fn index(&self) -> usize {
        0
    }
}

impl std::fmt::Debug for Bits {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        Ok(())
    }
}

impl std::fmt::Display for Bits {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        Ok(())
    }
}

impl std::error::Error for Bits {}

fn main() {}
