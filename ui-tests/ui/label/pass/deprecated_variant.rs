#![deny(warnings)]

#[derive(obs::Label, Clone, Copy)]
pub enum Source {
    Upload,
    #[deprecated]
    Fax,
}

fn main() {
    let _ = Source::Upload;
}
