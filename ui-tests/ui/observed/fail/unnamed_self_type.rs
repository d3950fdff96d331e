use rmcp::{ServerHandler, tool_handler};

trait Named {}

#[obs::observed]
#[tool_handler]
impl ServerHandler for [u8; 4] {}

#[obs::observed]
#[rmcp::tool_router(allow_empty)]
impl dyn Named {}

fn main() {}
