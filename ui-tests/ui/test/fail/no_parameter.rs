#[obs::test]
async fn sells() {}

fn main() {}
