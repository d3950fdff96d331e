use rmcp::ServerHandler;

struct Engine;

#[obs::observed(tools = EngineTool)]
impl ServerHandler for Engine {
    async fn call_tool(&self) {}
}

fn main() {}
