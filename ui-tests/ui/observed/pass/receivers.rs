#![deny(warnings)]

use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

#[derive(Clone)]
struct Job(u8);

impl Job {
    #[obs::observed]
    fn by_reference(&self) -> &u8 {
        &self.0
    }

    #[obs::observed]
    fn by_mutable_reference(&mut self) -> &mut u8 {
        &mut self.0
    }

    #[obs::observed]
    fn by_value(mut self) -> u8 {
        self.0 += 1;
        self.0
    }

    #[obs::observed]
    async fn in_a_box(self: Box<Self>) -> u8 {
        self.0
    }

    #[obs::observed]
    async fn in_an_arc(self: Arc<Self>) -> u8 {
        self.0
    }

    #[obs::observed]
    fn in_an_rc(self: &Rc<Self>) -> u8 {
        self.0
    }

    #[obs::observed]
    async fn pinned(self: Pin<&mut Self>) -> u8 {
        self.0
    }

    #[obs::observed]
    async fn with_a_lifetime<'a>(&'a self, _other: &str) -> &'a u8 {
        &self.0
    }

    #[obs::observed]
    fn associated() -> Self {
        Self(1)
    }
}

fn main() {
    let mut job = Job::associated();
    job.by_reference();
    job.by_mutable_reference();
    drop(Box::new(job.clone()).in_a_box());
    drop(Arc::new(job.clone()).in_an_arc());
    Rc::new(job.clone()).in_an_rc();
    drop(Pin::new(&mut job).pinned());
    drop(job.with_a_lifetime(""));
    job.by_value();
}
