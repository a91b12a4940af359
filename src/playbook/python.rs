//! Python's names and conversions of values, where ansible's texts show them.

use num_traits::ToPrimitive;

use crate::value::Value;

/// `str(value)`.
pub fn text(value: &Value) -> String {
    match value {
        Value::Str(s) => s.as_str().to_owned(),
        other => repr(other),
    }
}

/// `repr(value)`.
pub fn repr(value: &Value) -> String {
    match value {
        Value::None => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Int(n) => n.to_string(),
        Value::BigInt(n) => n.to_string(),
        Value::Float(f) => format!("{f:?}"),
        Value::Str(s) => quoted(s),
        Value::Bytes(b) => format!("b{}", quoted(&String::from_utf8_lossy(b))),
        Value::Date(d) => format!("datetime.date({})", d.format("%Y, %-m, %-d")),
        Value::DateTime(d, _) => format!("datetime.datetime({})", d.format("%Y, %-m, %-d, %-H, %-M, %-S")),
        Value::List(l) => format!("[{}]", joined(&l.snapshot())),
        Value::Tuple(t) if t.len() == 1 => format!("({},)", repr(&t[0])),
        Value::Tuple(t) => format!("({})", joined(t)),
        Value::Dict(d) => {
            let entries: Vec<_> = d
                .snapshot()
                .iter()
                .map(|(k, v)| format!("{}: {}", repr(k.value()), repr(v)))
                .collect();
            format!("{{{}}}", entries.join(", "))
        }
        Value::Undefined(_) => "AnsibleUndefined".to_owned(),
        Value::Vaulted(_) => "AnsibleVaultEncryptedUnicode".to_owned(),
        Value::Object(o) => o.repr(),
    }
}

fn joined(items: &[Value]) -> String {
    items.iter().map(repr).collect::<Vec<_>>().join(", ")
}

fn quoted(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut out = String::from(quote);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c == quote => {
                out.push('\\');
                out.push(c);
            }
            c if c.is_control() => out.push_str(&format!("\\x{:02x}", c as u32)),
            c => out.push(c),
        }
    }
    out.push(quote);
    out
}

/// `type(value).__name__`.
pub fn type_name(value: &Value) -> &str {
    match value {
        Value::None => "NoneType",
        Value::Bool(_) => "bool",
        Value::Int(_) | Value::BigInt(_) => "int",
        Value::Float(_) => "float",
        Value::Str(_) => "str",
        Value::Bytes(_) => "bytes",
        Value::Date(_) => "date",
        Value::DateTime(..) => "datetime",
        Value::List(_) => "list",
        Value::Tuple(_) => "tuple",
        Value::Dict(_) => "dict",
        Value::Undefined(_) => "AnsibleUndefined",
        Value::Vaulted(_) => "AnsibleVaultEncryptedUnicode",
        Value::Object(o) => o.type_name(),
    }
}

/// `str(type(value))` of a value that was computed.
pub fn class(value: &Value) -> String {
    match value {
        Value::Date(_) | Value::DateTime(..) => format!("<class 'datetime.{}'>", type_name(value)),
        other => format!("<class '{}'>", type_name(other)),
    }
}

/// `str(type(value))` of a value as the YAML loader of ansible makes it.
pub fn yaml_class(value: &Value) -> String {
    let name = match value {
        Value::Str(_) => "AnsibleUnicode",
        Value::List(_) => "AnsibleSequence",
        Value::Dict(_) => "AnsibleMapping",
        Value::Vaulted(_) => "AnsibleVaultEncryptedUnicode",
        other => return class(other),
    };
    format!("<class 'ansible.parsing.yaml.objects.{name}'>")
}

/// `int(value)`, or Python's complaint.
pub fn int(value: &Value) -> Result<Value, String> {
    match value {
        Value::Bool(b) => Ok(Value::Int(i64::from(*b))),
        Value::Int(_) | Value::BigInt(_) => Ok(value.clone()),
        Value::Float(f) if f.is_nan() => Err("cannot convert float NaN to integer".to_owned()),
        Value::Float(f) if f.is_infinite() => {
            Err("cannot convert float infinity to integer".to_owned())
        }
        Value::Float(f) => {
            let whole = f.trunc();
            whole.to_i64().map(Value::Int).ok_or_else(|| format!("{whole} is too large"))
        }
        Value::Str(s) => digits(s.trim())
            .and_then(|d| d.parse::<num_bigint::BigInt>().ok())
            .map(Value::big)
            .ok_or_else(|| {
                format!("invalid literal for int() with base 10: {}", repr(value))
            }),
        other => Err(format!(
            "int() argument must be a string, a bytes-like object or a real number, not '{}'",
            type_name(other)
        )),
    }
}

/// `float(value)`, or Python's complaint.
pub fn float(value: &Value) -> Result<f64, String> {
    match value {
        Value::Bool(b) => Ok(f64::from(u8::from(*b))),
        Value::Int(n) => Ok(n.to_f64().unwrap_or(f64::NAN)),
        Value::BigInt(n) => Ok(n.to_f64().unwrap_or(f64::INFINITY)),
        Value::Float(f) => Ok(*f),
        Value::Str(s) => {
            let plain = digits(s.trim()).unwrap_or_default();
            plain
                .parse()
                .map_err(|_| format!("could not convert string to float: {}", repr(value)))
        }
        other => Err(format!(
            "float() argument must be a string or a real number, not '{}'",
            type_name(other)
        )),
    }
}

/// The text without Python's `_` between digits; `None` if one stands elsewhere.
fn digits(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let misplaced = |at: usize| {
        let digit = |i: Option<&u8>| i.is_some_and(u8::is_ascii_digit);
        bytes[at] == b'_'
            && !(digit(at.checked_sub(1).and_then(|i| bytes.get(i))) && digit(bytes.get(at + 1)))
    };
    if (0..bytes.len()).any(misplaced) { None } else { Some(text.replace('_', "")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_python_reads_them() {
        let table = [("7", Some(7)), (" -3 ", Some(-3)), ("+1_000", Some(1000)), ("1__0", None)];
        for (from, to) in table {
            let got = int(&Value::from(from)).ok();
            assert!(
                matches!((&got, to), (Some(Value::Int(n)), Some(m)) if *n == m)
                    || (got.is_none() && to.is_none()),
                "{from}"
            );
        }
        assert_eq!(float(&Value::from("1e3")), Ok(1000.0));
    }

    #[test]
    fn containers_look_as_in_python() {
        let v = Value::list(vec![Value::from("it's"), Value::None, Value::Bool(true), Value::Int(1)]);
        assert_eq!(repr(&v), "[\"it's\", None, True, 1]");
    }
}
