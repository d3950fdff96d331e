//! What is not a tool: resources, completion, logging levels, subscriptions, and the routing to
//! the rest.

use std::collections::HashSet;
use std::sync::{Arc, PoisonError, RwLock};

use rmcp::handler::server::prompt::PromptContext;
use rmcp::handler::server::router::prompt::PromptRouter;
use rmcp::handler::server::router::tool::ToolRouter;
use rmcp::model::{
    CompleteRequestParams, CompleteResult, CompletionInfo, GetPromptRequestParams,
    GetPromptResponse, GetPromptResult, ListPromptsResult, ListResourceTemplatesResult,
    ListResourcesResult, LoggingLevel, PaginatedRequestParams, Prompt, PromptMessage,
    ReadResourceRequestParams, ReadResourceResponse, ReadResourceResult, Resource,
    ResourceContents, ResourceTemplate, Role, ServerCapabilities, ServerConfig,
    SetLevelRequestParams, SubscribeRequestParams, SubscriptionFilter, UnsubscribeRequestParams,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer, ServerHandler, tool_handler};
use serde_json::json;

use crate::content::{PNG, resource};
use crate::input_required::{field, form, input_required};

const ASKING_PROMPT: &str = "test_input_required_result_prompt";

#[derive(Clone)]
pub(crate) struct Conformance {
    tools: ToolRouter<Self>,
    prompts: PromptRouter<Self>,
    subscriptions: Arc<RwLock<HashSet<String>>>,
    log_level: Arc<RwLock<LoggingLevel>>,
}

impl Default for Conformance {
    fn default() -> Self {
        Self {
            tools: Self::tool_router() + Self::input_required_router(),
            prompts: Self::prompt_router(),
            subscriptions: Arc::default(),
            log_level: Arc::new(RwLock::new(LoggingLevel::Debug)),
        }
    }
}

#[cfg_attr(
    feature = "observed",
    obs::observed(tools = crate::tools::ConformanceTool)
)]
#[tool_handler(router = self.tools)]
impl ServerHandler for Conformance {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(
            ServerCapabilities::builder()
                .enable_completions()
                .enable_logging()
                .enable_prompts()
                .enable_resources()
                .enable_resources_subscribe()
                .enable_tools()
                .build(),
        )
    }

    async fn list_prompts(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        let mut prompts = self.prompts.list_all();
        prompts.push(Prompt::new(
            ASKING_PROMPT,
            Some("Asks before it answers"),
            None,
        ));
        Ok(ListPromptsResult::with_all_items(prompts))
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        if request.name != ASKING_PROMPT {
            let context = PromptContext::new(self, request.name, request.arguments, context);
            return self.prompts.get_prompt(context).await;
        }
        // The prompt router has no way to the responses, so this one is answered here.
        let Some(given) = field(request.input_responses.as_ref(), "user_context", "context") else {
            let question = form(
                "What context should the prompt use?",
                &json!({ "context": { "type": "string" } }),
            );
            return input_required(&[("user_context", question)], None).map(Into::into);
        };
        let message = PromptMessage::new_text(Role::User, format!("The context is {given}."));
        Ok(GetPromptResult::new(vec![message]).into())
    }

    async fn list_resources(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        Ok(ListResourcesResult::with_all_items(vec![
            Resource::new("test://static-text", "Static text")
                .with_description("A text that never changes")
                .with_mime_type("text/plain"),
            Resource::new("test://static-binary", "Static image")
                .with_description("An image that never changes")
                .with_mime_type("image/png"),
            Resource::new("test://watched-resource", "Watched text")
                .with_description("A text that can be subscribed to")
                .with_mime_type("text/plain"),
        ]))
    }

    async fn list_resource_templates(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        Ok(ListResourceTemplatesResult::with_all_items(vec![
            ResourceTemplate::new("test://template/{id}/data", "Templated data")
                .with_description("Data of any id")
                .with_mime_type("application/json"),
        ]))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let uri = request.uri.as_str();
        let templated = uri
            .strip_prefix("test://template/")
            .and_then(|rest| rest.strip_suffix("/data"));
        let contents = match (uri, templated) {
            ("test://static-text", _) => resource(
                uri,
                "text/plain",
                "This is the content of the static text resource.",
            ),
            ("test://static-binary", _) => ResourceContents::BlobResourceContents {
                uri: uri.to_owned(),
                mime_type: Some("image/png".to_owned()),
                blob: PNG.to_owned(),
                meta: None,
            },
            ("test://watched-resource", _) => resource(uri, "text/plain", "Watched."),
            (_, Some(id)) => {
                let data =
                    json!({ "id": id, "templateTest": true, "data": format!("Data for ID: {id}") });
                resource(uri, "application/json", data.to_string())
            }
            _ => {
                return Err(ErrorData::resource_not_found(
                    format!("no resource {uri}"),
                    Some(json!({ "uri": uri })),
                ));
            }
        };
        Ok(ReadResourceResult::new(vec![contents]).into())
    }

    async fn complete(
        &self,
        request: CompleteRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        let typed = &request.argument.value;
        let values = ["paris", "park", "party"]
            .into_iter()
            .filter(|value| value.starts_with(typed.as_str()))
            .map(str::to_owned)
            .collect();
        let completion =
            CompletionInfo::new(values).map_err(|error| ErrorData::internal_error(error, None))?;
        Ok(CompleteResult::new(completion))
    }

    async fn set_level(
        &self,
        request: SetLevelRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        let mut level = self
            .log_level
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        *level = request.level;
        Ok(())
    }

    fn accepted_subscription_filter(
        &self,
        requested: &SubscriptionFilter,
    ) -> Option<SubscriptionFilter> {
        Some(requested.clone())
    }

    async fn subscribe(
        &self,
        request: SubscribeRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        let mut uris = self
            .subscriptions
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        uris.insert(request.uri);
        Ok(())
    }

    async fn unsubscribe(
        &self,
        request: UnsubscribeRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        let mut uris = self
            .subscriptions
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        uris.remove(&request.uri);
        Ok(())
    }
}
