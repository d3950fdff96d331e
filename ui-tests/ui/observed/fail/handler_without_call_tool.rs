use rmcp::ServerHandler;

struct Engine;

#[obs::observed]
impl ServerHandler for Engine {}

fn main() {}
