use rmcp::{ServerHandler, tool, tool_handler, tool_router};

struct Engine;

#[tool_router]
impl Engine {
    #[tool]
    async fn import(&self) -> String {
        String::new()
    }
}

#[obs::observed]
#[tool_handler]
impl ServerHandler for Engine {}

fn main() {}
