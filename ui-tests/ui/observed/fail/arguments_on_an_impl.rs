use rmcp::{tool, tool_router};

struct Engine;

#[obs::observed(name = "engine", fields(a = 1), slo(at = 0.5, target = 99.0), buckets = [1.0], record(x()), tool)]
#[tool_router(server_handler)]
impl Engine {
    #[tool]
    async fn import(&self) -> String {
        String::new()
    }
}

fn main() {}
