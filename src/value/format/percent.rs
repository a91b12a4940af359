//! `'…' % args`.

use num_bigint::BigInt;
use num_traits::Signed;

use super::number::format_float;
use crate::value::{
    Number, PyError, PyErrorKind, PyResult, Str, Value, access,
    markup::{escape, escaped, is_escaped},
    number::{decimal, float_to_bigint},
    ops::{operand, settle_typed},
    repr::{repr, to_text},
    types::type_name,
};

/// Where the values come from.
struct Args<'a> {
    items: Vec<Value>,
    next: usize,
    /// The right-hand side itself, if it can be asked for keys.
    mapping: Option<&'a Value>,
    /// Whether the template is escaped text, so that what it shows is escaped too.
    escapes: bool,
    /// Whether the template is bytes, a character each.
    bytes: bool,
}

impl<'a> Args<'a> {
    /// The right-hand side of a template that is text or bytes.
    fn of(args: &'a Value, bytes: bool) -> Self {
        let (items, mapping) = match args {
            Value::Tuple(items) => (items.to_vec(), None),
            other => {
                let keyed = match other {
                    Value::Str(_) | Value::Vaulted(_) => false,
                    Value::Bytes(_) => !bytes,
                    Value::List(_) | Value::Undefined(_) => true,
                    other => access::is_mapping(other),
                };
                (vec![other.clone()], keyed.then_some(other))
            }
        };
        Self { items, next: 0, mapping, escapes: false, bytes }
    }

    fn next(&mut self) -> PyResult<Value> {
        let item = self.items.get(self.next).cloned();
        self.next += 1;
        item.ok_or_else(|| PyError::type_error("not enough arguments for format string"))
    }
}

#[derive(Default)]
struct Spec {
    left: bool,
    plus: bool,
    space: bool,
    alternate: bool,
    zero: bool,
    width: usize,
    precision: Option<usize>,
}

/// `template % args`.
pub fn percent(template: &Str, args: &Value) -> PyResult<Str> {
    let mut args = Args::of(args, false);
    args.escapes = is_escaped(template);
    let out = filled(template, &mut args)?;
    if !template.contains('%') {
        // Nothing was formatted: it is the text itself.
        return Ok(template.clone());
    }
    let is_unsafe = args.items.iter().any(is_unsafe);
    Ok(if is_unsafe { template.alike(out).into_unsafe() } else { template.alike(out) })
}

/// `template % args` of bytes.
pub fn percent_bytes(template: &[u8], args: &Value) -> PyResult<Vec<u8>> {
    let text: String = template.iter().map(|b| char::from(*b)).collect();
    let out = filled(&text, &mut Args::of(args, true))?;
    // All that is put in is bytes or ASCII.
    Ok(out.chars().map(|c| u8::try_from(c).unwrap_or(b'?')).collect())
}

fn filled(template: &str, args: &mut Args) -> PyResult<String> {
    let chars: Vec<char> = template.chars().collect();
    let mut out = String::with_capacity(template.len());
    let mut at = 0;
    while at < chars.len() {
        if chars[at] == '%' {
            at += 1;
            at = field(&chars, at, args, &mut out)?;
        } else {
            out.push(chars[at]);
            at += 1;
        }
    }
    if args.next < args.items.len() && args.mapping.is_none() {
        let what = if args.bytes { "bytes" } else { "string" };
        let text = format!("not all arguments converted during {what} formatting");
        return Err(PyError::type_error(text));
    }
    Ok(out)
}

fn is_unsafe(value: &Value) -> bool {
    matches!(value, Value::Str(s) if s.is_unsafe())
}

fn incomplete() -> PyError {
    PyError::value_error("incomplete format")
}

/// Formats the field after a `%` at `at`; gives where it ends.
fn field(chars: &[char], mut at: usize, args: &mut Args, out: &mut String) -> PyResult<usize> {
    if chars.get(at) == Some(&'%') {
        out.push('%');
        return Ok(at + 1);
    }
    let mut keyed = None;
    if chars.get(at) == Some(&'(') {
        let (key, end) = key(chars, at)?;
        let Some(mapping) = args.mapping else {
            return Err(PyError::type_error("format requires a mapping"));
        };
        let key = if args.bytes { Value::Bytes(latin(&key).into()) } else { Value::str(key) };
        keyed = Some(access::subscript(mapping, &key)?);
        at = end;
    }
    let mut spec = Spec::default();
    while let Some(c) = chars.get(at) {
        match c {
            '-' => spec.left = true,
            '+' => spec.plus = true,
            ' ' => spec.space = true,
            '#' => spec.alternate = true,
            '0' => spec.zero = true,
            _ => break,
        }
        at += 1;
    }
    let (width, end) = size(chars, at, args)?;
    at = end;
    if let Some(width) = width {
        spec.left |= width < 0;
        spec.width = usize::try_from(width.unsigned_abs()).unwrap_or(0);
    }
    if chars.get(at) == Some(&'.') {
        let (precision, end) = size(chars, at + 1, args)?;
        spec.precision = Some(usize::try_from(precision.unwrap_or(0)).unwrap_or(0));
        at = end;
    }
    if matches!(chars.get(at), Some('h' | 'l' | 'L')) {
        at += 1;
    }
    let kind = *chars.get(at).ok_or_else(incomplete)?;
    let value = match keyed {
        Some(value) => {
            args.next = args.items.len();
            value
        }
        None => args.next()?,
    };
    let value = match kind {
        's' | 'b' if args.bytes => {
            out.push_str(&pad(cut(bytes_of(&value)?, &spec), &spec, false));
            return Ok(at + 1);
        }
        'r' if args.bytes => {
            out.push_str(&convert(&value, 'a', &spec, at)?);
            return Ok(at + 1);
        }
        'c' if args.bytes => {
            out.push_str(&pad(byte(&value)?.to_string(), &spec, false));
            return Ok(at + 1);
        }
        's' if args.escapes => Value::str(escaped(&value)?),
        'r' | 'a' if args.escapes => {
            let text = escape(&repr(&value)?);
            out.push_str(&pad(cut(text, &spec), &spec, false));
            return Ok(at + 1);
        }
        _ => value,
    };
    out.push_str(&convert(&value, kind, &spec, at)?);
    Ok(at + 1)
}

fn latin(text: &str) -> Vec<u8> {
    text.chars().filter_map(|c| u8::try_from(c).ok()).collect()
}

fn bytes_of(value: &Value) -> PyResult<String> {
    match settle_typed(value)?.as_ref() {
        Value::Bytes(b) => Ok(b.iter().map(|b| char::from(*b)).collect()),
        other => Err(PyError::type_error(format!(
            "%b requires a bytes-like object, or an object that implements __bytes__, not '{}'",
            type_name(other)
        ))),
    }
}

fn byte(value: &Value) -> PyResult<char> {
    let byte = match settle_typed(value)?.as_ref() {
        Value::Bytes(b) if b.len() == 1 => Ok(b[0]),
        Value::Bool(b) => Ok(u8::from(*b)),
        Value::Int(n) => u8::try_from(*n).map_err(|_| true),
        Value::BigInt(_) => Err(true),
        _ => Err(false),
    };
    byte.map(char::from).map_err(|a_number| match a_number {
        true => PyError::new(PyErrorKind::OverflowError, "%c arg not in range(256)"),
        false => PyError::type_error("%c requires an integer in range(256) or a single byte"),
    })
}

fn key(chars: &[char], open: usize) -> PyResult<(String, usize)> {
    let mut depth = 0;
    for (i, c) in chars.iter().enumerate().skip(open) {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Ok((chars[open + 1..i].iter().collect(), i + 1));
        }
    }
    Err(PyError::value_error("incomplete format key"))
}

/// A width or precision: digits, or `*` for the next argument.
fn size(chars: &[char], mut at: usize, args: &mut Args) -> PyResult<(Option<i64>, usize)> {
    if chars.get(at) == Some(&'*') {
        return match args.next()? {
            Value::Int(n) => Ok((Some(n), at + 1)),
            Value::Bool(b) => Ok((Some(i64::from(b)), at + 1)),
            Value::BigInt(_) => Err(PyError::new(
                PyErrorKind::OverflowError,
                "Python int too large to convert to C ssize_t",
            )),
            _ => Err(PyError::type_error("* wants int")),
        };
    }
    let start = at;
    while chars.get(at).is_some_and(char::is_ascii_digit) {
        at += 1;
    }
    if start == at {
        return Ok((None, at));
    }
    let digits: String = chars[start..at].iter().collect();
    match digits.parse::<i32>() {
        Ok(n) => Ok((Some(i64::from(n)), at)),
        Err(_) => Err(PyError::value_error("width too big")),
    }
}

fn cut(text: String, spec: &Spec) -> String {
    match spec.precision {
        Some(p) => text.chars().take(p).collect(),
        None => text,
    }
}

fn convert(value: &Value, kind: char, spec: &Spec, at: usize) -> PyResult<String> {
    match kind {
        's' => Ok(pad(cut(to_text(value)?, spec), spec, false)),
        'r' => Ok(pad(cut(repr(value)?, spec), spec, false)),
        'a' => Ok(pad(cut(super::braces::ascii(value)?, spec), spec, false)),
        'c' => Ok(pad(character(value)?, spec, false)),
        'd' | 'i' | 'u' | 'o' | 'x' | 'X' => integer(value, kind, spec),
        'e' | 'E' | 'f' | 'F' | 'g' | 'G' => {
            let v = operand(value)?;
            let f = Number::of(v.as_ref()).and_then(|n| n.to_f64()).ok_or_else(|| {
                PyError::type_error(format!("must be real number, not {}", type_name(value)))
            })?;
            let text = format_float(f, kind, spec.precision.unwrap_or(6), spec.alternate);
            Ok(pad(signed(text, spec), spec, true))
        }
        other => Err(PyError::value_error(format!(
            "unsupported format character '{}' (0x{:x}) at index {at}",
            if (' '..'\x7f').contains(&other) { other } else { '?' },
            u32::from(other)
        ))),
    }
}

fn character(value: &Value) -> PyResult<String> {
    let c = match settle_typed(value)?.as_ref() {
        Value::Str(s) if s.chars().count() == 1 => s.chars().next(),
        Value::Int(n) => match u32::try_from(*n).ok().and_then(char::from_u32) {
            Some(c) => Some(c),
            None => {
                return Err(PyError::new(
                    PyErrorKind::OverflowError,
                    "%c arg not in range(0x110000)",
                ));
            }
        },
        Value::Bool(b) => Some(char::from(u8::from(*b))),
        Value::BigInt(_) => {
            return Err(PyError::new(PyErrorKind::OverflowError, "%c arg not in range(0x110000)"));
        }
        _ => None,
    };
    c.map(String::from).ok_or_else(|| PyError::type_error("%c requires int or char"))
}

fn integer(value: &Value, kind: char, spec: &Spec) -> PyResult<String> {
    let is_real = matches!(kind, 'd' | 'i' | 'u');
    let v = if is_real { operand(value)? } else { settle_typed(value)? };
    let n: Option<BigInt> = match Number::of(v.as_ref()) {
        Some(Number::Float(f)) if is_real => {
            if !f.is_finite() {
                let what = if f.is_nan() { "NaN" } else { "infinity" };
                let message = format!("cannot convert float {what} to integer");
                return Err(if f.is_nan() {
                    PyError::value_error(message)
                } else {
                    PyError::new(PyErrorKind::OverflowError, message)
                });
            }
            float_to_bigint(f)
        }
        Some(number) => number.to_bigint(),
        None => None,
    };
    let n = n.ok_or_else(|| {
        let wanted = if is_real { "a real number" } else { "an integer" };
        PyError::type_error(format!(
            "%{kind} format: {wanted} is required, not {}",
            type_name(value)
        ))
    })?;
    let (radix, prefix) = match kind {
        'o' => (8, "0o"),
        'x' => (16, "0x"),
        'X' => (16, "0X"),
        _ => (10, ""),
    };
    let mut digits = if radix == 10 { decimal(&n.abs())? } else { n.abs().to_str_radix(radix) };
    if kind == 'X' {
        digits = digits.to_ascii_uppercase();
    }
    if let Some(p) = spec.precision {
        digits = format!("{}{digits}", "0".repeat(p.saturating_sub(digits.len())));
    }
    let sign = if n.is_negative() { "-" } else { "" };
    let prefix = if spec.alternate { prefix } else { "" };
    Ok(pad(signed(format!("{sign}{prefix}{digits}"), spec), spec, true))
}

fn signed(text: String, spec: &Spec) -> String {
    if text.starts_with('-') {
        text
    } else if spec.plus {
        format!("+{text}")
    } else if spec.space {
        format!(" {text}")
    } else {
        text
    }
}

fn pad(text: String, spec: &Spec, number: bool) -> String {
    let missing = spec.width.saturating_sub(text.chars().count());
    if missing == 0 {
        return text;
    }
    if spec.left {
        return text + &" ".repeat(missing);
    }
    if spec.zero && number {
        let sign = text.len() - text.trim_start_matches(['-', '+', ' ']).len();
        let head = match text.get(sign..sign + 2) {
            Some("0x" | "0X" | "0o") => sign + 2,
            _ => sign,
        };
        return format!("{}{}{}", &text[..head], "0".repeat(missing), &text[head..]);
    }
    " ".repeat(missing) + &text
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::value::Dict;

    #[test]
    fn formats() {
        let dict: Dict = [("a", Value::Int(3))].into_iter().collect();
        let t = |items: Vec<Value>| Value::tuple(items);
        for (template, args, text) in [
            ("%s-%s", t(vec![Value::Int(1), Value::None]), "1-None"),
            ("%5.2f|", Value::Float(3.217), " 3.22|"),
            ("%-5d|", Value::Int(42), "42   |"),
            ("%05d", Value::Int(-42), "-0042"),
            ("%+d", Value::Int(42), "+42"),
            ("%#x", Value::Int(255), "0xff"),
            ("%#06x", Value::Int(255), "0x00ff"),
            ("%X", Value::Int(-255), "-FF"),
            ("%o", Value::Int(8), "10"),
            ("%(a)s%%", dict.into(), "3%"),
            ("%d", Value::Float(3.9), "3"),
            ("%d", Value::Bool(true), "1"),
            ("%r", Value::str("x"), "'x'"),
            ("%s", Value::list(vec![Value::Int(1)]), "[1]"),
            ("%.2s", Value::str("abc"), "ab"),
            ("%*d", t(vec![Value::Int(4), Value::Int(1)]), "   1"),
            ("%c", Value::Int(65), "A"),
            ("%e", Value::Int(1), "1.000000e+00"),
            ("%g", Value::Float(0.5), "0.5"),
            ("abc", Value::list(vec![]), "abc"),
        ] {
            assert_eq!(&*percent(&Str::new(template), &args).unwrap(), text, "{template}");
        }
    }

    #[test]
    fn errors() {
        let t = |items: Vec<Value>| Value::tuple(items);
        for (template, args, message) in [
            ("%s %s", Value::Int(1), "not enough arguments for format string"),
            (
                "%s",
                t(vec![Value::Int(1), Value::Int(2)]),
                "not all arguments converted during string formatting",
            ),
            ("%d", Value::str("x"), "%d format: a real number is required, not str"),
            ("%x", Value::Float(1.0), "%x format: an integer is required, not float"),
            ("%f", Value::str("x"), "must be real number, not str"),
            ("%y", Value::Int(1), "unsupported format character 'y' (0x79) at index 1"),
            ("%", Value::Int(1), "incomplete format"),
            ("%(a)s", Value::Int(1), "format requires a mapping"),
        ] {
            assert_eq!(percent(&Str::new(template), &args).unwrap_err().message, message);
        }
    }
}
