#![deny(warnings)]

use rmcp::{ServerHandler, tool, tool_router};

pub struct Engine<T>(pub T);

// Bare rmcp cannot write the handler of a generic type; `#[observed]` does.
#[obs::observed]
#[tool_router(server_handler)]
impl<T: Clone + Send + Sync + 'static> Engine<T> {
    #[tool]
    async fn import(&self) -> String {
        drop(self.0.clone());
        String::new()
    }
}

fn is_handler<S: ServerHandler>(_: &S) {}

fn main() {
    is_handler(&Engine(1));
    is_handler(&Engine(String::new()));
}
