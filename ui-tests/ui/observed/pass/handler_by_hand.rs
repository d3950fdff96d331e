#![deny(warnings)]

use std::future::Future;

use rmcp::model::{CallToolRequestParams, CallToolResponse, CallToolResult};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer, ServerHandler};

mod tools {
    #[derive(obs::Label, Clone, Copy)]
    pub enum Known {
        Import,
        #[label(other)]
        Unknown,
    }
}

pub struct First;

#[obs::observed(tools = tools::Known)]
impl ServerHandler for First {
    async fn call_tool(
        &self,
        CallToolRequestParams { name, .. }: CallToolRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        match &*name {
            "import" => Ok(CallToolResult::success(vec![]).into()),
            _ => Err(ErrorData::invalid_params("tool not found", None)),
        }
    }
}

pub struct Second;

#[obs::observed(tools = crate::tools::Known)]
impl ServerHandler for Second {
    fn call_tool(
        &self,
        _: CallToolRequestParams,
        mut context: RequestContext<RoleServer>,
    ) -> impl Future<Output = Result<CallToolResponse, ErrorData>> + Send + '_ {
        context.extensions = Default::default();
        async move {
            context.ct.cancelled().await;
            Ok(CallToolResult::success(vec![]).into())
        }
    }
}

fn main() {
    let _ = (First, Second, tools::Known::Import, tools::Known::Unknown);
}
