use rmcp::{tool, tool_router};

struct Engine;

#[obs::observed]
#[tool_router(server_handler)]
impl Engine {
    #[tool(name = "import")]
    async fn first(&self) -> String {
        String::new()
    }

    #[tool]
    async fn import(&self) -> String {
        String::new()
    }

    #[tool(name = "_other")]
    async fn third(&self) -> String {
        String::new()
    }

    #[tool(name = "vor\"wärts")]
    async fn fourth(&self) -> String {
        String::new()
    }
}

fn main() {}
