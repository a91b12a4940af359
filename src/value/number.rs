//! Numbers of any of Python's types, and floats as Python writes and reads them.

use num_bigint::BigInt;
use num_traits::{Signed, ToPrimitive, Zero};

use super::{PyError, PyResult, Value};

/// A number with its Python type; `bool` counts as an integer.
#[derive(Clone, Debug)]
pub enum Number {
    /// An integer within 64 bits.
    Int(i64),
    /// A longer integer.
    Big(BigInt),
    /// A float.
    Float(f64),
}

impl Number {
    /// The number that `value` is, if it is one.
    pub fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Bool(b) => Some(Self::Int(i64::from(*b))),
            Value::Int(n) => Some(Self::Int(*n)),
            Value::BigInt(n) => Some(Self::Big((**n).clone())),
            Value::Float(f) => Some(Self::Float(*f)),
            _ => None,
        }
    }

    /// As an integer of any length, unless it is a float.
    pub fn to_bigint(&self) -> Option<BigInt> {
        match self {
            Self::Int(n) => Some(BigInt::from(*n)),
            Self::Big(n) => Some(n.clone()),
            Self::Float(_) => None,
        }
    }

    /// As a float; `None` if the integer is too large for one.
    pub fn to_f64(&self) -> Option<f64> {
        match self {
            Self::Int(n) => Some(*n as f64),
            Self::Big(n) => n.to_f64().filter(|f| f.is_finite()),
            Self::Float(f) => Some(*f),
        }
    }

    /// Whether it is zero.
    pub fn is_zero(&self) -> bool {
        match self {
            Self::Int(n) => *n == 0,
            Self::Big(n) => n.is_zero(),
            Self::Float(f) => *f == 0.0,
        }
    }

    /// Exact comparison, as Python compares integers with floats; `None` for NaN.
    pub fn compare(&self, other: &Self) -> Option<std::cmp::Ordering> {
        match (self, other) {
            (Self::Int(a), Self::Int(b)) => Some(a.cmp(b)),
            (Self::Float(a), Self::Float(b)) => a.partial_cmp(b),
            (Self::Float(a), b) => compare_int_float(&b.to_bigint()?, *a).map(|o| o.reverse()),
            (a, Self::Float(b)) => compare_int_float(&a.to_bigint()?, *b),
            (a, b) => Some(a.to_bigint()?.cmp(&b.to_bigint()?)),
        }
    }
}

fn compare_int_float(a: &BigInt, b: f64) -> Option<std::cmp::Ordering> {
    use std::cmp::Ordering::{Greater, Less};
    if b.is_nan() {
        return None;
    }
    if b.is_infinite() {
        return Some(if b > 0.0 { Less } else { Greater });
    }
    let floor = float_to_bigint(b.floor())?;
    Some(a.cmp(&floor).then(if b.fract() == 0.0 { std::cmp::Ordering::Equal } else { Less }))
}

/// The integer part of a finite float, exactly.
pub fn float_to_bigint(f: f64) -> Option<BigInt> {
    num_traits::FromPrimitive::from_f64(f.trunc())
}

/// `repr(float)`: the shortest digits that read back, with Python's exponents.
pub fn float_repr(f: f64) -> String {
    if f.is_nan() {
        return "nan".to_owned();
    }
    if f.is_infinite() {
        return if f > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    let scientific = format!("{f:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    // Rust writes the exponent of a finite float as a plain integer.
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..16).contains(&exponent) {
        let plain = format!("{f}");
        return if plain.contains('.') { plain } else { format!("{plain}.0") };
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.abs())
}

/// What Python's `float(text)` reads; `None` if it is no number.
pub fn parse_float(text: &str) -> Option<f64> {
    let text = strip_underscores(text.trim_matches(super::text::is_space))?;
    let body = text.strip_prefix(['+', '-']).unwrap_or(&text);
    let lower = body.to_ascii_lowercase();
    let sign = if text.starts_with('-') { -1.0 } else { 1.0 };
    match lower.as_str() {
        "inf" | "infinity" => return Some(sign * f64::INFINITY),
        "nan" => return Some(f64::NAN),
        _ => {}
    }
    if !body.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        || !body
            .bytes()
            .all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'+' | b'-'))
    {
        return None;
    }
    text.parse().ok()
}

/// Python converts no longer integers between text and number.
const MOST_DIGITS: usize = 4300;

/// The decimal digits of an integer, unless there are more than Python writes.
pub fn decimal(n: &BigInt) -> PyResult<String> {
    let text = n.to_string();
    if text.trim_start_matches('-').len() > MOST_DIGITS {
        return Err(PyError::value_error(
            "Exceeds the limit (4300 digits) for integer string conversion; use \
             sys.set_int_max_str_digits() to increase the limit",
        ));
    }
    Ok(text)
}

/// What Python's `int(text, base)` reads; `None` if it is no number in that base.
pub fn parse_int(text: &str, base: u32) -> Option<BigInt> {
    let text = text.trim_matches(super::text::is_space);
    let (negative, body) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let prefix = body.get(..2).map(str::to_ascii_lowercase);
    let (base, body) = match (base, prefix.as_deref()) {
        (0 | 16, Some("0x")) => (16, prefixed(body)),
        (0 | 8, Some("0o")) => (8, prefixed(body)),
        (0 | 2, Some("0b")) => (2, prefixed(body)),
        (0, _) => {
            // `int('007', 0)` is refused, `int('00', 0)` is not.
            if body.starts_with('0') && body.bytes().any(|b| b.is_ascii_digit() && b != b'0') {
                return None;
            }
            (10, body)
        }
        (base, _) => (base, body),
    };
    let digits = strip_underscores(body)?;
    if digits.is_empty() || !digits.chars().all(|c| c.is_digit(base)) {
        return None;
    }
    let n = BigInt::parse_bytes(digits.as_bytes(), base)?;
    Some(if negative { -n } else { n })
}

/// The digits after `0x`; one underscore may stand between.
fn prefixed(body: &str) -> &str {
    let rest = &body[2..];
    rest.strip_prefix('_').unwrap_or(rest)
}

/// Removes single underscores between digits; `None` where Python refuses them. Decimal digits of
/// other scripts become ASCII.
fn strip_underscores(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut last = '_';
    for c in text.chars() {
        match c {
            '_' if !last.is_ascii_alphanumeric() => return None,
            '_' => {}
            _ if last == '_' && !out.is_empty() && !c.is_ascii_alphanumeric() => return None,
            c if c.is_ascii() => out.push(c),
            c => out.push(char::from_digit(super::text::decimal_digit(c)?, 10)?),
        }
        last = c;
    }
    (last != '_' || text.is_empty()).then_some(out)
}

/// `round(number, digits)` of an integer with negative digits: half to even.
pub fn round_int(n: &BigInt, digits: u32) -> BigInt {
    let unit = BigInt::from(10).pow(digits);
    let half = &unit / 2;
    let rest = ((n % &unit) + &unit) % &unit;
    let floor = n - &rest;
    let even = (&floor / &unit) % BigInt::from(2) == BigInt::zero();
    match rest.cmp(&half) {
        std::cmp::Ordering::Less => floor,
        std::cmp::Ordering::Equal if even => floor,
        _ => floor + unit,
    }
}

/// `round(float, digits)`: correctly rounded on the exact decimal value, as CPython does.
pub fn round_float(f: f64, digits: i32) -> f64 {
    if !f.is_finite() || digits > 323 {
        return f;
    }
    if digits < -308 {
        return 0.0_f64.copysign(f);
    }
    if let Ok(places) = usize::try_from(digits) {
        // Rust formats the exact value of the float, half to even, as CPython's dtoa does.
        return format!("{f:.places$}").parse().unwrap_or(f);
    }
    let places = digits.unsigned_abs();
    let Some(whole) = float_to_bigint(f) else { return f };
    let unit = BigInt::from(10).pow(places);
    let rounded = round_int(&whole, places);
    // A fraction breaks the tie that `round_int` saw on the whole part alone.
    let rest = (&whole % &unit).abs();
    let rounded = if f.fract() != 0.0 && &rest * 2 == unit {
        let away = if f > 0.0 { &whole + &unit } else { &whole - &unit };
        &away - (&away % &unit)
    } else {
        rounded
    };
    rounded.to_f64().unwrap_or(f).copysign(f)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_are_written_as_python_does() {
        for (f, text) in [
            (1.0, "1.0"),
            (1e20, "1e+20"),
            (1e16, "1e+16"),
            (1e15, "1000000000000000.0"),
            (1e-7, "1e-07"),
            (0.0001, "0.0001"),
            (1.5e300, "1.5e+300"),
            (0.1 + 0.2, "0.30000000000000004"),
            (-0.0, "-0.0"),
            (f64::INFINITY, "inf"),
            (f64::NAN, "nan"),
        ] {
            assert_eq!(float_repr(f), text);
        }
    }

    #[test]
    fn numbers_are_read_as_python_does() {
        for (text, base, n) in [
            ("42", 10, Some(42)),
            (" -1_000 ", 10, Some(-1000)),
            ("0x1f", 16, Some(31)),
            ("1f", 16, Some(31)),
            ("0x_1f", 0, Some(31)),
            ("007", 0, None),
            ("007", 10, Some(7)),
            ("1__0", 10, None),
            ("_1", 10, None),
            ("1_", 10, None),
            ("", 10, None),
            ("-", 10, None),
            ("12a", 10, None),
            ("٣", 10, Some(3)),
        ] {
            assert_eq!(parse_int(text, base), n.map(BigInt::from), "{text}");
        }
        for (text, f) in [
            ("1e3", Some(1000.0)),
            ("1_0.5", Some(10.5)),
            ("-.5", Some(-0.5)),
            ("5.", Some(5.0)),
            ("inf", Some(f64::INFINITY)),
            ("1e", None),
            (".", None),
            ("", None),
            ("0x10", None),
            ("infinit", None),
        ] {
            assert_eq!(parse_float(text), f, "{text}");
        }
    }

    #[test]
    fn rounding_is_half_to_even_on_the_exact_value() {
        for (f, digits, rounded) in [
            (2.5, 0, 2.0),
            (3.5, 0, 4.0),
            (2.675, 2, 2.67),
            (42.55, 1, 42.5),
            (1234.0, -2, 1200.0),
            (1250.0, -2, 1200.0),
            (1350.0, -2, 1400.0),
            (1250.5, -2, 1300.0),
            (-1250.5, -2, -1300.0),
        ] {
            assert_eq!(round_float(f, digits), rounded, "{f} {digits}");
        }
        assert_eq!(round_int(&BigInt::from(-25), 1), BigInt::from(-20));
        assert_eq!(round_int(&BigInt::from(-35), 1), BigInt::from(-40));
    }
}
