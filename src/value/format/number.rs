//! Floats with a precision, and thousands separators.

/// Rust refuses to format with more digits than fit 16 bits.
const MOST_DIGITS: usize = 60_000;

/// A finite or special float in `kind` (`e`, `f`, `g`, upper case too) with `precision` digits;
/// `alternate` keeps the point and trailing zeros. The sign is included only if negative.
pub fn format_float(f: f64, kind: char, precision: usize, alternate: bool) -> String {
    let precision = precision.min(MOST_DIGITS);
    let text = if f.is_nan() {
        "nan".to_owned()
    } else if f.is_infinite() {
        if f > 0.0 { "inf" } else { "-inf" }.to_owned()
    } else {
        match kind.to_ascii_lowercase() {
            'e' => exponent(f, precision, alternate),
            'g' => general(f, precision, alternate),
            _ => fixed(f, precision, alternate),
        }
    };
    if kind.is_ascii_uppercase() { text.to_ascii_uppercase() } else { text }
}

fn fixed(f: f64, precision: usize, alternate: bool) -> String {
    let mut text = format!("{f:.precision$}");
    if alternate && precision == 0 {
        text.push('.');
    }
    text
}

fn exponent(f: f64, precision: usize, alternate: bool) -> String {
    let (mantissa, exponent) = scientific(f, precision);
    let point = if alternate && precision == 0 { "." } else { "" };
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}{point}e{sign}{:02}", exponent.abs())
}

fn scientific(f: f64, precision: usize) -> (String, i32) {
    let text = format!("{f:.precision$e}");
    // Rust always writes the exponent, as a plain integer.
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    (mantissa.to_owned(), exponent.parse().unwrap_or(0))
}

fn general(f: f64, precision: usize, alternate: bool) -> String {
    let precision = precision.max(1);
    let (_, exp) = scientific(f, precision - 1);
    // Precision was cut to a small number above.
    let digits = i32::try_from(precision).unwrap_or(i32::MAX);
    if exp < -4 || exp >= digits {
        let (mantissa, exp) = scientific(f, precision - 1);
        let mantissa = if alternate { mantissa } else { trim_zeros(mantissa) };
        let sign = if exp < 0 { '-' } else { '+' };
        return format!("{mantissa}e{sign}{:02}", exp.abs());
    }
    let places = usize::try_from(digits - 1 - exp).unwrap_or(0);
    let text = fixed(f, places, alternate);
    if alternate { text } else { trim_zeros(text) }
}

fn trim_zeros(text: String) -> String {
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

/// Puts `separator` between groups of `size` digits of the integer part; pads with zeros to
/// `width` first, as `format` does for `0` padding.
pub fn group_digits(digits: &str, separator: char, size: usize, width: usize) -> String {
    let whole_len = digits.bytes().take_while(u8::is_ascii_alphanumeric).count();
    let whole_len =
        digits[..whole_len].find(['e', 'E', '.']).filter(|_| size == 3).unwrap_or(whole_len);
    let (whole, rest) = digits.split_at(whole_len);
    let grouped = |whole: &str| {
        let mut out = String::new();
        for (i, c) in whole.chars().enumerate() {
            if i > 0 && (whole.len() - i).is_multiple_of(size) {
                out.push(separator);
            }
            out.push(c);
        }
        out
    };
    let mut padded = whole.to_owned();
    while grouped(&padded).len() + rest.len() < width {
        padded.insert(0, '0');
    }
    // A separator never stands first: Python adds a digit before it instead.
    format!("{}{rest}", grouped(&padded))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_with_precision() {
        for (f, kind, precision, alternate, text) in [
            (1234.5678, 'f', 2, false, "1234.57"),
            (0.5, 'f', 0, false, "0"),
            (1.5, 'f', 0, true, "2."),
            (1234.5678, 'e', 2, false, "1.23e+03"),
            (1e-10, 'E', 1, false, "1.0E-10"),
            (1234567.0, 'g', 6, false, "1.23457e+06"),
            (0.0001, 'g', 6, false, "0.0001"),
            (0.00001, 'g', 6, false, "1e-05"),
            (100000.0, 'g', 6, false, "100000"),
            (100000.0, 'g', 6, true, "100000."),
            (0.0, 'g', 0, false, "0"),
        ] {
            assert_eq!(format_float(f, kind, precision, alternate), text, "{f} {kind}");
        }
        assert_eq!(group_digits("1234567.891", ',', 3, 0), "1,234,567.891");
        assert_eq!(group_digits("1234", ',', 3, 10), "00,001,234");
    }
}
