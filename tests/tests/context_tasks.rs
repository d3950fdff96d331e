//! Where a context goes along, and where it stays behind: it is never another request's.

use std::future::Future;
use std::sync::Arc;

use obs::{Ctx, InCtx, JoinSetExt};
use tokio::sync::{Barrier, mpsc, oneshot};
use tokio::task::{JoinSet, LocalSet, yield_now};

fn id() -> Option<String> {
    Ctx::current().map(|ctx| ctx.correlation_id().to_owned())
}

/// What runs between two moments at which another request has the thread.
async fn interrupted() -> Option<String> {
    for _ in 0..3 {
        yield_now().await;
    }
    id()
}

async fn joined<T: 'static>(mut set: JoinSet<T>) -> T {
    set.join_next().await.unwrap().unwrap()
}

/// By the means that carry the context along.
async fn with_ours(
    worker: mpsc::UnboundedSender<(Ctx, oneshot::Sender<Option<String>>)>,
) -> Vec<Option<String>> {
    let ctx = Ctx::current().unwrap();
    let mut set = JoinSet::new();
    set.spawn_in_ctx(interrupted());
    let thread = ctx.clone();
    let (answer, answered) = oneshot::channel();
    worker.send((ctx.clone(), answer)).unwrap();
    vec![
        obs::spawn(interrupted()).await.unwrap(),
        obs::spawn_blocking(id).await.unwrap(),
        joined(set).await,
        tokio::task::spawn_local(interrupted().in_ctx())
            .await
            .unwrap(),
        tokio::spawn(interrupted().with_ctx(ctx)).await.unwrap(),
        std::thread::spawn(move || thread.scope(id)).join().unwrap(),
        answered.await.unwrap(),
    ]
}

/// By those that know nothing of it.
async fn without() -> Vec<Option<String>> {
    let mut set = JoinSet::new();
    set.spawn(interrupted());
    vec![
        tokio::spawn(interrupted()).await.unwrap(),
        tokio::task::spawn_blocking(id).await.unwrap(),
        joined(set).await,
        tokio::task::spawn_local(interrupted()).await.unwrap(),
        std::thread::spawn(id).join().unwrap(),
    ]
}

#[test]
fn k1_a_context_goes_along_by_our_means_and_by_no_others() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    LocalSet::new().block_on(&runtime, async {
        let (worker, mut messages) =
            mpsc::unbounded_channel::<(Ctx, oneshot::Sender<Option<String>>)>();
        tokio::spawn(async move {
            while let Some((ctx, answer)) = messages.recv().await {
                assert_eq!(id(), None, "a worker belongs to nobody");
                answer.send(interrupted().with_ctx(ctx).await).unwrap();
            }
        });
        let together = Arc::new(Barrier::new(20));
        let requests = (0..20).map(|_| {
            let (ctx, worker, together) = (Ctx::new(), worker.clone(), Arc::clone(&together));
            let own = Some(ctx.correlation_id().to_owned());
            let request = async move {
                together.wait().await;
                assert_eq!(with_ours(worker).await, vec![own.clone(); 7]);
                assert_eq!(without().await, vec![None; 5]);
                assert_eq!(id(), own, "it has its own back");
            };
            tokio::task::spawn_local(request.with_ctx(ctx))
        });
        let requests: Vec<_> = requests.collect();
        all(requests).await;
        assert_eq!(id(), None);
    });
}

async fn all<T>(tasks: Vec<impl Future<Output = Result<T, tokio::task::JoinError>>>) {
    for task in tasks {
        task.await.unwrap();
    }
}
