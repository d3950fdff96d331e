//! Takes files: first to the disk, whole, then into the table of jobs, and only then is it said.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

use axum::Json;
use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, Request, State};
use axum::http::header::{CONTENT_LENGTH, LOCATION};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::time::{Instant, timeout_at};

use super::Engine;
use super::error::{EngineError, ParameterError, UploadError};
use super::job::StorageOutcome;
use super::store::{self, NewJob};
use crate::api::{DeclaredColumn, Job, JobId, MAX_NAME, Source, UploadParameters};
use crate::csv::Layout;
use crate::database::{PATIENCE, StorageError, in_time};
use crate::metrics::engine::traceo_engine_uploads_total;
use crate::telemetry;

/// How long a client may keep silent within a body.
const SILENCE: Duration = Duration::from_secs(30);

/// How long a body may take altogether: each holds the place of a job, and what has not changed for
/// longer than [`ORPHANED`] is taken for left behind.
const WHOLE: Duration = Duration::from_secs(30 * 60);

/// Bytes between the network and the disk.
const BUFFER: usize = 256 * 1024;

/// Files without a job that are older than this belong to an engine that was killed.
const ORPHANED: Duration = Duration::from_secs(60 * 60);

/// The directory of uploaded files.
#[derive(Debug)]
pub(super) struct Uploads {
    directory: PathBuf,
    /// Uploads that are neither stored nor refused yet.
    under_way: AtomicI64,
}

impl Uploads {
    pub(super) fn open(directory: PathBuf) -> io::Result<Self> {
        std::fs::create_dir_all(&directory)?;
        Ok(Self {
            directory,
            under_way: AtomicI64::new(0),
        })
    }

    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    pub(super) fn file(&self, job: &JobId) -> PathBuf {
        self.directory.join(format!("{job}.csv"))
    }

    fn part(&self, job: &JobId) -> PathBuf {
        self.directory.join(format!("{job}.csv.part"))
    }

    /// Removes the file of a job that has ended.
    pub(super) async fn remove(&self, job: &JobId) {
        // The sweeper removes what could not be removed.
        tokio::fs::remove_file(self.file(job)).await.ok();
    }
}

/// Makes it known that an upload is under way, as long as it is.
struct UnderWay<'a>(&'a AtomicI64);

impl<'a> UnderWay<'a> {
    fn begin(uploads: &'a Uploads) -> Self {
        uploads.under_way.fetch_add(1, Ordering::SeqCst);
        Self(&uploads.under_way)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A file that is removed unless it is [kept](Self::keep).
struct Unfinished(Option<PathBuf>);

impl Unfinished {
    fn keep(mut self) {
        self.0 = None;
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Some(path) = self.0.take() {
            std::fs::remove_file(path).ok();
        }
    }
}

/// `POST /uploads`: the text as the body, how to read it as the query.
pub(super) async fn upload(
    State(engine): State<Engine>,
    parameters: Result<Query<UploadParameters>, QueryRejection>,
    request: Request,
) -> Response {
    // Before anything can be refused, so that whatever is said of the upload names it.
    let id = JobId::new();
    telemetry::about_job(&id);
    let parameters = match parameters {
        Ok(Query(parameters)) => parameters,
        Err(rejection) => {
            traceo_engine_uploads_total(Source::Upload, StorageOutcome::Refused).inc();
            return rejection.into_response();
        }
    };
    let source = parameters.source.unwrap_or(Source::Upload);
    let accepted = accept(&engine, id, parameters, request).await;
    match accepted {
        Ok(job) => {
            let location = format!("/jobs/{}", job.job_id);
            (StatusCode::ACCEPTED, [(LOCATION, location)], Json(job)).into_response()
        }
        Err(error) => {
            let outcome = match error {
                EngineError::Storage(_) | EngineError::Upload(UploadError::UploadNotKept(_)) => {
                    StorageOutcome::Failed
                }
                _ => StorageOutcome::Refused,
            };
            traceo_engine_uploads_total(source, outcome).inc();
            error.into_response()
        }
    }
}

#[obs::observed(name = "accept_job", fields(job_id = %id))]
async fn accept(
    engine: &Engine,
    id: JobId,
    parameters: UploadParameters,
    request: Request,
) -> Result<Job, EngineError> {
    if engine.stopping().is_cancelled() {
        return Err(UploadError::Stopping.into());
    }
    let layout = layout(&parameters)?;
    let name = match parameters.name {
        Some(name) if name.chars().count() > MAX_NAME => {
            return Err(bad("name", "at most 255 characters long").into());
        }
        Some(name) if !name.trim().is_empty() => name,
        _ => "upload".to_owned(),
    };
    let limit = engine.limits().file_bytes;
    if announced(request.headers()).is_some_and(|bytes| bytes > limit) {
        return Err(UploadError::UploadTooLarge { limit }.into());
    }
    let uploads = engine.uploads();
    let under_way = UnderWay::begin(uploads);
    refuse_above_the_limit(engine).await?;

    let part = uploads.part(&id);
    let unfinished = Unfinished(Some(part.clone()));
    let bytes = receive(request.into_body(), &part, limit).await?;
    let job = NewJob {
        source: parameters.source.unwrap_or(Source::Upload),
        id: id.clone(),
        name,
        layout,
        bytes,
    };
    // In a task of its own: a client that goes away now must not stop it between file and table.
    let stored = telemetry::on_a_task({
        let engine = engine.clone();
        async move {
            let id = job.id.clone();
            let source = job.source;
            let stored = keep(&engine, unfinished, job).await?;
            // Here, because the client may have gone away, and the job is there all the same.
            traceo_engine_uploads_total(source, StorageOutcome::Accepted).inc();
            engine.accepted(&id).await;
            Ok(stored)
        }
    });
    let job = stored
        .await
        .unwrap_or_else(|error| Err(UploadError::UploadNotKept(io::Error::other(error)).into()));
    drop(under_way);
    job
}

/// Counts uploads under way as jobs, so that many at once find no more room than one by one.
async fn refuse_above_the_limit(engine: &Engine) -> Result<(), EngineError> {
    let limit = engine.limits().jobs;
    // In this order: an upload that ends in between is counted twice rather than not at all.
    let under_way = engine.uploads().under_way.load(Ordering::SeqCst);
    let open = store::open_jobs(engine.database()).await?;
    if open + under_way > limit {
        return Err(UploadError::TooManyJobs { limit }.into());
    }
    Ok(())
}

/// Writes the body to the disk and returns its length.
async fn receive(body: Body, part: &Path, limit: u64) -> Result<u64, UploadError> {
    let not_kept = UploadError::UploadNotKept;
    let file = tokio::fs::File::create(part).await.map_err(not_kept)?;
    let mut file = tokio::io::BufWriter::with_capacity(BUFFER, file);
    let mut body = body;
    let mut bytes = 0;
    let end = Instant::now() + WHOLE;
    loop {
        let frame = timeout_at(end.min(Instant::now() + SILENCE), body.frame()).await;
        let data = match frame.map_err(|_| UploadError::UploadBroken)? {
            None => break,
            Some(frame) => frame.map_err(|_| UploadError::UploadBroken)?.into_data(),
        };
        // Trailers say nothing here.
        let Ok(data) = data else { continue };
        bytes += data.len() as u64;
        if bytes > limit {
            return Err(UploadError::UploadTooLarge { limit });
        }
        file.write_all(&data).await.map_err(not_kept)?;
    }
    if bytes == 0 {
        return Err(UploadError::EmptyUpload);
    }
    file.flush().await.map_err(not_kept)?;
    file.get_ref().sync_all().await.map_err(not_kept)?;
    Ok(bytes)
}

/// Gives the file its name and stores the job.
async fn keep(engine: &Engine, part: Unfinished, job: NewJob) -> Result<Job, EngineError> {
    let uploads = engine.uploads();
    let file = uploads.file(&job.id);
    tokio::fs::rename(uploads.part(&job.id), &file)
        .await
        .map_err(UploadError::UploadNotKept)?;
    part.keep();
    let unfinished = Unfinished(Some(file));
    sync(uploads.directory())
        .await
        .map_err(UploadError::UploadNotKept)?;
    let mut transaction = in_time(PATIENCE, engine.database().begin()).await?;
    let stored = in_time(PATIENCE, store::insert(&mut transaction, &job)).await?;
    // From here on the job may exist, even if nobody says so: then its file must, too. A file whose
    // job does not is found by the sweeper.
    unfinished.keep();
    let committed = async { transaction.commit().await.map_err(StorageError::from) };
    in_time(PATIENCE, committed).await?;
    Ok(stored)
}

/// Makes the new name of a file as lasting as what is in it.
async fn sync(directory: &Path) -> io::Result<()> {
    tokio::fs::File::open(directory).await?.sync_all().await
}

fn announced(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn layout(parameters: &UploadParameters) -> Result<Layout, ParameterError> {
    let delimiter = match parameters.delimiter {
        None => b',',
        Some(given) => match u8::try_from(given) {
            Ok(byte) if byte.is_ascii() && !b"\"\r\n\0".contains(&byte) => byte,
            _ => return Err(ParameterError::BadDelimiter { given }),
        },
    };
    let declared: Vec<DeclaredColumn> = match &parameters.columns {
        None => Vec::new(),
        Some(columns) => serde_json::from_str(columns).map_err(|error| {
            let why = error.to_string();
            ParameterError::BadColumns { why }
        })?,
    };
    Ok(Layout {
        delimiter,
        has_header: parameters.has_header.unwrap_or(true),
        declared,
    })
}

fn bad(name: &'static str, expected: &'static str) -> ParameterError {
    ParameterError::BadParameter { name, expected }
}

/// Removes files that belong to no job which could need them: what a killed engine left behind.
pub(super) async fn remove_orphans(engine: &Engine) -> io::Result<()> {
    let mut files = tokio::fs::read_dir(engine.uploads().directory()).await?;
    while let Some(file) = files.next_entry().await? {
        let name = file.file_name();
        let Some(name) = name.to_str() else { continue };
        let id = name
            .strip_suffix(".part")
            .unwrap_or(name)
            .strip_suffix(".csv");
        let Some(Ok(id)) = id.map(str::parse::<JobId>) else {
            continue;
        };
        let modified = file.metadata().await.and_then(|data| data.modified());
        let age = modified.map(|modified| SystemTime::now().duration_since(modified));
        let is_old = matches!(age, Ok(Ok(age)) if age > ORPHANED);
        let is_needed = store::needs_file(engine.database(), &id).await;
        if is_old && matches!(is_needed, Ok(false)) {
            tokio::fs::remove_file(file.path()).await.ok();
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::time::Duration;

    use axum::body::{Body, Bytes};
    use futures_util::stream::unfold;
    use tempfile::TempDir;
    use tokio::time::{Instant, sleep};

    use super::{UploadError, WHOLE, receive};

    #[tokio::test(start_paused = true)]
    async fn a_body_that_never_ends_is_given_up_however_slowly_it_comes() {
        let directory = TempDir::new().unwrap();
        let drops = unfold((), async |()| {
            sleep(Duration::from_secs(20)).await;
            Some((Ok::<_, Infallible>(Bytes::from_static(b"1")), ()))
        });
        let part = directory.path().join("part");
        let started = Instant::now();
        let received = receive(Body::from_stream(drops), &part, u64::MAX).await;
        assert!(matches!(received, Err(UploadError::UploadBroken)));
        assert!((WHOLE..WHOLE + Duration::from_secs(1)).contains(&started.elapsed()));
    }
}
