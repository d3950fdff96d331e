use rmcp::model::{CallToolRequestParams, CallToolResponse};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer, ServerHandler, tool, tool_router};

struct Engine;

macro_rules! engine {
    () => {
        Engine
    };
}

#[obs::observed]
#[tool_router]
impl engine!() {
    #[tool]
    async fn import(&self) -> String {
        String::new()
    }
}

#[obs::observed]
impl ServerHandler for &'static Engine {
    async fn call_tool(
        &self,
        _: CallToolRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        Err(ErrorData::internal_error("no", None))
    }
}

fn main() {}
