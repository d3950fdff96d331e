#![deny(warnings)]

use rmcp::handler::server::router::tool::ToolRouter;
use rmcp::model::{PromptMessage, ServerConfig};
use rmcp::{ServerHandler, prompt, prompt_handler, prompt_router, tool, tool_handler, tool_router};

pub struct Above;

#[obs::observed]
#[tool_router(router = tools, vis = "pub(crate)", server_handler)]
impl Above {
    #[tool]
    async fn a(&self) -> String {
        String::new()
    }
}

pub struct Below;

#[tool_router(server_handler)]
#[obs::observed]
impl Below {
    #[tool]
    async fn a(&self) -> String {
        String::new()
    }
}

pub struct Kept {
    router: ToolRouter<Self>,
}

#[obs::observed]
#[tool_router]
impl Kept {
    pub fn new() -> Self {
        Self { router: Self::tool_router() }
    }

    #[tool]
    async fn a(&self) -> String {
        String::new()
    }
}

#[obs::observed]
#[tool_handler(router = self.router, name = "kept", instructions = "Ask.")]
impl ServerHandler for Kept {}

pub struct Both;

#[obs::observed]
#[tool_router]
#[prompt_router]
impl Both {
    #[tool]
    async fn a(&self) -> String {
        String::new()
    }

    #[prompt]
    async fn b(&self) -> Vec<PromptMessage> {
        Vec::new()
    }
}

#[obs::observed]
#[tool_handler]
#[prompt_handler]
impl ServerHandler for Both {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::default()
    }
}

pub struct Generic<T>(pub T);

#[obs::observed]
#[tool_router]
impl<T: Clone + Send + Sync + 'static> Generic<T>
where
    T: std::fmt::Debug,
{
    #[tool]
    async fn a(&self) -> Result<String, String> {
        Err(format!("{:?}", self.0.clone()))
    }
}

#[obs::observed]
#[tool_handler]
impl<T: Clone + Send + Sync + 'static> ServerHandler for Generic<T> where T: std::fmt::Debug {}

pub struct Empty;

#[obs::observed]
#[tool_router(server_handler, allow_empty)]
impl Empty {}

fn main() {
    Above::tools();
    Kept::new();
    let local = || {
        struct Local;

        #[obs::observed]
        #[tool_router(server_handler)]
        impl Local {
            #[tool]
            async fn a(&self) -> String {
                String::new()
            }
        }

        LocalTool::A
    };
    local();
    let _ = (Below, Both, Generic(1), Empty, EmptyTool::Other);
}
