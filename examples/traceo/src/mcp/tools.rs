//! The tools.

use std::time::Duration;

use rmcp::handler::server::wrapper::{Json, Parameters};
use rmcp::model::{CallToolResult, ContentBlock, Implementation, ServerCapabilities, ServerConfig};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer, ServerHandler, tool, tool_handler, tool_router};

use super::arguments::{
    ColumnStatsOf, ExternalDataOf, Fail, HowToFail, IngestCsv, ListJobs, OfJob, Slow,
};
use super::engine::Engine;
use super::error::TraceoError;
use super::results::{ExternalData, Limits};
use super::store::Store;
use crate::api::{ColumnTable, Job, JobList, JobReport, MAX_LISTED};
use crate::metrics::mcp::traceo_mcp_imports_total;
use crate::telemetry::{about_job, mcp as said};

const LISTED: u16 = 20;

/// The MCP server.
#[derive(Clone, Debug)]
pub(crate) struct Traceo {
    engine: Engine,
    store: Store,
}

impl Traceo {
    pub(crate) fn new(engine: Engine, store: Store) -> Self {
        Self { engine, store }
    }

    /// Records what the engine has accepted; that it could not be recorded is no reason to tell the
    /// client that there is no job.
    async fn accepted(&self, job: &Job) {
        traceo_mcp_imports_total(job.source).inc();
        match self.store.record_import(job).await {
            Ok(()) => said::import_accepted(job.source),
            Err(error) => said::import_not_recorded(&error),
        }
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
        let (input, parameters) = arguments.into_parts()?;
        let mut upload = input.open().await?;
        if upload.is_file() {
            upload = upload.within(self.engine.file_limit().await?)?;
        }
        let job = self.engine.upload(upload, parameters).await?;
        self.accepted(&job).await;
        Ok(Json(job))
    }

    // What a call is about goes to its span and its log line, never to a metric.
    #[obs::observed(fields(job_id = %job_id))]
    #[tool(description = "How far a job is, and the first 100 mistakes found in its file.")]
    async fn job_status(
        &self,
        Parameters(OfJob { job_id }): Parameters<OfJob>,
    ) -> Result<Json<JobReport>, TraceoError> {
        about_job(&job_id);
        Ok(Json(self.engine.job(&job_id).await?))
    }

    #[tool(description = "The newest jobs, newest first.")]
    async fn list_jobs(
        &self,
        Parameters(arguments): Parameters<ListJobs>,
    ) -> Result<Json<JobList>, TraceoError> {
        let limit = arguments.limit.unwrap_or(LISTED).clamp(1, MAX_LISTED);
        Ok(Json(self.engine.jobs(arguments.status, limit).await?))
    }

    #[obs::observed(fields(job_id = %job_id))]
    #[tool(
        name = "column_stats",
        description = "Type, count, nulls, distinct values, minimum, maximum and mean of the \
                       columns that a job imported."
    )]
    async fn columns(
        &self,
        Parameters(ColumnStatsOf { job_id, column }): Parameters<ColumnStatsOf>,
    ) -> Result<Json<ColumnTable>, TraceoError> {
        about_job(&job_id);
        let mut table = self.engine.columns(&job_id).await?;
        if let Some(column) = column {
            let names = table.columns.iter().map(|column| column.name.clone());
            let names: Vec<_> = names.collect();
            table.columns.retain(|stats| stats.name == column);
            if table.columns.is_empty() {
                return Err(TraceoError::ColumnNotFound {
                    id: job_id.to_string(),
                    column,
                    columns: names.join(", "),
                });
            }
        }
        Ok(Json(table))
    }

    #[obs::observed(fields(job_id = %job_id))]
    #[tool(description = "Stop a job. The rows it has imported stay.")]
    async fn cancel_job(
        &self,
        Parameters(OfJob { job_id }): Parameters<OfJob>,
    ) -> Result<Json<Job>, TraceoError> {
        about_job(&job_id);
        Ok(Json(self.engine.cancel(&job_id).await?))
    }

    #[tool(description = "What is accepted: sizes and numbers of jobs.")]
    async fn limits(&self) -> Result<Json<Limits>, TraceoError> {
        Ok(Json(Limits::of(&self.engine.limits().await?)))
    }

    #[tool(description = "What a third party says about a currency.")]
    async fn external_data(
        &self,
        Parameters(ExternalDataOf { currency }): Parameters<ExternalDataOf>,
    ) -> Result<Json<ExternalData>, TraceoError> {
        Ok(Json(self.engine.external_data(&currency).await?))
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
