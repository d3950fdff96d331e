//! Values about who may read `/metrics`.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::Parsed;
use crate::http::Token;

/// A file of tokens is not longer than this.
const MAX_FILE: u64 = 16 * 1024;

/// One token, or two while they are changed.
pub(in crate::start) fn tokens(text: &str) -> Parsed<Vec<Token>> {
    Token::parse_list(text).map_err(|error| error.to_string())
}

/// Reads the file, so that a wrong path is found at the start and not by the first scrape.
pub(in crate::start) fn tokens_of_file(path: &str) -> Parsed<Vec<Token>> {
    let content =
        read(Path::new(path)).map_err(|error| format!("the file cannot be read: {error}"))?;
    tokens(&content)
}

fn read(path: &Path) -> io::Result<String> {
    // Opening a pipe would wait for its writer.
    if !std::fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    let mut content = String::new();
    File::open(path)?
        .take(MAX_FILE)
        .read_to_string(&mut content)?;
    Ok(content)
}
