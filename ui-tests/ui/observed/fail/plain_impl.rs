struct Engine;

#[obs::observed]
impl Engine {
    fn import(&self) {}
}

#[obs::observed]
impl Clone for Engine {
    fn clone(&self) -> Self {
        Self
    }
}

fn main() {
    Engine.clone().import();
}
