use std::rc::Rc;

#[obs::observed]
async fn local() {
    let here = Rc::new(1);
    std::future::ready(()).await;
    drop(here);
}

fn needs_send<T: Send>(_: T) {}

fn main() {
    needs_send(local());
}
