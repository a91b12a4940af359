//! `repr()` and `str()`.

use std::fmt::Write;

use chrono::{Datelike, NaiveDateTime, Timelike};

use super::{
    PyError, PyResult, StrClass, Value,
    codec::surrogate_of,
    number::{decimal, float_repr},
    text::is_printable,
};

/// `repr(value)`. Fails only where a vaulted text can't be decrypted.
pub fn repr(value: &Value) -> PyResult<String> {
    let mut out = String::new();
    write_repr(&mut out, value, &mut Vec::new())?;
    Ok(out)
}

/// `str(value)`; fails for undefined values.
pub fn to_text(value: &Value) -> PyResult<String> {
    match value {
        Value::Str(s) => Ok(s.as_str().to_owned()),
        Value::Undefined(u) if u.lenient => Ok(String::new()),
        Value::Undefined(u) => Err(PyError::undefined(u)),
        Value::Date(d) => Ok(d.format("%Y-%m-%d").to_string()),
        Value::DateTime(d, offset) => Ok(isoformat(d, *offset, ' ')),
        Value::Vaulted(v) => Ok(v.plain()?.to_string()),
        Value::Object(o) => match o.text() {
            Some(text) => Ok(text),
            None => repr(value),
        },
        other => repr(other),
    }
}

/// ansible's `to_text(value)`: the text that bytes are, and else `str(value)`.
pub fn to_native(value: &Value) -> PyResult<super::Str> {
    match value {
        Value::Bytes(bytes) => {
            Ok(super::Str::new(super::codec::decode(bytes, "utf-8", "surrogateescape")?))
        }
        other => to_str(other),
    }
}

/// `str(value)` as a value: text that is text already is shared, marks included.
pub fn to_str(value: &Value) -> PyResult<super::Str> {
    match value {
        Value::Str(s) => Ok(s.clone()),
        other => Ok(super::Str::new(to_text(other)?)),
    }
}

/// `repr(str)`: single quotes unless there are only single quotes inside.
pub fn str_repr(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    write_str(&mut out, text);
    out
}

fn write_str(out: &mut String, text: &str) {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    out.push(quote);
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
            c if is_printable(c) => out.push(c),
            c => escape(out, c),
        }
    }
    out.push(quote);
}

fn escape(out: &mut String, c: char) {
    let code = surrogate_of(c).map_or(u32::from(c), u32::from);
    // Writing to a String cannot fail.
    let _ = match code {
        0..=0xff => write!(out, "\\x{code:02x}"),
        0x100..=0xffff => write!(out, "\\u{code:04x}"),
        _ => write!(out, "\\U{code:08x}"),
    };
}

fn write_bytes(out: &mut String, bytes: &[u8]) {
    let quote = if bytes.contains(&b'\'') && !bytes.contains(&b'"') { b'"' } else { b'\'' };
    out.push('b');
    out.push(char::from(quote));
    for b in bytes {
        match *b {
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            b if b == quote => {
                out.push('\\');
                out.push(char::from(b));
            }
            b @ 0x20..=0x7e => out.push(char::from(b)),
            b => {
                let _ = write!(out, "\\x{b:02x}");
            }
        }
    }
    out.push(char::from(quote));
}

/// `inside` holds the containers being written, so that one that contains itself ends.
fn write_repr(out: &mut String, value: &Value, inside: &mut Vec<Value>) -> PyResult<()> {
    match value {
        Value::Undefined(u) if u.lenient => out.push_str("Undefined"),
        Value::Undefined(u) => {
            if let Some((object, key)) = &u.lacks {
                out.push_str("AnsibleUndefined(hint=None, obj=");
                write_repr(out, object, inside)?;
                out.push_str(", name=");
                write_repr(out, key, inside)?;
                out.push(')');
                return Ok(());
            }
            let show = |text: &Option<String>| {
                text.as_ref().map_or_else(|| "None".to_owned(), |t| str_repr(t))
            };
            let _ = write!(
                out,
                "AnsibleUndefined(hint={}, obj=missing, name={})",
                show(&u.hint),
                show(&u.name)
            );
        }
        Value::None => out.push_str("None"),
        Value::Bool(true) => out.push_str("True"),
        Value::Bool(false) => out.push_str("False"),
        Value::Int(n) => {
            let _ = write!(out, "{n}");
        }
        Value::BigInt(n) => out.push_str(&decimal(n)?),
        Value::Float(f) => out.push_str(&float_repr(*f)),
        Value::Str(s) if s.class() == StrClass::Markup => {
            out.push_str("Markup(");
            write_str(out, s);
            out.push(')');
        }
        Value::Str(s) => write_str(out, s),
        Value::Bytes(b) => write_bytes(out, b),
        Value::Date(d) => {
            let _ = write!(out, "datetime.date({}, {}, {})", d.year(), d.month(), d.day());
        }
        Value::DateTime(d, offset) => write_datetime(out, d, *offset),
        Value::List(l) => {
            if is_inside(value, inside) {
                out.push_str("[...]");
                return Ok(());
            }
            inside.push(value.clone());
            out.push('[');
            write_items(out, &l.snapshot(), inside)?;
            out.push(']');
            inside.pop();
        }
        Value::Tuple(items) => {
            out.push('(');
            write_items(out, items, inside)?;
            out.push_str(if items.len() == 1 { ",)" } else { ")" });
        }
        Value::Dict(d) => {
            if is_inside(value, inside) {
                out.push_str("{...}");
                return Ok(());
            }
            inside.push(value.clone());
            out.push('{');
            for (i, (k, v)) in d.snapshot().iter().enumerate() {
                if i > 0 {
                    out.push_str(", ");
                }
                write_repr(out, k.value(), inside)?;
                out.push_str(": ");
                write_repr(out, v, inside)?;
            }
            out.push('}');
            inside.pop();
        }
        Value::Vaulted(v) => write_str(out, &v.plain()?),
        Value::Object(o) => out.push_str(&o.repr()),
    }
    Ok(())
}

fn is_inside(value: &Value, inside: &[Value]) -> bool {
    inside.iter().any(|outer| match (outer, value) {
        (Value::List(a), Value::List(b)) => a.is(b),
        (Value::Dict(a), Value::Dict(b)) => a.is(b),
        _ => false,
    })
}

fn write_items(out: &mut String, items: &[Value], inside: &mut Vec<Value>) -> PyResult<()> {
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            out.push_str(", ");
        }
        write_repr(out, item, inside)?;
    }
    Ok(())
}

fn write_datetime(out: &mut String, d: &NaiveDateTime, offset: Option<i32>) {
    let _ = write!(
        out,
        "datetime.datetime({}, {}, {}, {}, {}",
        d.year(),
        d.month(),
        d.day(),
        d.hour(),
        d.minute()
    );
    let micros = d.nanosecond() / 1000;
    if d.second() != 0 || micros != 0 {
        let _ = write!(out, ", {}", d.second());
    }
    if micros != 0 {
        let _ = write!(out, ", {micros}");
    }
    match offset {
        None => {}
        Some(0) => out.push_str(", tzinfo=datetime.timezone.utc"),
        Some(seconds) => {
            let delta = super::TimeDelta::from_seconds(i64::from(seconds));
            let _ = write!(out, ", tzinfo=datetime.timezone({})", super::Object::repr(&delta));
        }
    }
    out.push(')');
}

/// `datetime.isoformat(separator)`.
pub fn isoformat(d: &NaiveDateTime, offset: Option<i32>, separator: char) -> String {
    let mut out = format!("{}{separator}{}", d.format("%Y-%m-%d"), d.format("%H:%M:%S"));
    let micros = d.nanosecond() / 1000;
    if micros != 0 {
        let _ = write!(out, ".{micros:06}");
    }
    if let Some(seconds) = offset {
        let sign = if seconds < 0 { '-' } else { '+' };
        let s = seconds.unsigned_abs();
        let _ = write!(out, "{sign}{:02}:{:02}", s / 3600, s / 60 % 60);
        if s % 60 != 0 {
            let _ = write!(out, ":{:02}", s % 60);
        }
    }
    out
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::value::Dict;

    #[test]
    fn containers_and_scalars() {
        let day = chrono::NaiveDate::from_ymd_opt(2020, 1, 2).unwrap();
        let time = day.and_hms_micro_opt(3, 4, 0, 5).unwrap();
        let dict: Dict = [("a", Value::None), ("b'", Value::Float(1e20))].into_iter().collect();
        for (value, text) in [
            (Value::str("a'b"), "\"a'b\""),
            (Value::str("a'\"b"), "'a\\'\"b'"),
            (
                Value::str("é\n\u{a0}\u{200b}\u{1f600}\u{e0001}\\"),
                "'é\\n\\xa0\\u200b😀\\U000e0001\\\\'",
            ),
            (Value::tuple(vec![Value::Int(1)]), "(1,)"),
            (Value::tuple(vec![]), "()"),
            (
                Value::list(vec![Value::Bool(true), dict.into()]),
                "[True, {'a': None, \"b'\": 1e+20}]",
            ),
            (Value::Bytes(b"a'\x00"[..].into()), "b\"a'\\x00\""),
            (Value::Date(day), "datetime.date(2020, 1, 2)"),
            (Value::DateTime(time, None), "datetime.datetime(2020, 1, 2, 3, 4, 0, 5)"),
            (
                Value::DateTime(time, Some(-3600)),
                "datetime.datetime(2020, 1, 2, 3, 4, 0, 5, \
                 tzinfo=datetime.timezone(datetime.timedelta(days=-1, seconds=82800)))",
            ),
        ] {
            assert_eq!(repr(&value).unwrap(), text);
        }
        assert_eq!(
            to_text(&Value::DateTime(time, Some(5400))).unwrap(),
            "2020-01-02 03:04:00.000005+01:30"
        );
    }

    #[test]
    fn a_list_in_itself_ends() {
        let list = crate::value::List::new(vec![Value::Int(1)]);
        list.write().push(Value::List(list.clone()));
        assert_eq!(repr(&Value::List(list.clone())).unwrap(), "[1, [...]]");
        list.write().clear();
    }
}
