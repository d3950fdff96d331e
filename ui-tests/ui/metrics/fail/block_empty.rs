obs::metrics! {}

fn main() {}
