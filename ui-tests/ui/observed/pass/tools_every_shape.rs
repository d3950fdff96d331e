#![deny(warnings)]

use rmcp::handler::server::wrapper::Parameters;
use rmcp::model::{CallToolResponse, CallToolResult};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, Json, RoleServer, tool, tool_router};

#[derive(serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
pub struct Args {
    a: u32,
}

pub struct Engine;

type ToolResult = Result<CallToolResult, ErrorData>;

#[obs::observed]
#[tool_router(server_handler)]
impl Engine {
    #[tool(description = "text")]
    async fn text(&self, Parameters(Args { a }): Parameters<Args>) -> String {
        a.to_string()
    }

    #[tool]
    fn sync(&self, args: Parameters<Args>, _context: RequestContext<RoleServer>) -> Json<Args> {
        Json(args.0)
    }

    #[obs::observed]
    #[tool(name = "above")]
    async fn above(&self) -> Result<Json<Args>, String> {
        Ok(Json(Args { a: 1 }))
    }

    #[tool(name = "below")]
    #[obs::observed]
    async fn below(&self) -> ToolResult {
        Ok(CallToolResult::success(vec![]))
    }

    #[tool]
    #[obs::observed(fields(a = 1))]
    fn below_sync(&self) -> Result<CallToolResponse, ErrorData> {
        Ok(CallToolResult::success(vec![]).into())
    }

    #[tool]
    async fn without_a_receiver() -> String {
        String::new()
    }

    #[tool]
    async fn nothing(&self) {}

    #[tool]
    async fn with_a_lifetime<'a>(&'a self) -> String {
        String::new()
    }

    fn no_tool(&self) -> u8 {
        1
    }

    const LIMIT: u8 = 3;
}

fn main() {
    assert!(Engine.no_tool() < Engine::LIMIT);
    let all = [EngineTool::Text, EngineTool::WithoutAReceiver, EngineTool::Other];
    assert_eq!(all.map(EngineTool::as_str), ["text", "without_a_receiver", "_other"]);
}
