//! The prompts.

use rmcp::handler::server::wrapper::Parameters;
use rmcp::model::{ContentBlock, PromptMessage, Role};
use rmcp::{prompt, prompt_router};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::content::{PNG, resource};
use crate::handler::Conformance;

#[derive(Deserialize, JsonSchema)]
pub(crate) struct Two {
    /// The first argument.
    arg1: String,
    /// The second argument.
    arg2: String,
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Embedded {
    /// The resource to embed.
    resource_uri: String,
}

#[cfg_attr(feature = "observed", obs::observed)]
#[prompt_router(vis = "pub(crate)")]
impl Conformance {
    #[prompt(description = "Has no arguments")]
    async fn test_simple_prompt(&self) -> Vec<PromptMessage> {
        vec![PromptMessage::new_text(
            Role::User,
            "This is a simple prompt for testing.",
        )]
    }

    #[prompt(description = "Has two arguments")]
    async fn test_prompt_with_arguments(
        &self,
        Parameters(Two { arg1, arg2 }): Parameters<Two>,
    ) -> Vec<PromptMessage> {
        vec![PromptMessage::new_text(
            Role::User,
            format!("Prompt with arguments: arg1='{arg1}', arg2='{arg2}'"),
        )]
    }

    #[prompt(description = "Embeds a resource")]
    async fn test_prompt_with_embedded_resource(
        &self,
        Parameters(Embedded { resource_uri }): Parameters<Embedded>,
    ) -> Vec<PromptMessage> {
        let embedded = resource(
            &resource_uri,
            "text/plain",
            "Embedded resource content for testing.",
        );
        vec![
            PromptMessage::new(Role::User, ContentBlock::resource(embedded)),
            PromptMessage::new_text(Role::User, "Please process the embedded resource above."),
        ]
    }

    #[prompt(description = "Shows an image")]
    async fn test_prompt_with_image(&self) -> Vec<PromptMessage> {
        vec![
            PromptMessage::new(Role::User, ContentBlock::image(PNG, "image/png")),
            PromptMessage::new_text(Role::User, "Please analyze the image above."),
        ]
    }
}
