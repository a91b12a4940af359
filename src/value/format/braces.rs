//! `'…'.format(…)`.

use indexmap::IndexMap;

use super::spec::format_value;
use crate::value::{
    PyError, PyErrorKind, PyResult, Str, Value, access,
    markup::{escape, is_escaped},
    repr::{repr, str_repr, to_text},
    types::class_name,
};

/// What the fields refer to.
pub enum FormatArgs<'a> {
    /// `format(*args, **kwargs)`.
    Call(&'a [Value], &'a IndexMap<String, Value>),
    /// `format_map(mapping)`.
    Map(&'a Value),
}

/// Formats `template`.
pub fn format_braces(template: &Str, args: &FormatArgs) -> PyResult<Str> {
    let chars: Vec<char> = template.chars().collect();
    let mut state = State { args, next: Some(0), escapes: is_escaped(template) };
    let text = template.alike(state.expand(&chars, 2)?);
    let is_unsafe = |v: &Value| matches!(v, Value::Str(s) if s.is_unsafe());
    let from_outside = match args {
        FormatArgs::Call(items, named) => {
            items.iter().any(is_unsafe) || named.values().any(is_unsafe)
        }
        FormatArgs::Map(_) => false,
    };
    Ok(if from_outside { text.into_unsafe() } else { text })
}

struct State<'a> {
    args: &'a FormatArgs<'a>,
    /// The next automatic index; `None` once fields were numbered by hand.
    next: Option<usize>,
    /// Whether the template is escaped text, so that what it shows is escaped too.
    escapes: bool,
}

impl State<'_> {
    fn expand(&mut self, chars: &[char], depth: usize) -> PyResult<String> {
        if depth == 0 {
            return Err(PyError::value_error("Max string recursion exceeded"));
        }
        let mut out = String::new();
        let mut at = 0;
        while let Some(c) = chars.get(at) {
            match (c, chars.get(at + 1)) {
                ('{', Some('{')) | ('}', Some('}')) => {
                    out.push(*c);
                    at += 2;
                }
                ('}', _) => {
                    return Err(PyError::value_error("Single '}' encountered in format string"));
                }
                ('{', None) => {
                    return Err(PyError::value_error("Single '{' encountered in format string"));
                }
                ('{', _) => {
                    let end = closing(chars, at)?;
                    out.push_str(&self.field(&chars[at + 1..end], depth)?);
                    at = end + 1;
                }
                _ => {
                    out.push(*c);
                    at += 1;
                }
            }
        }
        Ok(out)
    }

    /// One field: `name!conversion:spec`.
    fn field(&mut self, field: &[char], depth: usize) -> PyResult<String> {
        let name_end = field_name_end(field);
        let name: String = field[..name_end].iter().collect();
        let mut rest = &field[name_end..];
        let mut conversion = None;
        if rest.first() == Some(&'!') {
            let Some(c) = rest.get(1) else {
                return Err(PyError::value_error(
                    "end of string while looking for conversion specifier",
                ));
            };
            conversion = Some(*c);
            rest = &rest[2..];
            if !matches!(rest.first(), None | Some(':')) {
                return Err(PyError::value_error("expected ':' after conversion specifier"));
            }
        }
        let spec: &[char] = rest.get(1..).unwrap_or(&[]);
        let mut value = self.lookup(&name)?;
        let spec =
            if spec.contains(&'{') { self.expand(spec, depth - 1)? } else { spec.iter().collect() };
        if let Some(c) = conversion {
            value = Value::str(match c {
                's' => to_text(&value)?,
                'r' => repr(&value)?,
                'a' => ascii(&value)?,
                other => {
                    return Err(PyError::value_error(format!(
                        "Unknown conversion specifier {other}"
                    )));
                }
            });
        }
        if !self.escapes {
            return format_value(&value, &spec);
        }
        match &value {
            Value::Str(s) if is_escaped(s) => match spec.is_empty() {
                true => Ok(s.to_string()),
                false => Err(PyError::value_error("Unsupported format specification for Markup.")),
            },
            _ => format_value(&value, &spec).map(|text| escape(&text)),
        }
    }

    fn lookup(&mut self, name: &str) -> PyResult<Value> {
        let end = name.find(['.', '[']).unwrap_or(name.len());
        let (first, mut rest) = name.split_at(end);
        let mut value = self.first(first)?;
        while !rest.is_empty() {
            if let Value::Undefined(u) = &value {
                // ansible's undefined has every attribute and item: itself.
                return if u.lenient { Err(PyError::undefined(u)) } else { Ok(value) };
            }
            if let Some(tail) = rest.strip_prefix('.') {
                let end = tail.find(['.', '[']).unwrap_or(tail.len());
                if end == 0 {
                    return Err(PyError::value_error("Empty attribute in format string"));
                }
                value = access::attribute(&value, &tail[..end])
                    .ok_or_else(|| crate::value::ops::no_attribute(&value, &tail[..end]))?;
                rest = &tail[end..];
            } else if let Some(tail) = rest.strip_prefix('[') {
                let Some(end) = tail.find(']') else {
                    return Err(PyError::value_error("Missing ']' in format string"));
                };
                if end == 0 {
                    return Err(PyError::value_error("Empty attribute in format string"));
                }
                let key = &tail[..end];
                let key = key.parse::<i64>().map_or_else(|_| Value::str(key), Value::Int);
                value = access::subscript(&value, &key)?;
                rest = &tail[end + 1..];
            } else {
                return Err(PyError::value_error(
                    "Only '.' or '[' may follow ']' in format field specifier",
                ));
            }
        }
        Ok(value)
    }

    fn first(&mut self, name: &str) -> PyResult<Value> {
        let index = if name.is_empty() {
            let Some(n) = self.next else {
                return Err(PyError::value_error(
                    "cannot switch from manual field specification to automatic field numbering",
                ));
            };
            self.next = Some(n + 1);
            Some(n)
        } else if name.bytes().all(|b| b.is_ascii_digit()) {
            if self.next.is_some_and(|n| n > 0) {
                return Err(PyError::value_error(
                    "cannot switch from automatic field numbering to manual field specification",
                ));
            }
            self.next = None;
            name.parse::<usize>().ok()
        } else {
            None
        };
        match (self.args, index) {
            (FormatArgs::Call(items, _), Some(n)) => items.get(n).cloned().ok_or_else(|| {
                PyError::new(
                    PyErrorKind::IndexError,
                    format!("Replacement index {n} out of range for positional args tuple"),
                )
            }),
            (FormatArgs::Call(_, named), None) => named
                .get(name)
                .cloned()
                .ok_or_else(|| PyError::new(PyErrorKind::KeyError, str_repr(name))),
            (FormatArgs::Map(_), Some(_)) => {
                Err(PyError::value_error("Format string contains positional fields"))
            }
            (FormatArgs::Map(map), None) => access::subscript(map, &Value::str(name)),
        }
    }
}

/// Where the field's name ends: at `!` or `:` outside brackets.
fn field_name_end(field: &[char]) -> usize {
    let mut inside = false;
    for (i, c) in field.iter().enumerate() {
        match c {
            '[' => inside = true,
            ']' => inside = false,
            '!' | ':' if !inside => return i,
            _ => {}
        }
    }
    field.len()
}

/// The brace that closes the one at `open`.
fn closing(chars: &[char], open: usize) -> PyResult<usize> {
    let mut depth = 0;
    for (i, c) in chars.iter().enumerate().skip(open) {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Ok(i);
        }
    }
    Err(PyError::value_error("expected '}' before end of string"))
}

/// `ascii(value)`: `repr` with everything outside ASCII escaped.
pub(super) fn ascii(value: &Value) -> PyResult<String> {
    use std::fmt::Write;
    let mut out = String::new();
    for c in repr(value)?.chars() {
        let code = u32::from(c);
        // Writing to a String cannot fail.
        let _ = match code {
            0..=0x7f => write!(out, "{c}"),
            0x80..=0xff => write!(out, "\\x{code:02x}"),
            0x100..=0xffff => write!(out, "\\u{code:04x}"),
            _ => write!(out, "\\U{code:08x}"),
        };
    }
    Ok(out)
}

/// The error of a type that knows no format specification.
pub(super) fn no_spec(value: &Value) -> PyError {
    PyError::type_error(format!(
        "unsupported format string passed to {}.__format__",
        class_name(value)
    ))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::value::Dict;

    fn format(template: &str, args: &[Value]) -> PyResult<String> {
        let named: IndexMap<String, Value> =
            [("n".to_owned(), Value::Int(5)), ("w".to_owned(), Value::Int(8))].into();
        Ok(format_braces(&Str::new(template), &FormatArgs::Call(args, &named))?.to_string())
    }

    #[test]
    fn fields() {
        let d: Dict = [("k", Value::list(vec![Value::Int(7)]))].into_iter().collect();
        let args = [Value::str("a"), d.into(), Value::Float(1234.5)];
        for (template, text) in [
            ("{} {0!r}", None),
            ("{0!r:>5}|{n:03}|{{}}", Some("  'a'|005|{}")),
            ("{1[k][0]}", Some("7")),
            ("{2:{w}.1f}", Some("  1234.5")),
            ("{2:,}", Some("1,234.5")),
            ("{:<3}|", Some("a  |")),
            ("{x}", None),
            ("{9}", None),
            ("{", None),
            ("a}", None),
        ] {
            assert_eq!(format(template, &args).ok().as_deref(), text, "{template}");
        }
        assert_eq!(format("{x}", &args).unwrap_err().message, "'x'");
    }
}
