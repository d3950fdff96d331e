#[obs::observed]
#[derive(Clone)]
struct Job {
    id: u32,
}

#[obs::observed]
enum State {
    Done,
}

#[obs::observed]
mod engine {}

#[obs::observed]
const LIMIT: u32 = 1;

#[obs::observed]
static NAME: &str = "engine";

#[obs::observed]
type Id = u32;

#[obs::observed]
trait Store {}

fn main() {
    let _ = (Job { id: LIMIT }.clone().id, State::Done, NAME.len() as Id);
}
