#[obs::observed]
fn import(rows: u32) -> u32 {
    rows.
}

fn main() {
    import(1);
}
