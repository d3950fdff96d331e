#[obs::observed(tools = EngineTool)]
fn import() {}

fn main() {
    import();
}
