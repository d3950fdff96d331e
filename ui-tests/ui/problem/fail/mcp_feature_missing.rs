obs::__private::problem_mcp_without_feature! {}

fn main() {}
