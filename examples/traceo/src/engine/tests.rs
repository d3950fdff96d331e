//! Jobs from their acceptance to their end, on a real database in a temporary directory.

use std::fmt::Write as _;
use std::time::Duration;

use tempfile::TempDir;

use super::{Engine, EngineError, Input, Job, JobStatus, Layout, Limits};

async fn open(directory: &TempDir) -> Engine {
    open_with(directory, Limits::default()).await
}

async fn open_with(directory: &TempDir, limits: Limits) -> Engine {
    Engine::open(directory.path(), limits).await.unwrap()
}

async fn submit(engine: &Engine, content: &str) -> Job {
    let input = Input::Inline(content.to_owned());
    engine.submit(input, Layout::default()).await.unwrap()
}

/// Waits until the job is what is asked for.
async fn wait(engine: &Engine, id: i64, is_so: impl Fn(&Job) -> bool) -> Job {
    let waiting = async {
        loop {
            let (job, _) = engine.job(id).await.unwrap();
            if is_so(&job) {
                return job;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(60), waiting).await;
    waited.expect("the job gets there within a minute")
}

async fn ended(engine: &Engine, id: i64) -> Job {
    wait(engine, id, |job| job.status.has_ended()).await
}

/// A file that takes a while to import.
fn long_file(directory: &TempDir) -> Input {
    let mut content = "n,text\n".to_owned();
    for n in 0..300_000 {
        writeln!(content, "{n},some text that takes room").unwrap();
    }
    let path = directory.path().join("long.csv");
    std::fs::write(&path, content).unwrap();
    Input::File(path)
}

#[tokio::test]
async fn an_import_completes_with_its_rows_its_mistakes_and_its_statistics() {
    let directory = TempDir::new().unwrap();
    let engine = open(&directory).await;
    let job = submit(&engine, "a,b\n1,x\n2\n3,\"y\n").await;
    assert!(!job.status.has_ended());
    let job = ended(&engine, job.job_id).await;
    assert_eq!(job.status, JobStatus::Completed);
    assert_eq!((job.rows_ok, job.rows_rejected), (1, 2));
    assert_eq!(job.bytes_read, job.bytes_total);
    assert!(job.started_at.is_some() && job.ended_at >= job.started_at);

    let (_, errors) = engine.job(job.job_id).await.unwrap();
    let places: Vec<_> = errors
        .iter()
        .map(|error| (error.kind.as_str(), error.row, error.column))
        .collect();
    assert_eq!(
        places,
        [("wrong_column_count", 3, 2), ("unterminated_quote", 4, 2)]
    );

    let columns = engine.columns(job.job_id).await.unwrap();
    assert_eq!(columns[0].name, "a");
    assert_eq!(columns[0].mean, Some(1.0));
    assert_eq!(columns[1].max.as_deref(), Some("x"));
}

#[tokio::test]
async fn a_hundred_mistakes_are_kept_and_all_are_counted() {
    let directory = TempDir::new().unwrap();
    let engine = open(&directory).await;
    let content = "a,b\n1,2\n".to_owned() + &"3\n".repeat(2500);
    let job = submit(&engine, &content).await;
    let job = ended(&engine, job.job_id).await;
    assert_eq!((job.rows_ok, job.rows_rejected), (1, 2500));
    let (_, errors) = engine.job(job.job_id).await.unwrap();
    assert_eq!(errors.len(), 100);
}

#[tokio::test]
async fn an_empty_file_fails_its_job_with_the_kind_and_the_place() {
    let directory = TempDir::new().unwrap();
    let engine = open(&directory).await;
    let job = submit(&engine, "").await;
    let job = ended(&engine, job.job_id).await;
    assert_eq!(job.status, JobStatus::Failed);
    let failure = job.failure.unwrap();
    assert_eq!(failure.kind, "empty_file");
    assert_eq!((failure.row, failure.column), (Some(1), Some(1)));
}

#[tokio::test]
async fn what_is_no_regular_file_or_too_large_is_refused_at_once() {
    let directory = TempDir::new().unwrap();
    let limits = Limits {
        file_bytes: 10,
        inline_bytes: 10,
        ..Limits::default()
    };
    let engine = open_with(&directory, limits).await;
    let refused = async |input| engine.submit(input, Layout::default()).await.unwrap_err();

    let missing = refused(Input::File("/no/such/file.csv".into())).await;
    assert!(
        matches!(missing, EngineError::FileNotFound { .. }),
        "{missing}"
    );
    let folder = refused(Input::File(directory.path().into())).await;
    assert!(matches!(folder, EngineError::NotAFile { .. }), "{folder}");
    let large = directory.path().join("large.csv");
    std::fs::write(&large, "a\n123456789\n").unwrap();
    let large = refused(Input::File(large)).await;
    assert!(
        large.to_string().contains("has 12 bytes, the limit is 10"),
        "{large}"
    );
    let long = refused(Input::Inline("a\n123456789\n".into())).await;
    assert!(matches!(long, EngineError::InlineTooLarge { .. }), "{long}");
    assert_eq!(engine.jobs(None, 10).await.unwrap(), []);
}

#[tokio::test]
async fn a_cancelled_job_keeps_the_rows_it_has() {
    let directory = TempDir::new().unwrap();
    let engine = open(&directory).await;
    let input = long_file(&directory);
    let job = engine.submit(input, Layout::default()).await.unwrap();
    wait(&engine, job.job_id, |job| job.rows_ok > 0).await;
    let job = engine.cancel(job.job_id).await.unwrap();
    assert_eq!(job.status, JobStatus::Cancelled);
    assert!((1..300_000).contains(&job.rows_ok), "{job:?}");
    let columns = engine.columns(job.job_id).await.unwrap();
    assert_eq!(columns[0].count, job.rows_ok);

    let again = engine.cancel(job.job_id).await.unwrap_err();
    assert!(matches!(again, EngineError::JobEnded { .. }), "{again}");
}

#[tokio::test]
async fn a_job_that_waits_can_be_cancelled_and_a_full_queue_is_refused() {
    let directory = TempDir::new().unwrap();
    let limits = Limits {
        workers: 1,
        jobs: 2,
        ..Limits::default()
    };
    let engine = open_with(&directory, limits).await;
    let running = engine
        .submit(long_file(&directory), Layout::default())
        .await
        .unwrap();
    let waiting = submit(&engine, "a\n1\n").await;
    let input = Input::Inline("a\n1\n".into());
    let refused = engine.submit(input, Layout::default()).await.unwrap_err();
    assert!(
        matches!(refused, EngineError::QueueFull { limit: 2 }),
        "{refused}"
    );

    let waiting = engine.cancel(waiting.job_id).await.unwrap();
    assert_eq!(waiting.status, JobStatus::Cancelled);
    assert_eq!(waiting.started_at, None);
    engine.cancel(running.job_id).await.unwrap();
}

#[tokio::test]
async fn jobs_survive_a_restart_and_stopping_interrupts_what_runs() {
    let directory = TempDir::new().unwrap();
    let engine = open(&directory).await;
    let done = submit(&engine, "a\n1\n").await;
    ended(&engine, done.job_id).await;
    let long = engine
        .submit(long_file(&directory), Layout::default())
        .await
        .unwrap();
    wait(&engine, long.job_id, |job| job.rows_ok > 0).await;
    engine.stop().await;
    drop(engine);

    let engine = open(&directory).await;
    let jobs = engine.jobs(None, 10).await.unwrap();
    let kinds: Vec<_> = jobs.iter().map(|job| job.status).collect();
    assert_eq!(kinds, [JobStatus::Failed, JobStatus::Completed]);
    assert_eq!(jobs[0].failure.as_ref().unwrap().kind, "interrupted");
    assert!(jobs[0].rows_ok > 0);
    let next = submit(&engine, "a\n1\n").await;
    assert!(next.job_id > long.job_id, "ids are not used again");
}

#[tokio::test]
async fn a_second_process_leaves_the_running_jobs_of_the_first_alone() {
    let directory = TempDir::new().unwrap();
    let first = open(&directory).await;
    let input = long_file(&directory);
    let job = first.submit(input, Layout::default()).await.unwrap();
    wait(&first, job.job_id, |job| job.rows_ok > 0).await;

    let second = open(&directory).await;
    let (seen, _) = second.job(job.job_id).await.unwrap();
    assert_eq!(seen.status, JobStatus::Running);
    let refused = second.cancel(job.job_id).await.unwrap_err();
    assert!(
        matches!(refused, EngineError::JobElsewhere { .. }),
        "{refused}"
    );
    first.cancel(job.job_id).await.unwrap();
}

#[tokio::test]
async fn statistics_are_refused_with_a_reason_while_a_job_runs_or_when_it_has_none() {
    let directory = TempDir::new().unwrap();
    let engine = open(&directory).await;
    let input = long_file(&directory);
    let long = engine.submit(input, Layout::default()).await.unwrap();
    let early = engine.columns(long.job_id).await.unwrap_err();
    assert!(
        matches!(early, EngineError::StatisticsNotReady { .. }),
        "{early}"
    );
    engine.cancel(long.job_id).await.unwrap();

    let unknown = engine.columns(999).await.unwrap_err();
    assert!(
        matches!(unknown, EngineError::JobNotFound { id: 999 }),
        "{unknown}"
    );
}
