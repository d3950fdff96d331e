#[obs::test]
struct Shop;

fn main() {}
