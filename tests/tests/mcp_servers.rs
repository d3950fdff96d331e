//! Servers beyond the usual: handlers written by hand, prompts, tools that call each other,
//! generated enums, and what the log says.

mod mcp_support;

use std::future::Future;

use mcp_support::{call, call_with, code, connect, count, operations, outcomes};
use obs::Label;
use rmcp::handler::server::tool::ToolCallContext;
use rmcp::handler::server::wrapper::Parameters;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ErrorCode, GetPromptRequestParams,
    JsonObject, PromptMessage, Role, ServerCapabilities, ServerConfig,
};
use rmcp::service::RequestContext;
use rmcp::{
    ErrorData, RoleServer, ServerHandler, prompt, prompt_handler, prompt_router, tool,
    tool_handler, tool_router,
};
use schemars::JsonSchema;
use serde::Deserialize;

#[derive(Deserialize, JsonSchema)]
struct Name {
    name: String,
}

fn name(name: &str) -> JsonObject {
    serde_json::from_value(serde_json::json!({ "name": name })).unwrap()
}

// ---- handlers written by hand

#[derive(obs::Label, Clone, Copy)]
enum ByHandTool {
    HandOk,
    HandFails,
    HandPanics,
    #[label(other, value = "_other")]
    Other,
}

struct ByHand;

#[obs::observed]
impl ServerHandler for ByHand {
    async fn call_tool(
        &self,
        CallToolRequestParams { name, .. }: CallToolRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        if name == "hand_ok" {
            return Ok(CallToolResult::success(vec![]).into());
        }
        match name.as_ref() {
            "hand_fails" => Err(ErrorData::internal_error("no", None)),
            "hand_panics" => panic!("secret"),
            _ => Err(ErrorData::invalid_params("tool not found", None)),
        }
    }
}

#[tokio::test]
async fn a_handler_written_by_hand_is_observed() {
    let client = connect(ByHand).await;
    call(&client, "hand_ok").await.unwrap();
    assert_eq!(
        code(call(&client, "hand_fails").await),
        ErrorCode::INTERNAL_ERROR
    );
    assert_eq!(
        code(call(&client, "hand_panics").await),
        ErrorCode::INTERNAL_ERROR
    );
    assert_eq!(
        code(call(&client, "hand_nope").await),
        ErrorCode::INVALID_PARAMS
    );
    assert_eq!(outcomes("hand_ok"), [("ok", 1)]);
    assert_eq!(outcomes("hand_fails"), [("error", 1)]);
    assert_eq!(outcomes("hand_panics"), [("panic", 1)]);
    assert_eq!(outcomes("hand_nope"), []);
}

#[derive(obs::Label, Clone, Copy)]
enum FutureTools {
    FutureOk,
    FuturePanics,
    #[label(other, value = "_other")]
    Other,
}

struct ByFuture;

#[obs::observed(tools = FutureTools)]
impl ServerHandler for ByFuture {
    fn call_tool(
        &self,
        request: CallToolRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> impl Future<Output = Result<CallToolResponse, ErrorData>> + Send + '_ {
        assert!(request.name != "future_panics", "secret");
        async move { Ok(CallToolResult::success(vec![]).into()) }
    }
}

#[tokio::test]
async fn a_handler_that_returns_a_future_is_observed_with_its_sync_part() {
    let client = connect(ByFuture).await;
    call(&client, "future_ok").await.unwrap();
    assert_eq!(
        code(call(&client, "future_panics").await),
        ErrorCode::INTERNAL_ERROR
    );
    assert_eq!(outcomes("future_ok"), [("ok", 1)]);
    assert_eq!(outcomes("future_panics"), [("panic", 1)]);
}

// ---- tools that call each other

struct Team;

#[obs::observed]
#[tool_router(server_handler)]
impl Team {
    #[tool]
    async fn team_leader(&self) -> String {
        self.team_observed().await;
        self.team_observed().await;
        self.team_silent().await
    }

    #[obs::observed]
    #[tool]
    async fn team_observed(&self) -> String {
        "observed".to_owned()
    }

    #[tool]
    async fn team_silent(&self) -> String {
        "silent".to_owned()
    }

    #[obs::observed]
    #[tool]
    async fn team_recursive(&self, Parameters(Name { name }): Parameters<Name>) -> String {
        match name.as_str() {
            "" => String::new(),
            _ => {
                Box::pin(self.team_recursive(Parameters(Name {
                    name: String::new(),
                })))
                .await
            }
        }
    }
}

#[tokio::test]
async fn a_tool_called_by_another_is_an_operation_and_only_if_it_is_observed() {
    let client = connect(Team).await;
    call(&client, "team_leader").await.unwrap();
    assert_eq!(outcomes("team_leader"), [("ok", 1)]);
    assert_eq!(outcomes("team_observed"), []);
    assert_eq!(operations("team_observed"), [("ok", 2)]);
    assert_eq!(outcomes("team_silent"), []);
    assert_eq!(operations("team_silent"), []);
    assert_eq!(operations("team_leader"), []);
}

#[tokio::test]
async fn a_tool_that_calls_itself_is_one_tool_call_and_one_operation() {
    let client = connect(Team).await;
    call_with(&client, "team_recursive", name("again"))
        .await
        .unwrap();
    assert_eq!(outcomes("team_recursive"), [("ok", 1)]);
    assert_eq!(operations("team_recursive"), [("ok", 1)]);
}

struct Direct;

#[obs::observed]
#[tool_router(server_handler)]
impl Direct {
    #[obs::observed]
    #[tool]
    async fn direct_observed(&self) -> Result<String, ErrorData> {
        Err(ErrorData::internal_error("no", None))
    }

    #[tool]
    async fn direct_silent(&self) -> String {
        String::new()
    }
}

#[tokio::test]
async fn rust_code_that_calls_a_tool_counts_an_operation_only_where_it_is_asked_for() {
    let shown = || {
        obs::catalog::gather()
            .iter()
            .filter(|family| family.name == "operation_calls_total")
            .flat_map(|family| family.samples.clone())
            .any(|sample| sample.labels[0].1 == "direct_observed")
    };
    assert!(!shown(), "a tool is no operation before Rust code calls it");
    Direct.direct_observed().await.unwrap_err();
    Direct.direct_silent().await;
    assert!(shown());
    assert_eq!(operations("direct_observed"), [("error", 1)]);
    assert_eq!(operations("direct_silent"), []);
    assert_eq!(outcomes("direct_observed"), []);
}

// ---- a tool's function alone

struct Alone(&'static str);

#[tool_router]
impl Alone {
    #[obs::observed]
    #[tool(name = "alone-outer")]
    async fn outer(&self) -> String {
        self.inner().await
    }

    #[obs::observed]
    #[tool(name = "alone-inner")]
    async fn inner(&self) -> String {
        String::new()
    }

    #[tool]
    #[obs::observed(tool)]
    async fn alone_below(&self) -> Result<String, String> {
        Err("no".to_owned())
    }

    #[tool(name = "alone-renamed")]
    #[obs::observed(tool = "alone-renamed")]
    fn alone_sync_below(&self) -> String {
        self.0.to_owned()
    }
}

#[tool_handler]
impl ServerHandler for Alone {}

#[tokio::test]
async fn methods_that_are_observed_without_their_block_count_tools_and_operations_apart() {
    let client = connect(Alone("x")).await;
    call(&client, "alone-outer").await.unwrap();
    call(&client, "alone-below").await.unwrap_err();
    call(&client, "alone_below").await.unwrap();
    call(&client, "alone-renamed").await.unwrap();
    assert_eq!(outcomes("alone-outer"), [("ok", 1)]);
    assert_eq!(outcomes("alone-inner"), []);
    assert_eq!(operations("inner"), [("ok", 1)]);
    assert_eq!(outcomes("alone_below"), [("tool_error", 1)]);
    assert_eq!(outcomes("alone-renamed"), [("ok", 1)]);
}

// ---- generated enums

mod admin {
    use super::{tool, tool_router};

    pub(super) struct Console<T>(pub(super) T);

    #[obs::observed(tools = AdminTool)]
    #[tool_router(router = admin_router, vis = "pub(super)")]
    impl<T: Clone + Send + Sync + 'static> Console<T> {
        #[tool(name = "admin.user/list")]
        async fn list(&self) -> String {
            drop(self.0.clone());
            String::new()
        }

        /// What the model reads.
        #[tool]
        async fn other(&self) -> Result<String, String> {
            Err("no".to_owned())
        }
    }

    #[obs::observed(tools = PlainTool)]
    #[tool_router(router = plain_router, vis = "pub(super)")]
    impl<T: Clone + Send + Sync + 'static> Console<T> {
        #[tool]
        async fn plain(&self) -> String {
            String::new()
        }
    }
}

#[tool_handler(router = (Self::admin_router() + Self::plain_router()))]
impl<T: Clone + Send + Sync + 'static> ServerHandler for admin::Console<T> {}

#[tokio::test]
async fn several_routers_of_one_generic_type_have_an_enum_each() {
    let values = <admin::AdminTool as Label>::VALUES;
    assert_eq!(values, ["admin.user/list", "other", "_other"]);
    assert_eq!(<admin::PlainTool as Label>::VALUES, ["plain", "_other"]);
    let other = admin::AdminTool::from_str_or_other("other");
    assert_eq!(other, admin::AdminTool::OtherTool);
    assert_eq!(other.as_str(), "other");
    assert_eq!(
        admin::AdminTool::from_str_or_other("x"),
        admin::AdminTool::Other
    );

    let client = connect(admin::Console(1)).await;
    call(&client, "admin.user/list").await.unwrap();
    call(&client, "other").await.unwrap();
    call(&client, "plain").await.unwrap();
    assert_eq!(outcomes("admin.user/list"), [("ok", 1)]);
    assert_eq!(outcomes("other"), [("tool_error", 1)]);
    assert_eq!(outcomes("plain"), [("ok", 1)]);
}

struct Pair;

#[obs::observed(tools = FirstTool)]
#[tool_router(router = first_router)]
impl Pair {
    #[tool]
    async fn pair_first(&self) -> String {
        String::new()
    }
}

#[obs::observed(tools = SecondTool)]
#[tool_router(router = second_router)]
impl Pair {
    #[tool]
    async fn pair_second(&self) -> Result<String, String> {
        Err("no".to_owned())
    }

    #[tool]
    async fn pair_panics(&self) -> String {
        panic!("as asked")
    }
}

#[obs::observed(tools = FirstTool)]
#[tool_handler(router = (Self::first_router() + Self::second_router()))]
impl ServerHandler for Pair {}

#[tokio::test]
async fn a_handler_that_knows_one_router_leaves_the_other_its_own_tools() {
    let client = connect(Pair).await;
    call(&client, "pair_first").await.unwrap();
    call(&client, "pair_second").await.unwrap();
    call(&client, "pair_panics").await.unwrap_err();
    assert_eq!(outcomes("pair_first"), [("ok", 1)]);
    assert_eq!(outcomes("pair_second"), [("tool_error", 1)]);
    assert_eq!(outcomes("pair_panics"), [("panic", 1)]);
    for tool in ["pair_first", "pair_second", "pair_panics"] {
        assert_eq!(count("mcp_tool_calls_in_flight", &[("tool", tool)]), 0);
    }
}

#[tokio::test]
async fn descriptions_and_schemas_are_those_of_a_bare_server() {
    let tools = connect(admin::Console(1))
        .await
        .list_all_tools()
        .await
        .unwrap();
    let other = tools.iter().find(|tool| tool.name == "other").unwrap();
    assert_eq!(other.description.as_deref(), Some("What the model reads."));
    let team = connect(Team).await.list_all_tools().await.unwrap();
    let recursive = team
        .iter()
        .find(|tool| tool.name == "team_recursive")
        .unwrap();
    assert!(recursive.input_schema.contains_key("properties"));
}

obs::metrics! {
    registry PLANS;

    /// Calls of the tools of the plan server, by tool.
    counter plan_uses_total(tool: PlanTool);

    /// Seconds that the plan server was busy.
    histogram plan_busy_seconds() { buckets = [0.1, 1.0] }

    /// Plans that are being made.
    gauge plan_running();
}

struct Plan;

#[obs::observed]
#[tool_router(server_handler)]
impl Plan {
    #[obs::observed(
        slo(at = 0.25, target = 99.0),
        buckets = [0.25, 1.0],
        fields(who = %request.0.name, secret = obs::redacted(1), n = 3),
        record(plan_uses_total(PlanTool::MakePlan), plan_busy_seconds()),
        record(plan_running()),
    )]
    #[tool]
    async fn make_plan(&self, request: Parameters<Name>) -> String {
        assert_eq!(plan_running().get(), 1);
        request.0.name
    }
}

#[tokio::test]
async fn an_attribute_on_a_method_says_buckets_objective_fields_and_records_of_its_tool() {
    let client = connect(Plan).await;
    call_with(&client, "make_plan", name("x")).await.unwrap();
    assert_eq!(outcomes("make_plan"), [("ok", 1)]);
    let site = obs::sites()
        .find(|site| site.name() == "make_plan" && site.family() == obs::CallFamily::Tool)
        .unwrap();
    assert_eq!(site.buckets(), [0.25, 1.0]);
    assert_eq!(
        site.objective(),
        Some(obs::Slo {
            at: 0.25,
            target: 99.0
        })
    );
    assert_eq!(plan_uses_total(PlanTool::MakePlan).get(), 1);
    assert_eq!(plan_busy_seconds().count(), 1);
    assert_eq!(plan_running().get(), 0);
}

// ---- prompts

struct Prompts;

#[obs::observed]
#[prompt_router]
impl Prompts {
    #[prompt(name = "greet-someone")]
    async fn greet(&self, Parameters(Name { name }): Parameters<Name>) -> Vec<PromptMessage> {
        vec![PromptMessage::new_text(Role::User, name)]
    }

    #[obs::observed]
    #[prompt]
    async fn refuse(&self) -> Result<Vec<PromptMessage>, ErrorData> {
        Err(ErrorData::invalid_params("no", None))
    }
}

#[prompt_handler(router = Self::prompt_router())]
impl ServerHandler for Prompts {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_prompts().build())
    }
}

#[tokio::test]
async fn prompts_are_counted_as_operations() {
    let client = connect(Prompts).await;
    let request = GetPromptRequestParams::new("greet-someone").with_arguments(name("x"));
    client.get_prompt(request).await.unwrap();
    client
        .get_prompt(GetPromptRequestParams::new("refuse"))
        .await
        .unwrap_err();
    assert_eq!(operations("greet-someone"), [("ok", 1)]);
    assert_eq!(operations("refuse"), [("error", 1)]);
}

// ---- routers

struct Rebuilt;

#[tool_router]
impl Rebuilt {
    #[tool]
    async fn rebuilt(&self) -> String {
        String::new()
    }
}

impl ServerHandler for Rebuilt {
    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let router = obs::mcp::observe_router(obs::mcp::observe_router(Self::tool_router()));
        router
            .call(ToolCallContext::new(self, request, context))
            .await
    }
}

#[tokio::test]
async fn a_router_may_be_observed_twice_and_rebuilt_for_each_call() {
    let client = connect(Rebuilt).await;
    let sites = || obs::sites().filter(|site| site.name() == "rebuilt").count();
    for _ in 0..100 {
        call(&client, "rebuilt").await.unwrap();
    }
    assert_eq!(outcomes("rebuilt"), [("ok", 100)]);
    assert_eq!(sites(), 1);
}

#[tokio::test]
async fn every_tool_is_on_the_scrape_at_zero_before_its_first_call() {
    #[expect(dead_code, reason = "nobody serves it")]
    struct Quiet;

    #[obs::observed]
    #[tool_router(server_handler)]
    impl Quiet {
        #[tool]
        async fn quiet(&self) -> String {
            String::new()
        }
    }

    let series = obs::catalog::gather()
        .into_iter()
        .filter(|family| family.name == "mcp_tool_calls_total")
        .flat_map(|family| family.samples)
        .filter(|sample| sample.labels[0].1 == "quiet")
        .count();
    assert_eq!(series, 7);
    assert_eq!(count("mcp_tool_calls_in_flight", &[("tool", "quiet")]), 0);
}
