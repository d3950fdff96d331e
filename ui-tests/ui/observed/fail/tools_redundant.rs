use rmcp::{tool, tool_router};

struct Engine;
struct Other;

#[obs::observed(tools = EngineTool)]
#[tool_router(server_handler)]
impl Engine {
    #[tool]
    async fn import(&self) -> String {
        String::new()
    }
}

#[obs::observed(tools = crate::OtherTools)]
#[tool_router(server_handler)]
impl Other {
    #[tool]
    async fn import(&self) -> String {
        String::new()
    }
}

fn main() {}
