//! The queue of an engine that is alone.

use std::collections::{HashSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::timeout;

use crate::api::JobId;

#[derive(Debug)]
pub(in crate::engine) struct Memory {
    capacity: usize,
    jobs: Mutex<Jobs>,
    added: Notify,
}

#[derive(Debug, Default)]
struct Jobs {
    order: VecDeque<JobId>,
    known: HashSet<JobId>,
}

impl Memory {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            capacity,
            jobs: Mutex::default(),
            added: Notify::new(),
        }
    }

    pub(super) fn put(&self, jobs: &[JobId]) -> u64 {
        let mut added = 0;
        let mut queue = self.jobs();
        for job in jobs {
            if queue.order.len() < self.capacity && queue.known.insert(job.clone()) {
                queue.order.push_back(job.clone());
                added += 1;
                self.added.notify_one();
            }
        }
        added
    }

    pub(super) async fn take(&self, wait: Duration) -> Option<JobId> {
        let first = async {
            loop {
                if let Some(job) = self.first() {
                    return job;
                }
                self.added.notified().await;
            }
        };
        timeout(wait, first).await.ok()
    }

    fn first(&self) -> Option<JobId> {
        let mut queue = self.jobs();
        let job = queue.order.pop_front()?;
        queue.known.remove(&job);
        // One notice is kept for any number of jobs: whoever takes one wakes the next.
        if !queue.order.is_empty() {
            self.added.notify_one();
        }
        Some(job)
    }

    pub(super) fn depth(&self) -> i64 {
        i64::try_from(self.jobs().order.len()).unwrap_or(i64::MAX)
    }

    fn jobs(&self) -> MutexGuard<'_, Jobs> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Memory;
    use crate::api::JobId;

    #[tokio::test(start_paused = true)]
    async fn jobs_come_out_once_and_in_order_and_no_more_of_them_than_there_is_room() {
        let queue = Memory::new(2);
        let jobs = [JobId::new(), JobId::new(), JobId::new()];
        assert_eq!(queue.put(&[jobs[0].clone(), jobs[0].clone()]), 1);
        assert_eq!(queue.put(&jobs), 1);
        assert_eq!(queue.depth(), 2);
        let wait = Duration::from_secs(1);
        assert_eq!(queue.take(wait).await.as_ref(), Some(&jobs[0]));
        assert_eq!(queue.put(&jobs[..1]), 1);
        assert_eq!(queue.take(wait).await.as_ref(), Some(&jobs[1]));
        assert_eq!(queue.take(wait).await.as_ref(), Some(&jobs[0]));
        assert_eq!(queue.take(wait).await, None);
    }
}
