use rmcp::model::PromptMessage;
use rmcp::{prompt, prompt_router};

struct Engine;

#[obs::observed(tools = EngineTool)]
#[prompt_router]
impl Engine {
    #[prompt]
    async fn greet(&self) -> Vec<PromptMessage> {
        Vec::new()
    }
}

fn main() {}
