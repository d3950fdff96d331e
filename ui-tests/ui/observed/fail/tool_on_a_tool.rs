use rmcp::{tool, tool_handler, tool_router};

struct Engine;

#[tool_router]
impl Engine {
    #[obs::observed(tool)]
    #[tool]
    async fn first(&self) -> String {
        String::new()
    }

    #[obs::observed(name = "zweite")]
    #[tool]
    async fn second(&self) -> String {
        String::new()
    }

    #[tool]
    #[obs::observed(tool = "")]
    async fn third(&self) -> String {
        String::new()
    }
}

#[tool_handler]
impl rmcp::ServerHandler for Engine {}

fn main() {}
