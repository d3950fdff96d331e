//! Spelling of numbers, without allocation.

use core::fmt::Write as _;

/// Appends an integer.
pub(super) fn unsigned(out: &mut String, mut value: u64) {
    let mut digits = [0u8; 20];
    let mut start = digits.len();
    loop {
        start -= 1;
        digits[start] = b'0' + (value % 10) as u8;
        value /= 10;
        if value == 0 {
            break;
        }
    }
    out.extend(digits[start..].iter().map(|&digit| char::from(digit)));
}

/// Appends a signed integer.
pub(super) fn signed(out: &mut String, value: i64) {
    if value < 0 {
        out.push('-');
    }
    unsigned(out, value.unsigned_abs());
}

/// Appends the shortest spelling that reads back as the same number.
///
/// Exponents are written as Go and Python write them, so that a scrape compares equal to theirs.
pub(super) fn float(out: &mut String, value: f64) {
    spell(out, value, false);
}

/// Appends a number the way `OpenMetrics` wants it in `le` and `quantile`: `1.0`, never `1`.
///
/// Both formats use it, or a server that changes the format it asks for would see new series.
pub(super) fn canonical(out: &mut String, value: f64) {
    spell(out, value, true);
}

fn spell(out: &mut String, value: f64, fraction: bool) {
    if value.is_nan() {
        out.push_str("NaN");
        return;
    }
    if value.is_infinite() {
        out.push_str(if value > 0.0 { "+Inf" } else { "-Inf" });
        return;
    }
    let mut shortest = Scientific::default();
    // Never fails: the longest is `-1.2345678901234567e-308`, 24 bytes.
    if write!(shortest, "{value:e}").is_err() {
        return;
    }
    let text = shortest.as_str();
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let (whole, decimals) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if negative {
        out.push('-');
    }
    match exponent {
        // `0.0001`: the digits follow leading zeros.
        -4..=-1 => {
            out.push_str("0.");
            for _ in 1..-exponent {
                out.push('0');
            }
            out.push_str(whole);
            out.push_str(decimals);
        }
        // `123456.7`: the point moves right.
        0..=5 => {
            let point = usize::try_from(exponent).unwrap_or(0);
            out.push_str(whole);
            if decimals.len() > point {
                out.push_str(&decimals[..point]);
                out.push('.');
                out.push_str(&decimals[point..]);
            } else {
                out.push_str(decimals);
                for _ in decimals.len()..point {
                    out.push('0');
                }
                if fraction {
                    out.push_str(".0");
                }
            }
        }
        _ => {
            out.push_str(mantissa);
            out.push('e');
            out.push(if exponent < 0 { '-' } else { '+' });
            let magnitude = u64::from(exponent.unsigned_abs());
            if magnitude < 10 {
                out.push('0');
            }
            unsigned(out, magnitude);
        }
    }
}

/// What `{:e}` writes, on the stack.
#[derive(Default)]
struct Scientific {
    bytes: [u8; 32],
    len: usize,
}

impl Scientific {
    fn as_str(&self) -> &str {
        core::str::from_utf8(&self.bytes[..self.len]).unwrap_or("0")
    }
}

impl core::fmt::Write for Scientific {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        let end = self.len + text.len();
        let place = self.bytes.get_mut(self.len..end).ok_or(core::fmt::Error)?;
        place.copy_from_slice(text.as_bytes());
        self.len = end;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{canonical, float, signed, unsigned};

    fn spelled(write: fn(&mut String, f64), value: f64) -> String {
        let mut out = String::new();
        write(&mut out, value);
        out
    }

    #[test]
    fn bounds_are_spelled_as_openmetrics_lists_them() {
        for (value, text) in [
            (1e-10, "1e-10"),
            (1e-5, "1e-05"),
            (0.0001, "0.0001"),
            (0.05, "0.05"),
            (0.25, "0.25"),
            (1.0, "1.0"),
            (2.5, "2.5"),
            (10.0, "10.0"),
            (300.0, "300.0"),
            (100_000.0, "100000.0"),
            (1e6, "1e+06"),
            (1_048_576.0, "1.048576e+06"),
            (1e10, "1e+10"),
            (f64::INFINITY, "+Inf"),
        ] {
            assert_eq!(spelled(canonical, value), text);
        }
    }

    #[test]
    fn every_float_reads_back_as_itself() {
        let mut seed = 0x9E37_79B9_7F4A_7C15_u64;
        let mut values = vec![
            0.0,
            -0.0,
            1e-300,
            1e21,
            f64::MAX,
            f64::MIN,
            f64::MIN_POSITIVE,
            5e-324,
            0.1 + 0.2,
            123_456.7,
            999_999.0,
            1_000_000.5,
        ];
        for _ in 0..20_000 {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            values.push(f64::from_bits(seed));
        }
        for value in values.into_iter().filter(|value| value.is_finite()) {
            for text in [spelled(float, value), spelled(canonical, value)] {
                let back: f64 = text.parse().unwrap();
                assert_eq!(back.to_bits(), value.to_bits(), "{text}");
            }
        }
    }

    #[test]
    fn what_is_no_number_is_spelled_out() {
        assert_eq!(spelled(float, f64::NAN), "NaN");
        assert_eq!(spelled(float, f64::INFINITY), "+Inf");
        assert_eq!(spelled(float, f64::NEG_INFINITY), "-Inf");
    }

    #[test]
    fn integers_are_exact_at_both_ends() {
        let mut out = String::new();
        for value in [0, 9, 10, u64::MAX] {
            out.clear();
            unsigned(&mut out, value);
            assert_eq!(out, value.to_string());
        }
        for value in [i64::MIN, -1, 0, i64::MAX] {
            out.clear();
            signed(&mut out, value);
            assert_eq!(out, value.to_string());
        }
    }
}
