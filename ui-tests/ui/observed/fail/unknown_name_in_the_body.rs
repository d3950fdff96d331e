#[obs::observed]
fn import(rows: u32) -> u32 {
    rows + offset
}

#[obs::observed]
async fn wait(rows: u32) -> Result<u32, String> {
    let rows: String = rows;
    Ok(1)
}

#[obs::observed]
fn convert(text: &str) -> Result<u32, String> {
    Ok(text.parse::<u32>()?)
}

#[obs::observed]
fn wrong(text: &str) -> Result<u32, String> {
    text
}

fn main() {}
