//! `format(value, spec)`: the format specification mini-language.

use num_bigint::BigInt;
use num_traits::{Signed, ToPrimitive};

use super::{braces::no_spec, number::format_float, number::group_digits};
use crate::value::{
    Number, PyError, PyErrorKind, PyResult, Value,
    number::{decimal, float_repr},
    ops::settle_typed,
    repr::to_text,
    text::char_len,
    types::class_name,
};

#[derive(Clone, Debug)]
struct Spec {
    fill: char,
    align: Option<char>,
    sign: Option<char>,
    alternate: bool,
    zero: bool,
    width: usize,
    grouping: Option<char>,
    precision: Option<usize>,
    kind: Option<char>,
}

/// `format(value, spec)`.
pub fn format_value(value: &Value, spec: &str) -> PyResult<String> {
    if spec.is_empty() {
        return to_text(value);
    }
    let v = settle_typed(value)?;
    let value = v.as_ref();
    match value {
        Value::Str(s) => format_text(s, &parse(spec, value)?),
        Value::Bool(_) | Value::Int(_) | Value::BigInt(_) => {
            let spec = parse(spec, value)?;
            match Number::of(value).and_then(|n| n.to_bigint()) {
                Some(n) => format_int(&n, &spec, value),
                None => Err(no_spec(value)),
            }
        }
        Value::Float(f) => format_real(*f, &parse(spec, value)?, value),
        Value::Date(d) => {
            let midnight = d.and_time(chrono::NaiveTime::MIN);
            crate::value::strftime::strftime(spec, &midnight, None)
        }
        Value::DateTime(d, offset) => crate::value::strftime::strftime(spec, d, *offset),
        other => Err(no_spec(other)),
    }
}

fn is_align(c: char) -> bool {
    matches!(c, '<' | '>' | '=' | '^')
}

fn parse(spec: &str, value: &Value) -> PyResult<Spec> {
    let chars: Vec<char> = spec.chars().collect();
    let mut at = 0;
    let mut out = Spec {
        fill: ' ',
        align: None,
        sign: None,
        alternate: false,
        zero: false,
        width: 0,
        grouping: None,
        precision: None,
        kind: None,
    };
    if chars.get(1).copied().is_some_and(is_align) {
        (out.fill, out.align) = (chars[0], Some(chars[1]));
        at = 2;
    } else if chars.first().copied().is_some_and(is_align) {
        out.align = Some(chars[0]);
        at = 1;
    }
    if let Some(c @ ('+' | '-' | ' ')) = chars.get(at) {
        out.sign = Some(*c);
        at += 1;
    }
    if chars.get(at) == Some(&'#') {
        out.alternate = true;
        at += 1;
    }
    if chars.get(at) == Some(&'0') {
        out.zero = true;
        at += 1;
    }
    (out.width, at) = digits(&chars, at)?;
    if let Some(c @ (',' | '_')) = chars.get(at) {
        out.grouping = Some(*c);
        at += 1;
        if let Some(second @ (',' | '_')) = chars.get(at) {
            return Err(PyError::value_error(if second == c {
                format!("Cannot specify '{c}' with '{c}'.")
            } else {
                "Cannot specify both ',' and '_'.".to_owned()
            }));
        }
    }
    if chars.get(at) == Some(&'.') {
        let (precision, end) = digits(&chars, at + 1)?;
        if end == at + 1 {
            return Err(PyError::value_error("Format specifier missing precision"));
        }
        out.precision = Some(precision);
        at = end;
    }
    if chars.len() > at + 1 {
        return Err(PyError::value_error(format!(
            "Invalid format specifier '{spec}' for object of type '{}'",
            class_name(value)
        )));
    }
    out.kind = chars.get(at).copied();
    Ok(out)
}

fn digits(chars: &[char], from: usize) -> PyResult<(usize, usize)> {
    let mut at = from;
    while chars.get(at).is_some_and(char::is_ascii_digit) {
        at += 1;
    }
    let text: String = chars[from..at].iter().collect();
    if text.is_empty() {
        return Ok((0, at));
    }
    match text.parse::<i32>() {
        Ok(n) => Ok((usize::try_from(n).unwrap_or(0), at)),
        Err(_) => Err(PyError::value_error("Too many decimal digits in format string")),
    }
}

fn unknown(kind: char, value: &Value) -> PyError {
    PyError::value_error(format!(
        "Unknown format code '{kind}' for object of type '{}'",
        class_name(value)
    ))
}

fn format_text(text: &crate::value::Str, spec: &Spec) -> PyResult<String> {
    let value = Value::Str(text.clone());
    match spec.kind {
        None | Some('s') => {}
        Some(kind) => return Err(unknown(kind, &value)),
    }
    if spec.sign.is_some() {
        return Err(PyError::value_error("Sign not allowed in string format specifier"));
    }
    if spec.alternate {
        return Err(PyError::value_error(
            "Alternate form (#) not allowed in string format specifier",
        ));
    }
    if spec.align == Some('=') {
        return Err(PyError::value_error("'=' alignment not allowed in string format specifier"));
    }
    if let Some(c) = spec.grouping {
        return Err(PyError::value_error(format!("Cannot specify '{c}' with 's'.")));
    }
    let cut: String = match spec.precision {
        Some(p) => text.chars().take(p).collect(),
        None => text.to_string(),
    };
    let fill = if spec.zero && spec.fill == ' ' { '0' } else { spec.fill };
    Ok(align(cut, 0, &Spec { fill, ..spec.clone() }, '<'))
}

/// Pads `text`, whose first `head` bytes are sign and prefix.
fn align(text: String, head: usize, spec: &Spec, default: char) -> String {
    let missing = spec.width.saturating_sub(char_len(&text));
    let fill = |n: usize| spec.fill.to_string().repeat(n);
    match spec.align.unwrap_or(default) {
        '<' => text + &fill(missing),
        '^' => format!("{}{text}{}", fill(missing / 2), fill(missing - missing / 2)),
        '=' => format!("{}{}{}", &text[..head], fill(missing), &text[head..]),
        _ => fill(missing) + &text,
    }
}

/// Sign, prefix and digits, grouped and padded.
fn finish(negative: bool, prefix: &str, digits: &str, spec: &Spec) -> String {
    let sign = match (negative, spec.sign) {
        (true, _) => "-",
        (false, Some('+')) => "+",
        (false, Some(' ')) => " ",
        _ => "",
    };
    let head = sign.len() + prefix.len();
    let zero_padded =
        spec.zero && spec.align.is_none() || spec.fill == '0' && spec.align == Some('=');
    let spec =
        if zero_padded { &Spec { fill: '0', align: Some('='), ..spec.clone() } } else { spec };
    let digits = match spec.grouping {
        Some(separator) => {
            let size = if matches!(spec.kind, Some('b' | 'o' | 'x' | 'X')) { 4 } else { 3 };
            let width = if zero_padded { spec.width.saturating_sub(head) } else { 0 };
            group_digits(digits, separator, size, width)
        }
        None => digits.to_owned(),
    };
    align(format!("{sign}{prefix}{digits}"), head, spec, '>')
}

fn format_int(n: &BigInt, spec: &Spec, value: &Value) -> PyResult<String> {
    let kind = spec.kind.unwrap_or('d');
    if matches!(kind, 'e' | 'E' | 'f' | 'F' | 'g' | 'G' | '%') {
        let f = n.to_f64().filter(|f| f.is_finite()).ok_or_else(|| {
            PyError::new(PyErrorKind::OverflowError, "int too large to convert to float")
        })?;
        return format_real(f, spec, value);
    }
    if spec.precision.is_some() {
        return Err(PyError::value_error("Precision not allowed in integer format specifier"));
    }
    if kind == 'c' {
        let c = n.to_u32().and_then(char::from_u32).ok_or_else(|| {
            PyError::new(PyErrorKind::OverflowError, "%c arg not in range(0x110000)")
        })?;
        return Ok(align(c.to_string(), 0, spec, '<'));
    }
    let (radix, prefix) = match kind {
        'd' | 'n' => (10, ""),
        'b' => (2, "0b"),
        'o' => (8, "0o"),
        'x' => (16, "0x"),
        'X' => (16, "0X"),
        other => return Err(unknown(other, value)),
    };
    if spec.grouping == Some(',') && radix != 10 {
        return Err(PyError::value_error(format!("Cannot specify ',' with '{kind}'.")));
    }
    let mut digits = if radix == 10 { decimal(&n.abs())? } else { n.abs().to_str_radix(radix) };
    if kind == 'X' {
        digits = digits.to_ascii_uppercase();
    }
    Ok(finish(n.is_negative(), if spec.alternate { prefix } else { "" }, &digits, spec))
}

fn format_real(f: f64, spec: &Spec, value: &Value) -> PyResult<String> {
    let magnitude = f.abs();
    let digits = match spec.kind {
        None => match spec.precision {
            None => float_repr(magnitude),
            Some(p) => {
                // Like `g`, but with a digit after the point at least.
                let text = format_float(magnitude, 'g', p, spec.alternate);
                if text.contains(['.', 'e', 'n']) { text } else { general_with_point(magnitude, p) }
            }
        },
        Some('%') => {
            let p = spec.precision.unwrap_or(6);
            format_float(magnitude * 100.0, 'f', p, spec.alternate) + "%"
        }
        Some(kind @ ('e' | 'E' | 'f' | 'F' | 'g' | 'G')) => {
            format_float(magnitude, kind, spec.precision.unwrap_or(6), spec.alternate)
        }
        Some('n') => format_float(magnitude, 'g', spec.precision.unwrap_or(6), spec.alternate),
        Some(other) => return Err(unknown(other, value)),
    };
    Ok(finish(f.is_sign_negative() && !f.is_nan(), "", &digits, spec))
}

fn general_with_point(f: f64, precision: usize) -> String {
    let text = format_float(f, 'g', precision, false);
    // With as many digits before the point as are asked for, Python writes an exponent.
    if text.len() >= precision.max(1) && f != 0.0 {
        return format_float(f, 'e', precision.max(1) - 1, false);
    }
    text + ".0"
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn specifications() {
        for (value, spec, text) in [
            (Value::str("ab"), "*^6", "**ab**"),
            (Value::str("abc"), ".2", "ab"),
            (Value::str("a"), "3", "a  "),
            (Value::Int(42), "5", "   42"),
            (Value::Int(-42), "05", "-0042"),
            (Value::Int(255), "#x", "0xff"),
            (Value::Int(255), "#010b", "0b11111111"),
            (Value::Int(1234567), ",", "1,234,567"),
            (Value::Int(0x12345678), "_x", "1234_5678"),
            (Value::Int(1234), "010,", "00,001,234"),
            (Value::Int(3), ".2f", "3.00"),
            (Value::Int(65), "c", "A"),
            (Value::Bool(true), "d", "1"),
            (Value::Float(0.256), ".1%", "25.6%"),
            (Value::Float(3.0), ".3", "3.0"),
            (Value::Float(1234.0), ".3", "1.23e+03"),
            (Value::Float(-1.5), "+.1e", "-1.5e+00"),
            (Value::Float(1.5), "=+8", "+    1.5"),
            (Value::Float(1e20), "", "1e+20"),
        ] {
            assert_eq!(format_value(&value, spec).unwrap(), text, "{value:?} {spec}");
        }
        assert_eq!(
            format_value(&Value::None, "5").unwrap_err().message,
            "unsupported format string passed to NoneType.__format__"
        );
        assert_eq!(
            format_value(&Value::str("x"), "d").unwrap_err().message,
            "Unknown format code 'd' for object of type 'str'"
        );
    }
}
