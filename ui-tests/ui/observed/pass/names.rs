#![deny(warnings)]
#![allow(mixed_script_confusables)]

#[obs::observed]
fn r#async(r#type: u8) -> u8 {
    r#type
}

#[obs::observed(name = "size.of/orders (new)")]
fn großartig(größe: u8) -> u8 {
    größe
}

#[obs::observed]
#[rustfmt::skip]
#[allow(clippy::too_many_arguments)]
fn many(a: u8, b: u8, c: u8, d: u8, e: u8, f: u8, g: u8, h: u8, i: u8, j: u8, k: u8, l: u8, m: u8,
    n: u8, o: u8, p: u8, q: u8, r: u8, s: u8, t: u8, u: u8, v: u8, w: u8, x: u8, y: u8, z: u8) -> u8 {
    a + b + c + d + e + f + g + h + i + j + k + l + m + n + o + p + q + r + s + t + u + v + w + x + y + z
}

fn main() {
    r#async(1);
    großartig(1);
    many(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
}
