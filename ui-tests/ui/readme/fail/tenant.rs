#[derive(obs::Label, Clone, Copy)]
enum Source {
    Upload,
    #[label(value = "s3")]
    ObjectStore,
}

obs::metrics! {
    registry IMPORTS;

    /// Rows imported, by where the file came from and whose it is.
    counter imports_rows_total(source: Source, tenant: String);
}

fn main() {
    imports_rows_total(Source::Upload, String::from("acme")).inc();
    imports_rows_total(Source::ObjectStore, String::from("acme")).inc();
}
