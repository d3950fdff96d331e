#[derive(obs::Label, Clone, Copy)]
#[label(crate = telemetry)]
enum Source {
    Upload,
}

fn main() {}
