#![deny(warnings)]

mod facade {
    pub use obs::*;
}

mod server {
    use rmcp::{tool, tool_router};

    pub struct Engine;

    #[obs::observed(crate = crate::facade)]
    #[tool_router(server_handler)]
    impl Engine {
        #[tool]
        async fn first(&self) -> String {
            String::new()
        }

        #[obs::observed(slo(at = 0.5, target = 99.0))]
        #[tool]
        async fn second(&self) -> String {
            String::new()
        }
    }
}

#[facade::observed(crate = crate::facade)]
fn through_a_facade() {}

#[obs::observed(crate = ::obs)]
fn by_its_name() {}

fn main() {
    through_a_facade();
    by_its_name();
    let _ = server::Engine;
}
