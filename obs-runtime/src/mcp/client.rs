//! A client whose requests carry the context of whoever makes them.

use std::future::Future;
use std::ops::Deref;

use rmcp::RoleClient;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, CompleteRequestParams, CompleteResult,
    GetPromptRequestParams, GetPromptResponse, GetPromptResult, ListPromptsResult,
    ListResourceTemplatesResult, ListResourcesResult, ListToolsResult, PaginatedRequestParams,
    Prompt, ReadResourceRequestParams, ReadResourceResponse, ReadResourceResult, RequestParamsMeta,
    Resource, ResourceTemplate, Tool,
};
use rmcp::service::{Peer, RunningService, Service, ServiceError};
use tracing::field::Empty;
use tracing::{Instrument, Span};

use super::meta::WithContext;
use crate::prefix::prefix_of;

/// Bytes of the name of a tool or prompt that a span shows.
const MAX_TARGET: usize = 128;

/// Observes the requests of an MCP client; made once, where the client is made.
///
/// Takes what `serve` returns, or its `Peer`, and is used like it: the methods have the same names,
/// and what is not one of them goes to the client as before. Each of them makes a span of kind client,
/// `tools/call {tool}`, by the OpenTelemetry conventions for MCP, and puts the current context into
/// `_meta`, so that the server's span is its child, and the server has the same correlation id; see
/// [`inject`](super::inject). A `_meta.traceparent` that was set by hand stays.
///
/// Every server that the client speaks to sees these ids, and the `baggage` that the service passes
/// on: there is no list of hosts here, so observe no client of a server that must not.
///
/// rmcp writes requests on a task of its own, which knows nothing of their caller. So this cannot be
/// done by a transport, and requests that are made on the client inside go without: those of
/// `send_request`, where `params.with_context()` is the form per call (see
/// [`WithContext`]), and notifications.
///
/// # Cancel safety
/// As the client's own.
///
/// # Errors
/// The client's own.
///
/// # Example
/// ```no_run
/// # use rmcp::ServiceExt;
/// # use rmcp::model::CallToolRequestParams;
/// # async fn f() -> Result<(), Box<dyn std::error::Error>> {
/// # let transport = tokio::io::duplex(64).0;
/// let engine = obs_runtime::mcp::observe_client(().serve(transport).await?);
/// let result = engine.call_tool(CallToolRequestParams::new("reindex")).await?;
/// # drop(result);
/// # Ok(())
/// # }
/// ```
pub const fn observe_client<C: McpClient>(client: C) -> ObservedClient<C> {
    ObservedClient { client }
}

/// A client whose requests are observed; made by [`observe_client`].
#[derive(Clone, Debug)]
pub struct ObservedClient<C> {
    client: C,
}

impl<C> ObservedClient<C> {
    /// Returns the client itself, to stop it for example.
    pub fn into_inner(self) -> C {
        self.client
    }
}

impl<C> Deref for ObservedClient<C> {
    type Target = C;

    fn deref(&self) -> &C {
        &self.client
    }
}

/// What [`observe_client`] takes: a running client, its `Peer`, or a pointer to one of them.
///
/// The three requests that a running client goes on with, where the server asks for more input, are
/// the client's own.
pub trait McpClient {
    /// Returns what requests are sent by.
    fn peer(&self) -> &Peer<RoleClient>;

    /// Sends `tools/call`.
    fn call_tool(
        &self,
        params: CallToolRequestParams,
    ) -> impl Future<Output = Result<CallToolResult, ServiceError>> + Send;

    /// Sends `prompts/get`.
    fn get_prompt(
        &self,
        params: GetPromptRequestParams,
    ) -> impl Future<Output = Result<GetPromptResult, ServiceError>> + Send;

    /// Sends `resources/read`.
    fn read_resource(
        &self,
        params: ReadResourceRequestParams,
    ) -> impl Future<Output = Result<ReadResourceResult, ServiceError>> + Send;
}

/// The same for what has methods of these names of its own, which come first.
macro_rules! own_methods {
    () => {
        async fn call_tool(
            &self,
            params: CallToolRequestParams,
        ) -> Result<CallToolResult, ServiceError> {
            Self::call_tool(self, params).await
        }

        async fn get_prompt(
            &self,
            params: GetPromptRequestParams,
        ) -> Result<GetPromptResult, ServiceError> {
            Self::get_prompt(self, params).await
        }

        async fn read_resource(
            &self,
            params: ReadResourceRequestParams,
        ) -> Result<ReadResourceResult, ServiceError> {
            Self::read_resource(self, params).await
        }
    };
}

impl McpClient for Peer<RoleClient> {
    fn peer(&self) -> &Peer<RoleClient> {
        self
    }

    own_methods!();
}

impl<S: Service<RoleClient>> McpClient for RunningService<RoleClient, S> {
    fn peer(&self) -> &Peer<RoleClient> {
        Self::peer(self)
    }

    own_methods!();
}

macro_rules! pointers {
    ($($pointer:ty),+) => {$(
        impl<C: McpClient + Send + Sync> McpClient for $pointer {
            fn peer(&self) -> &Peer<RoleClient> {
                C::peer(self)
            }

            async fn call_tool(
                &self,
                params: CallToolRequestParams,
            ) -> Result<CallToolResult, ServiceError> {
                C::call_tool(self, params).await
            }

            async fn get_prompt(
                &self,
                params: GetPromptRequestParams,
            ) -> Result<GetPromptResult, ServiceError> {
                C::get_prompt(self, params).await
            }

            async fn read_resource(
                &self,
                params: ReadResourceRequestParams,
            ) -> Result<ReadResourceResult, ServiceError> {
                C::read_resource(self, params).await
            }
        }
    )+};
}

pointers!(&C, std::sync::Arc<C>);

/// A method that sends one page of parameters, and one that goes through all pages.
macro_rules! lists {
    ($($one:ident $all:ident $method:literal $Result:ident($field:ident: $Item:ident);)+) => {$(
        #[doc = concat!("Sends `", $method, "`, as the client's own.")]
        ///
        /// # Errors
        /// The client's own.
        pub async fn $one(
            &self,
            params: Option<PaginatedRequestParams>,
        ) -> Result<$Result, ServiceError> {
            let peer = self.client.peer();
            let params = params.unwrap_or_default();
            self.observed(Request::to($method), params, |params| peer.$one(Some(params)))
                .await
        }

        #[doc = concat!("Sends `", $method, "` for each page, as the client's own.")]
        ///
        /// # Errors
        /// The client's own.
        pub async fn $all(&self) -> Result<Vec<$Item>, ServiceError> {
            let mut all = Vec::new();
            let mut cursor = None;
            loop {
                let params = PaginatedRequestParams::default().with_cursor(cursor);
                let page = self.$one(Some(params)).await?;
                all.extend(page.$field);
                cursor = page.next_cursor;
                if cursor.is_none() {
                    return Ok(all);
                }
            }
        }
    )+};
}

impl<C: McpClient> ObservedClient<C> {
    /// Sends `tools/call`, as the client's own: a running client goes on where the server asks for
    /// more input, all within one span.
    ///
    /// # Errors
    /// The client's own.
    pub async fn call_tool(
        &self,
        params: CallToolRequestParams,
    ) -> Result<CallToolResult, ServiceError> {
        let request = Request::of_tool(&params);
        self.observed(request, params, |params| self.client.call_tool(params))
            .await
    }

    /// Sends `tools/call` once, as the client's own.
    ///
    /// # Errors
    /// The client's own.
    pub async fn call_tool_once(
        &self,
        params: CallToolRequestParams,
    ) -> Result<CallToolResponse, ServiceError> {
        let peer = self.client.peer();
        let request = Request::of_tool(&params);
        self.observed(request, params, |params| peer.call_tool_once(params))
            .await
    }

    /// Sends `prompts/get`, as the client's own.
    ///
    /// # Errors
    /// The client's own.
    pub async fn get_prompt(
        &self,
        params: GetPromptRequestParams,
    ) -> Result<GetPromptResult, ServiceError> {
        let request = Request::of_prompt(&params);
        self.observed(request, params, |params| self.client.get_prompt(params))
            .await
    }

    /// Sends `prompts/get` once, as the client's own.
    ///
    /// # Errors
    /// The client's own.
    pub async fn get_prompt_once(
        &self,
        params: GetPromptRequestParams,
    ) -> Result<GetPromptResponse, ServiceError> {
        let peer = self.client.peer();
        let request = Request::of_prompt(&params);
        self.observed(request, params, |params| peer.get_prompt_once(params))
            .await
    }

    /// Sends `resources/read`, as the client's own.
    ///
    /// # Errors
    /// The client's own.
    pub async fn read_resource(
        &self,
        params: ReadResourceRequestParams,
    ) -> Result<ReadResourceResult, ServiceError> {
        let request = Request::to("resources/read");
        self.observed(request, params, |params| self.client.read_resource(params))
            .await
    }

    /// Sends `resources/read` once, as the client's own.
    ///
    /// # Errors
    /// The client's own.
    pub async fn read_resource_once(
        &self,
        params: ReadResourceRequestParams,
    ) -> Result<ReadResourceResponse, ServiceError> {
        let peer = self.client.peer();
        let request = Request::to("resources/read");
        self.observed(request, params, |params| peer.read_resource_once(params))
            .await
    }

    /// Sends `completion/complete`, as the client's own.
    ///
    /// # Errors
    /// The client's own.
    pub async fn complete(
        &self,
        params: CompleteRequestParams,
    ) -> Result<CompleteResult, ServiceError> {
        let peer = self.client.peer();
        let request = Request::to("completion/complete");
        self.observed(request, params, |params| peer.complete(params))
            .await
    }

    lists! {
        list_tools list_all_tools "tools/list" ListToolsResult(tools: Tool);
        list_prompts list_all_prompts "prompts/list" ListPromptsResult(prompts: Prompt);
        list_resources list_all_resources "resources/list" ListResourcesResult(resources: Resource);
        list_resource_templates list_all_resource_templates "resources/templates/list"
            ListResourceTemplatesResult(resource_templates: ResourceTemplate);
    }

    async fn observed<P, R, Fut>(
        &self,
        request: Request,
        params: P,
        send: impl FnOnce(P) -> Fut,
    ) -> Result<R, ServiceError>
    where
        P: RequestParamsMeta,
        R: Answer,
        Fut: Future<Output = Result<R, ServiceError>>,
    {
        let span = request.span(self.client.peer());
        let recorded = span.clone();
        async move {
            // In the span, so that it is the parent that the server sees.
            let result = send(params.with_context()).await;
            say_ended(&recorded, &result);
            result
        }
        .instrument(span)
        .await
    }
}

/// What a span says of a request.
struct Request {
    method: &'static str,
    tool: Option<String>,
    prompt: Option<String>,
}

impl Request {
    const fn to(method: &'static str) -> Self {
        Self {
            method,
            tool: None,
            prompt: None,
        }
    }

    fn of_tool(params: &CallToolRequestParams) -> Self {
        Self {
            tool: Some(prefix_of(&params.name, MAX_TARGET).to_owned()),
            ..Self::to("tools/call")
        }
    }

    fn of_prompt(params: &GetPromptRequestParams) -> Self {
        Self {
            prompt: Some(prefix_of(&params.name, MAX_TARGET).to_owned()),
            ..Self::to("prompts/get")
        }
    }

    fn span(&self, peer: &Peer<RoleClient>) -> Span {
        let target = self.tool.as_deref().or(self.prompt.as_deref());
        let (space, target) = target.map_or(("", ""), |target| (" ", target));
        tracing::info_span!(
            target: "obs::mcp",
            "request",
            otel.name = %format_args!("{}{space}{target}", self.method),
            otel.kind = "client",
            otel.status_code = Empty,
            otel.status_description = Empty,
            mcp.method.name = self.method,
            mcp.protocol.version = peer
                .peer_info()
                .map(|info| prefix_of(info.protocol_version.as_str(), MAX_TARGET).to_owned()),
            gen_ai.operation.name = self.tool.as_ref().map(|_| "execute_tool"),
            gen_ai.tool.name = self.tool,
            gen_ai.prompt.name = self.prompt,
            rpc.response.status_code = Empty,
            error.type = Empty,
        )
    }
}

/// What a client gets.
trait Answer {
    /// Whether it is a result that says `isError`.
    fn is_error(&self) -> bool {
        false
    }
}

impl Answer for CallToolResult {
    fn is_error(&self) -> bool {
        super::result::is_error(self)
    }
}

impl Answer for CallToolResponse {
    fn is_error(&self) -> bool {
        super::ToolResult::result(self).is_some_and(super::result::is_error)
    }
}

impl Answer for GetPromptResult {}
impl Answer for GetPromptResponse {}
impl Answer for ReadResourceResult {}
impl Answer for ReadResourceResponse {}
impl Answer for CompleteResult {}
impl Answer for ListToolsResult {}
impl Answer for ListPromptsResult {}
impl Answer for ListResourcesResult {}
impl Answer for ListResourceTemplatesResult {}

/// To a client every JSON-RPC error is one. Source: OpenTelemetry, MCP client spans.
fn say_ended<R: Answer>(span: &Span, result: &Result<R, ServiceError>) {
    let error: &dyn tracing::Value = match result {
        Ok(answer) if answer.is_error() => &"tool_error",
        Ok(_) => return,
        Err(ServiceError::McpError(error)) => {
            let code = tracing::field::display(error.code.0);
            span.record("rpc.response.status_code", &code);
            span.record("error.type", &code);
            span.record("otel.status_description", prefix_of(&error.message, 1_024));
            span.record("otel.status_code", "ERROR");
            return;
        }
        Err(ServiceError::TransportSend(_) | ServiceError::TransportClosed) => &"transport",
        Err(ServiceError::Timeout { .. }) => &"timeout",
        // The caller's choice.
        Err(ServiceError::Cancelled { .. }) => {
            span.record("error.type", "cancelled");
            return;
        }
        Err(_) => &"_OTHER",
    };
    span.record("otel.status_code", "ERROR");
    span.record("error.type", error);
}
