//! The engine, as the tools call it: every call has a limit of time, every answer one of size.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use reqwest::Response;
use reqwest::header::CONTENT_LENGTH;
use reqwest_middleware::RequestBuilder;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::error::{EngineCallError, EngineCode};
use super::input::Opened;
use super::results::ExternalData;
use crate::api::{
    Accepted, ColumnTable, Job, JobId, JobList, JobReport, JobStatus, MAX_NAME, UploadParameters,
    text,
};
use crate::telemetry::{ANONYMOUS, Client, Origin, USER, about_job};

const CALL: Duration = Duration::from_secs(10);
const UPLOAD: Duration = Duration::from_secs(10 * 60);

/// How long the engine's limits are believed: it may be started anew with others.
const LIMITS_HOLD: Duration = Duration::from_secs(60);

/// The largest answer that is read, in bytes: the statistics of a very wide file.
const MAX_ANSWER: usize = 16 * 1024 * 1024;

/// The largest answer to a call that failed.
const MAX_PROBLEM: usize = 64 * 1024;

/// Characters of the engine's words that are passed on.
const MAX_DETAIL: usize = 1000;

/// A client of the engine.
#[derive(Clone, Debug)]
pub(crate) struct Engine {
    client: Client,
    url: Arc<str>,
    file_limit: Arc<Mutex<Option<(Instant, u64)>>>,
}

/// What is read of a problem document.
#[derive(Debug, Default, Deserialize)]
struct Problem {
    #[serde(default)]
    code: String,
    title: Option<String>,
    detail: Option<String>,
}

impl Engine {
    pub(crate) fn new(client: Client, url: &str) -> Self {
        Self {
            client,
            url: url.into(),
            file_limit: Arc::default(),
        }
    }

    /// Sends a text; every later line of the caller has the id of the job that came of it.
    pub(super) async fn upload(
        &self,
        upload: Opened,
        mut parameters: UploadParameters,
    ) -> Result<Job, EngineCallError> {
        parameters.name = Some(end_of(&upload.name));
        parameters.source = Some(upload.source);
        let request = self.client.post(self.at("/uploads")).query(&parameters);
        let request = request
            .header(CONTENT_LENGTH, upload.bytes)
            .body(upload.into_body());
        let job: Job = self.call(request, UPLOAD).await?;
        about_job(&job.job_id);
        Ok(job)
    }

    pub(super) async fn job(&self, id: &JobId) -> Result<JobReport, EngineCallError> {
        self.get(&format!("/jobs/{id}")).await
    }

    pub(super) async fn jobs(
        &self,
        status: Option<JobStatus>,
        limit: u16,
    ) -> Result<JobList, EngineCallError> {
        let request = self.client.get(self.at("/jobs"));
        let request = request.query(&[("limit", limit)]);
        let request = match status {
            Some(status) => request.query(&[("status", text(status))]),
            None => request,
        };
        self.call(request, CALL).await
    }

    pub(super) async fn columns(&self, id: &JobId) -> Result<ColumnTable, EngineCallError> {
        self.get(&format!("/jobs/{id}/columns")).await
    }

    pub(super) async fn cancel(&self, id: &JobId) -> Result<Job, EngineCallError> {
        let url = self.at(&format!("/jobs/{id}/cancel"));
        self.call(self.client.post(url), CALL).await
    }

    pub(super) async fn limits(&self) -> Result<Accepted, EngineCallError> {
        self.get("/limits").await
    }

    pub(super) async fn external_data(
        &self,
        currency: &str,
    ) -> Result<ExternalData, EngineCallError> {
        let request = self.client.get(self.at("/external-data"));
        self.call(request.query(&[("currency", currency)]), CALL)
            .await
    }

    /// Returns the largest file that the engine takes; once known, it is believed for a minute.
    pub(super) async fn file_limit(&self) -> Result<u64, EngineCallError> {
        if let Some((since, bytes)) = *self.known_limit()
            && since.elapsed() < LIMITS_HOLD
        {
            return Ok(bytes);
        }
        // Asked by each at once: one after the other they would wait for an engine that is silent
        // as often as there are calls.
        let bytes = self.limits().await?.file_bytes;
        *self.known_limit() = Some((Instant::now(), bytes));
        Ok(bytes)
    }

    fn known_limit(&self) -> MutexGuard<'_, Option<(Instant, u64)>> {
        self.file_limit
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, EngineCallError> {
        self.call(self.client.get(self.at(path)), CALL).await
    }

    async fn call<T: DeserializeOwned>(
        &self,
        request: RequestBuilder,
        time: Duration,
    ) -> Result<T, EngineCallError> {
        let actor = Origin::current().actor;
        let request = if actor == ANONYMOUS {
            request
        } else {
            request.header(USER, actor)
        };
        let answered = request.timeout(time).send().await;
        let response = answered.map_err(|error| self.unanswered(error))?;
        if response.status().is_success() {
            let answer = self.read(response, MAX_ANSWER).await?;
            return serde_json::from_slice(&answer).map_err(|error| {
                let why = error.to_string();
                EngineCallError::EngineMalformed { why }
            });
        }
        let status = response.status().as_u16();
        let problem = self.read(response, MAX_PROBLEM).await?;
        // What stands in for the engine, such as a proxy, answers without one.
        let problem = serde_json::from_slice(&problem).unwrap_or_default();
        Err(failed(status, problem))
    }

    async fn read(&self, mut response: Response, limit: usize) -> Result<Vec<u8>, EngineCallError> {
        let mut answer = Vec::new();
        loop {
            let chunk = response.chunk().await;
            let Some(chunk) = chunk.map_err(|error| self.unanswered(error.into()))? else {
                return Ok(answer);
            };
            if answer.len() + chunk.len() > limit {
                let why = format!("more than {limit} bytes");
                return Err(EngineCallError::EngineMalformed { why });
            }
            answer.extend_from_slice(&chunk);
        }
    }

    fn unanswered(&self, error: reqwest_middleware::Error) -> EngineCallError {
        // To connect takes long where nobody is.
        if error.is_timeout() && !error.is_connect() {
            return EngineCallError::EngineTimeout;
        }
        EngineCallError::EngineUnreachable {
            url: self.url.as_ref().to_owned(),
            error,
        }
    }
}

/// Returns as much of a name as the engine takes. Of a path, the end says more than its beginning.
fn end_of(name: &str) -> String {
    let too_many = name.chars().count().saturating_sub(MAX_NAME);
    if too_many == 0 {
        return name.to_owned();
    }
    let end = name.chars().skip(too_many + 1);
    std::iter::once('…').chain(end).collect()
}

fn failed(status: u16, problem: Problem) -> EngineCallError {
    let words = problem.detail.or(problem.title);
    let words = words.unwrap_or_else(|| format!("the engine answered {status}"));
    let words: String = words.chars().take(MAX_DETAIL).collect();
    let refused = EngineCallError::refused(&problem.code, words);
    match refused {
        EngineCallError::EngineRefused(_) if !(400..500).contains(&status) => {
            let code = EngineCode::from_str_or_other(&problem.code);
            EngineCallError::EngineFailed { code }
        }
        refused => refused,
    }
}
