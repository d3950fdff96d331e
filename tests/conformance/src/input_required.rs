//! The tools that answer with a question first and end in a later call, as the protocol of
//! 2026-07-28 has it.

use std::collections::BTreeMap;

use rmcp::handler::server::tool::{InputResponses, RequestState};
use rmcp::model::{CallToolResponse, InputRequest, InputRequiredResult};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer, tool, tool_router};
use serde_json::{Value, json};

use crate::content::text;
use crate::handler::Conformance;

// Only what this server handed out is taken back, so that a state nobody can have got from it is
// refused.
const FIRST: &str = "round-1.8c2f6b1e90d3";
const SECOND: &str = "round-2.47aa05e1c9fb";

#[cfg_attr(feature = "observed", obs::observed(tools = InputRequiredTool))]
#[tool_router(router = input_required_router, vis = "pub(crate)")]
impl Conformance {
    #[tool(description = "Asks for a name")]
    async fn test_input_required_result_elicitation(
        &self,
        InputResponses(responses): InputResponses,
    ) -> Result<CallToolResponse, ErrorData> {
        match field(responses.as_ref(), "user_name", "name") {
            Some(name) => Ok(text(format!("Hello, {name}!")).into()),
            None => ask(&[("user_name", name_question("What is your name?"))], None),
        }
    }

    #[tool(description = "Asks the model")]
    async fn test_input_required_result_sampling(
        &self,
        InputResponses(responses): InputResponses,
    ) -> Result<CallToolResponse, ErrorData> {
        let question = sampling("What is the capital of France?", 100);
        answered(
            responses.as_ref(),
            &[("capital_question", question)],
            "The model said",
        )
    }

    #[tool(description = "Asks for the client's roots")]
    async fn test_input_required_result_list_roots(
        &self,
        InputResponses(responses): InputResponses,
    ) -> Result<CallToolResponse, ErrorData> {
        answered(
            responses.as_ref(),
            &[("client_roots", roots())],
            "The roots are",
        )
    }

    #[tool(description = "Hands out a state and wants it back")]
    async fn test_input_required_result_request_state(
        &self,
        InputResponses(responses): InputResponses,
        RequestState(state): RequestState,
    ) -> Result<CallToolResponse, ErrorData> {
        confirmed(responses.as_ref(), state.as_deref())
    }

    #[tool(description = "Refuses a state it did not hand out")]
    async fn test_input_required_result_tampered_state(
        &self,
        InputResponses(responses): InputResponses,
        RequestState(state): RequestState,
    ) -> Result<CallToolResponse, ErrorData> {
        confirmed(responses.as_ref(), state.as_deref())
    }

    #[tool(description = "Asks three things at once")]
    async fn test_input_required_result_multiple_inputs(
        &self,
        InputResponses(responses): InputResponses,
        RequestState(state): RequestState,
    ) -> Result<CallToolResponse, ErrorData> {
        let questions = [
            ("user_name", name_question("What is your name?")),
            ("greeting", sampling("Generate a greeting", 50)),
            ("client_roots", roots()),
        ];
        let all = questions
            .iter()
            .all(|(key, _)| responses.as_ref().is_some_and(|r| r.contains_key(*key)));
        if all {
            check(state.as_deref(), FIRST)?;
            return Ok(text("all three answered").into());
        }
        ask(&questions, Some(FIRST))
    }

    #[tool(description = "Asks twice, one after the other")]
    async fn test_input_required_result_multi_round(
        &self,
        InputResponses(responses): InputResponses,
        RequestState(state): RequestState,
    ) -> Result<CallToolResponse, ErrorData> {
        let responses = responses.as_ref();
        if responses.is_some_and(|r| r.contains_key("step2")) {
            check(state.as_deref(), SECOND)?;
            return Ok(text("both rounds answered").into());
        }
        if responses.is_some_and(|r| r.contains_key("step1")) {
            check(state.as_deref(), FIRST)?;
            let question = form(
                "Step 2: What is your favorite color?",
                &json!({ "color": { "type": "string" } }),
            );
            return ask(&[("step2", question)], Some(SECOND));
        }
        let question = name_question("Step 1: What is your name?");
        ask(&[("step1", question)], Some(FIRST))
    }

    #[tool(description = "Asks only what the client can answer")]
    async fn test_input_required_result_capabilities(
        &self,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let declared = context.client_capabilities().unwrap_or_default();
        let mut questions = Vec::new();
        if declared.sampling.is_some() {
            questions.push(("greeting", sampling("Generate a greeting", 50)));
        }
        if declared.elicitation.is_some() {
            questions.push(("user_name", name_question("What is your name?")));
        }
        if questions.is_empty() {
            return Ok(text("the client can answer nothing").into());
        }
        ask(&questions, None)
    }

    #[tool(description = "Asks on the stream of the call")]
    async fn test_streaming_elicitation(
        &self,
        InputResponses(responses): InputResponses,
    ) -> Result<CallToolResponse, ErrorData> {
        let question = name_question("What is your name?");
        answered(
            responses.as_ref(),
            &[("user_name", question)],
            "The user said",
        )
    }
}

type Responses = BTreeMap<String, Value>;

/// Ends with what was answered, or asks.
fn answered(
    responses: Option<&Responses>,
    questions: &[(&str, Value)],
    prefix: &str,
) -> Result<CallToolResponse, ErrorData> {
    let answer = responses.and_then(|r| questions.iter().find_map(|(key, _)| r.get(*key)));
    match answer {
        Some(answer) => Ok(text(format!("{prefix}: {answer}")).into()),
        None => ask(questions, None),
    }
}

/// Asks for a confirmation with a state, and takes only that state back.
fn confirmed(
    responses: Option<&Responses>,
    state: Option<&str>,
) -> Result<CallToolResponse, ErrorData> {
    if state.is_some() || responses.is_some_and(|r| r.contains_key("confirm")) {
        check(state, FIRST)?;
        return Ok(text("state-ok").into());
    }
    let question = form("Please confirm", &json!({ "ok": { "type": "boolean" } }));
    ask(&[("confirm", question)], Some(FIRST))
}

fn check(state: Option<&str>, expected: &str) -> Result<(), ErrorData> {
    if state == Some(expected) {
        return Ok(());
    }
    Err(ErrorData::invalid_params(
        "the request state is not one of this server's",
        None,
    ))
}

/// The string at `responses[key].content[field]`.
pub(crate) fn field<'r>(
    responses: Option<&'r Responses>,
    key: &str,
    field: &str,
) -> Option<&'r str> {
    responses?.get(key)?.get("content")?.get(field)?.as_str()
}

fn ask(questions: &[(&str, Value)], state: Option<&str>) -> Result<CallToolResponse, ErrorData> {
    input_required(questions, state).map(Into::into)
}

/// The answer that asks `questions`.
pub(crate) fn input_required(
    questions: &[(&str, Value)],
    state: Option<&str>,
) -> Result<InputRequiredResult, ErrorData> {
    let mut requests = BTreeMap::new();
    for (key, question) in questions {
        let request: InputRequest = serde_json::from_value(question.clone())
            .map_err(|error| ErrorData::internal_error(error.to_string(), None))?;
        requests.insert((*key).to_owned(), request);
    }
    Ok(InputRequiredResult::new(
        Some(requests),
        state.map(str::to_owned),
    ))
}

/// A form with the given properties, the first of them required.
pub(crate) fn form(message: &str, properties: &Value) -> Value {
    let required: Vec<&String> = properties
        .as_object()
        .into_iter()
        .flat_map(|properties| properties.keys())
        .collect();
    json!({
        "method": "elicitation/create",
        "params": {
            "mode": "form",
            "message": message,
            "requestedSchema": { "type": "object", "properties": properties, "required": required },
        },
    })
}

fn name_question(message: &str) -> Value {
    form(message, &json!({ "name": { "type": "string" } }))
}

fn sampling(prompt: &str, max_tokens: u32) -> Value {
    json!({
        "method": "sampling/createMessage",
        "params": {
            "messages": [{ "role": "user", "content": { "type": "text", "text": prompt } }],
            "maxTokens": max_tokens,
        },
    })
}

fn roots() -> Value {
    json!({ "method": "roots/list", "params": {} })
}
