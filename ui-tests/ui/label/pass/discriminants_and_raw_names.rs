#![deny(warnings)]
#![allow(non_camel_case_types)]

use obs::Label;

#[derive(Label, Clone, Copy)]
#[repr(u8)]
pub(crate) enum r#enum {
    r#type = 7,
    HTTPError = 9,
    Tuple(),
    Braces {},
}

fn main() {
    // A variant that carries nothing, however it is written, still says so.
    assert_eq!(r#enum::VALUES, ["type", "http_error", "tuple", "braces"]);
    assert_eq!(r#enum::HTTPError.index(), 1);
    assert_eq!((r#enum::r#type.index(), r#enum::Tuple().index(), r#enum::Braces {}.index()), (0, 2, 3));
}
