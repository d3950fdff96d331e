//! The tools.

use std::time::Duration;

use rmcp::handler::server::wrapper::{Json, Parameters};
use rmcp::model::{CallToolResult, ContentBlock, Implementation, ServerCapabilities, ServerConfig};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer, ServerHandler, tool, tool_handler, tool_router};

use super::arguments::{ColumnStatsOf, Fail, HowToFail, IngestCsv, ListJobs, OfJob, Slow};
use super::error::TraceoError;
use super::results::{Accepted, ColumnTable, JobList, JobReport};
use crate::engine::{Engine, EngineError, Job};

const LISTED: u16 = 20;

/// The MCP server.
#[derive(Clone, Debug)]
pub(crate) struct Traceo {
    engine: Engine,
}

impl Traceo {
    pub(crate) fn new(engine: Engine) -> Self {
        Self { engine }
    }
}

// Counts every call of a tool once, whatever ends it, and answers the ones that panic.
#[obs::observed]
#[tool_router]
impl Traceo {
    #[tool(
        description = "Import a CSV file in the background. Broken rows are reported with row and \
                       column, all others are kept. Returns a job; `job_status` says how it goes."
    )]
    async fn ingest_csv(
        &self,
        Parameters(arguments): Parameters<IngestCsv>,
    ) -> Result<Json<Job>, TraceoError> {
        let (input, layout) = arguments.into_parts()?;
        Ok(Json(self.engine.submit(input, layout).await?))
    }

    // What a call is about goes to its span and its log line, never to a metric.
    #[obs::observed(fields(job_id))]
    #[tool(description = "How far a job is, and the first 100 mistakes found in its file.")]
    async fn job_status(
        &self,
        Parameters(OfJob { job_id }): Parameters<OfJob>,
    ) -> Result<Json<JobReport>, TraceoError> {
        let (job, errors) = self.engine.job(job_id).await?;
        Ok(Json(JobReport { job, errors }))
    }

    #[tool(description = "The newest jobs, newest first.")]
    async fn list_jobs(
        &self,
        Parameters(arguments): Parameters<ListJobs>,
    ) -> Result<Json<JobList>, TraceoError> {
        let limit = arguments.limit.unwrap_or(LISTED).clamp(1, 1000);
        let jobs = self.engine.jobs(arguments.status, limit.into()).await?;
        Ok(Json(JobList { jobs }))
    }

    #[tool(
        name = "column_stats",
        description = "Type, count, nulls, distinct values, minimum, maximum and mean of the \
                       columns that a job imported."
    )]
    async fn columns(
        &self,
        Parameters(ColumnStatsOf { job_id, column }): Parameters<ColumnStatsOf>,
    ) -> Result<Json<ColumnTable>, TraceoError> {
        let mut columns = self.engine.columns(job_id).await?;
        if let Some(column) = column {
            let names: Vec<_> = columns.iter().map(|column| column.name.clone()).collect();
            columns.retain(|stats| stats.name == column);
            if columns.is_empty() {
                let unknown = EngineError::ColumnNotFound {
                    id: job_id,
                    column,
                    columns: names.join(", "),
                };
                return Err(unknown.into());
            }
        }
        Ok(Json(ColumnTable { job_id, columns }))
    }

    #[tool(description = "Stop a job. The rows it has imported stay.")]
    async fn cancel_job(
        &self,
        Parameters(OfJob { job_id }): Parameters<OfJob>,
    ) -> Result<CallToolResult, ErrorData> {
        match self.engine.cancel(job_id).await {
            Ok(job) => {
                let job = serde_json::to_value(job);
                job.map(CallToolResult::structured)
                    .map_err(|error| ErrorData::internal_error(error.to_string(), None))
            }
            Err(EngineError::Storage(error)) => {
                Err(ErrorData::internal_error(error.to_string(), None))
            }
            Err(refused) => {
                let text = ContentBlock::text(refused.to_string());
                Ok(CallToolResult::error(vec![text]))
            }
        }
    }

    #[tool(description = "What this server accepts: sizes and numbers of jobs.")]
    fn limits(&self) -> Json<Accepted> {
        let limits = self.engine.limits();
        Json(Accepted {
            file_bytes: limits.file_bytes,
            inline_bytes: limits.inline_bytes as u64,
            running_jobs: limits.workers as u64,
            jobs: limits.jobs as u64,
        })
    }

    #[tool(description = "For trying things out: fails, in the way you say.")]
    async fn fail(
        &self,
        Parameters(Fail { how }): Parameters<Fail>,
    ) -> Result<CallToolResult, ErrorData> {
        match how {
            HowToFail::ToolError => {
                let text = ContentBlock::text("failed, as asked");
                Ok(CallToolResult::error(vec![text]))
            }
            HowToFail::InternalError => Err(ErrorData::internal_error("failed, as asked", None)),
            HowToFail::InvalidParams => Err(ErrorData::invalid_params("failed, as asked", None)),
        }
    }

    #[tool(name = "panic", description = "For trying things out: panics.")]
    fn panics() -> String {
        panic!("as asked")
    }

    #[tool(description = "For trying things out: takes its time, unless the call is cancelled.")]
    async fn slow(
        &self,
        Parameters(Slow { seconds }): Parameters<Slow>,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResult, ErrorData> {
        if !(0.0..=60.0).contains(&seconds) {
            let refusal = format!("`seconds` is {seconds}; it must be from 0 to 60");
            return Err(ErrorData::invalid_params(refusal, None));
        }
        tokio::select! {
            () = tokio::time::sleep(Duration::from_secs_f64(seconds)) => {
                let text = ContentBlock::text(format!("took {seconds} s"));
                Ok(CallToolResult::success(vec![text]))
            }
            () = context.ct.cancelled() => {
                let text = ContentBlock::text("cancelled");
                Ok(CallToolResult::error(vec![text]))
            }
        }
    }
}

// Counts the calls that get to no tool, because there is none of that name.
#[obs::observed]
#[tool_handler]
impl ServerHandler for Traceo {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(Implementation::new("traceo", env!("CARGO_PKG_VERSION")))
            .with_instructions(
                "Imports CSV files in the background: `ingest_csv` returns a job, `job_status` \
                 says how it goes, `column_stats` what is in it.",
            )
    }
}
