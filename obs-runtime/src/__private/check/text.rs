//! Text that is put together while rustc evaluates a constant, where there is no `format!`.

/// Room for one message; what does not fit is left out.
const SIZE: usize = 1024;

/// A message of a failing check.
#[derive(Clone, Copy)]
pub(super) struct Text {
    bytes: [u8; SIZE],
    len: usize,
}

impl Text {
    pub(super) const fn new() -> Self {
        Self {
            bytes: [0; SIZE],
            len: 0,
        }
    }

    /// Adds text. A piece that does not fit is left out whole, so that no character is cut.
    pub(super) const fn str(mut self, text: &str) -> Self {
        let text = text.as_bytes();
        if text.len() > SIZE - self.len {
            return self;
        }
        let mut i = 0;
        while i < text.len() {
            self.bytes[self.len] = text[i];
            self.len += 1;
            i += 1;
        }
        self
    }

    /// Adds a line that says why.
    pub(super) const fn note(self, text: &str) -> Self {
        self.str("\n  = note: ").str(text)
    }

    /// Adds a line that says what to do.
    pub(super) const fn help(self, text: &str) -> Self {
        self.str("\n  = help: ").str(text)
    }

    /// Adds a number in decimal.
    pub(super) const fn number(self, number: usize) -> Self {
        self.digits(number as u64, 1)
    }

    /// Adds at least `width` digits.
    const fn digits(mut self, number: u64, width: usize) -> Self {
        let mut digits = [b'0'; 20];
        let mut rest = number;
        let mut start = digits.len();
        while rest > 0 || digits.len() - start < width {
            start -= 1;
            digits[start] = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        while start < digits.len() && self.len < SIZE {
            self.bytes[self.len] = digits[start];
            self.len += 1;
            start += 1;
        }
        self
    }

    /// Adds a float with up to nine decimals, enough for bucket bounds down to a nanosecond.
    pub(super) const fn float(self, value: f64) -> Self {
        if value.is_nan() {
            return self.str("NaN");
        }
        let text = if value < 0.0 { self.str("-") } else { self };
        let value = if value < 0.0 { -value } else { value };
        if value.is_infinite() {
            return text.str("infinity");
        }
        if value >= 1e15 {
            // Past what the digits of a float can say one by one.
            let (mut mantissa, mut exponent) = (value, 0);
            while mantissa >= 10.0 {
                mantissa /= 10.0;
                exponent += 1;
            }
            return text.float(mantissa).str("e").digits(exponent, 1);
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "positive and below 1e15"
        )]
        let (mut whole, mut billionths) = {
            let whole = value as u64;
            (whole, ((value - whole as f64) * 1e9 + 0.5) as u64)
        };
        if billionths == 1_000_000_000 {
            (whole, billionths) = (whole + 1, 0);
        }
        let text = text.digits(whole, 1);
        if billionths == 0 {
            return text.str(".0");
        }
        let mut width = 9;
        while billionths.is_multiple_of(10) {
            billionths /= 10;
            width -= 1;
        }
        text.str(".").digits(billionths, width)
    }

    /// Whether a list in the message should come to an end.
    pub(super) const fn is_long(&self) -> bool {
        self.len > SIZE / 2
    }

    pub(super) const fn as_str(&self) -> &str {
        match str::from_utf8(self.bytes.split_at(self.len).0) {
            Ok(text) => text,
            Err(_) => "this text was cut; this is a bug in obs",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{SIZE, Text};

    #[test]
    fn floats_are_written_as_in_source() {
        for (value, text) in [
            (0.05, "0.05"),
            (1.0, "1.0"),
            (0.1 + 0.2, "0.3"),
            (300.0, "300.0"),
            (-2.5, "-2.5"),
            (0.000_001, "0.000001"),
            (0.0, "0.0"),
            (1_073_741_824.5, "1073741824.5"),
            (0.999_999_999_9, "1.0"),
            (2e21, "2.0e21"),
            (f64::INFINITY, "infinity"),
        ] {
            assert_eq!(Text::new().float(value).as_str(), text);
        }
    }

    #[test]
    fn numbers_are_written_in_full() {
        assert_eq!(Text::new().number(0).as_str(), "0");
        let most = usize::MAX.to_string();
        assert_eq!(Text::new().number(usize::MAX).as_str(), most);
    }

    #[test]
    fn what_does_not_fit_is_left_out() {
        let long = "x".repeat(SIZE - 3);
        let text = Text::new().str(&long).str("äöüß").str("abc").number(12345);
        assert_eq!(text.as_str(), format!("{long}abc"));
    }
}
