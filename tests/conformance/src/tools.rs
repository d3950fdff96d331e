//! The tools that end in one call.

use std::time::Duration;

use rmcp::handler::server::wrapper::Parameters;
use rmcp::model::{
    CallToolResult, ClientCapabilities, ContentBlock, CreateMessageRequestParams, JsonObject,
    LoggingLevel, LoggingMessageNotificationParam, ProgressNotificationParam, SamplingMessage,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer, tool, tool_router};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use tokio::time::sleep;

use crate::content::{PNG, WAV, failure, object, resource, text};
use crate::elicitation;
use crate::handler::Conformance;

const STEP: Duration = Duration::from_millis(50);

#[derive(Deserialize, JsonSchema)]
pub(crate) struct Prompt {
    /// The prompt to send to the model.
    prompt: String,
}

#[derive(Deserialize, JsonSchema)]
pub(crate) struct Message {
    /// The message to show to the user.
    message: String,
}

#[derive(Deserialize, JsonSchema)]
pub(crate) struct Region {
    /// Mirrored into a request header by the client.
    #[schemars(extend("x-mcp-header" = "Region"))]
    region: String,
}

#[cfg_attr(feature = "observed", obs::observed)]
#[tool_router(vis = "pub(crate)")]
impl Conformance {
    #[tool(description = "Returns simple text")]
    #[expect(clippy::unused_self, reason = "a tool that is not async, on purpose")]
    fn test_simple_text(&self) -> CallToolResult {
        text("This is a simple text response for testing.")
    }

    #[tool(description = "Returns an image")]
    async fn test_image_content(&self) -> CallToolResult {
        CallToolResult::success(vec![ContentBlock::image(PNG, "image/png")])
    }

    #[tool(description = "Returns audio")]
    async fn test_audio_content(&self) -> CallToolResult {
        CallToolResult::success(vec![ContentBlock::audio(WAV, "audio/wav")])
    }

    #[tool(description = "Returns an embedded resource")]
    async fn test_embedded_resource(&self) -> CallToolResult {
        CallToolResult::success(vec![ContentBlock::resource(resource(
            "test://embedded-resource",
            "text/plain",
            "This is an embedded resource content.",
        ))])
    }

    #[tool(description = "Returns a text, an image and a resource")]
    async fn test_multiple_content_types(&self) -> CallToolResult {
        CallToolResult::success(vec![
            ContentBlock::text("Multiple content types test:"),
            ContentBlock::image(PNG, "image/png"),
            ContentBlock::resource(resource(
                "test://mixed-content-resource",
                "application/json",
                json!({ "test": "data", "value": 123 }).to_string(),
            )),
        ])
    }

    #[tool(description = "Always fails")]
    async fn test_error_handling(&self) -> Result<String, String> {
        Err("This tool intentionally returns an error for testing".to_owned())
    }

    #[tool(description = "Sends log messages while it runs")]
    async fn test_tool_with_logging(&self, context: RequestContext<RoleServer>) -> CallToolResult {
        for message in [
            "Tool execution started",
            "Tool processing data",
            "Tool execution completed",
        ] {
            self.log(&context, message).await;
            sleep(STEP).await;
        }
        text("Logging test completed")
    }

    #[tool(description = "Sends log messages only where the request asks for them")]
    async fn test_logging_tool(&self, context: RequestContext<RoleServer>) -> CallToolResult {
        if context.meta.log_level().is_some() {
            self.log(&context, "asked for").await;
        }
        text("Logging tool completed")
    }

    #[tool(description = "Reports its progress")]
    async fn test_tool_with_progress(&self, context: RequestContext<RoleServer>) -> CallToolResult {
        let token = context.meta.get_progress_token();
        for progress in [0.0, 50.0, 100.0] {
            if let Some(token) = &token {
                let report =
                    ProgressNotificationParam::new(token.clone(), progress).with_total(100.0);
                // A client that has left no longer wants to know.
                drop(context.peer.notify_progress(report).await);
            }
            sleep(STEP).await;
        }
        text("Progress test completed")
    }

    #[tool(description = "Asks the client's model")]
    async fn test_sampling(
        &self,
        Parameters(Prompt { prompt }): Parameters<Prompt>,
        context: RequestContext<RoleServer>,
    ) -> CallToolResult {
        let request =
            CreateMessageRequestParams::new(vec![SamplingMessage::user_text(prompt)], 100);
        match context.peer.create_message(request).await {
            Ok(answer) => {
                let first = answer.message.content.first();
                let said = first.and_then(|content| content.as_text());
                text(format!(
                    "LLM response: {}",
                    said.map_or("", |text| text.text.as_str())
                ))
            }
            Err(error) => failure(format!("no answer: {error}")),
        }
    }

    #[tool(description = "Asks the client's user")]
    async fn test_elicitation(
        &self,
        Parameters(Message { message }): Parameters<Message>,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResult, ErrorData> {
        elicitation::ask(
            &context.peer,
            &message,
            elicitation::user(),
            "User response",
        )
        .await
    }

    #[tool(description = "Asks the client's user, with a default for every property")]
    async fn test_elicitation_sep1034_defaults(
        &self,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResult, ErrorData> {
        let schema = elicitation::defaults();
        elicitation::ask(
            &context.peer,
            "Please check the defaults",
            schema,
            "Elicitation completed",
        )
        .await
    }

    #[tool(description = "Asks the client's user to choose")]
    async fn test_elicitation_sep1330_enums(
        &self,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResult, ErrorData> {
        let schema = elicitation::enumerations();
        elicitation::ask(
            &context.peer,
            "Please choose",
            schema,
            "Elicitation completed",
        )
        .await
    }

    #[tool(
        description = "Has an input schema of JSON Schema 2020-12",
        input_schema = contact_schema()
    )]
    async fn json_schema_2020_12_tool(&self, arguments: JsonObject) -> CallToolResult {
        text(format!("{} arguments", arguments.len()))
    }

    #[tool(description = "Takes long enough for a client to come back")]
    async fn test_reconnection(&self) -> CallToolResult {
        sleep(2 * STEP).await;
        text("Reconnection test completed")
    }

    #[tool(description = "Takes a parameter that is also a header")]
    async fn test_headers(&self, Parameters(Region { region }): Parameters<Region>) -> String {
        region
    }

    #[tool(description = "Needs a client that can sample")]
    async fn test_missing_capability(
        &self,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResult, ErrorData> {
        let declared = context.client_capabilities().unwrap_or_default();
        if declared.sampling.is_none() {
            return Err(ErrorData::missing_required_client_capability(
                ClientCapabilities::builder().enable_sampling().build(),
            ));
        }
        Ok(text("the client can sample"))
    }
}

impl Conformance {
    async fn log(&self, context: &RequestContext<RoleServer>, message: &str) {
        let message = LoggingMessageNotificationParam::new(LoggingLevel::Info, json!(message))
            .with_logger("conformance");
        // A client that has left no longer wants to know.
        drop(context.peer.notify_logging_message(message).await);
    }
}

fn contact_schema() -> JsonObject {
    object(json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "$defs": {
            "address": {
                "$anchor": "addressDef",
                "type": "object",
                "properties": {
                    "street": { "type": "string" },
                    "city": { "type": "string" },
                },
            },
        },
        "properties": {
            "name": { "type": "string" },
            "address": { "$ref": "#/$defs/address" },
            "contactMethod": { "type": "string", "enum": ["phone", "email"] },
            "phone": { "type": "string" },
            "email": { "type": "string" },
        },
        "allOf": [{ "anyOf": [{ "required": ["phone"] }, { "required": ["email"] }] }],
        "if": { "properties": { "contactMethod": { "const": "phone" } }, "required": ["contactMethod"] },
        "then": { "required": ["phone"] },
        "else": { "required": ["email"] },
        "additionalProperties": false,
    }))
}
