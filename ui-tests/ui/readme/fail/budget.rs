#[derive(obs::Label, Clone, Copy)]
enum Source {
    Upload,
    #[label(value = "s3")]
    ObjectStore,
}

obs::metrics! {
    registry IMPORTS;
    max_series = 50;

    /// Seconds that an import took.
    histogram imports_duration_seconds(source: Source, retried: bool, dry_run: bool) {
        buckets = [0.1, 0.5, 1.0, 5.0],
    }
}

fn main() {
    let _timer = imports_duration_seconds(Source::Upload, false, true).start_timer();
    let _timer = imports_duration_seconds(Source::ObjectStore, true, false).start_timer();
}
