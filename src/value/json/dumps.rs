//! `json.dumps`, with ansible's treatment of values that JSON has no form for.

use std::fmt::Write;

use crate::value::{
    Dict, Key, PyError, PyResult, Value, access,
    codec::surrogate_of,
    number::{decimal, float_repr},
    repr::isoformat,
    types::class_name,
};

/// How the text is laid out.
#[derive(Clone, Debug)]
pub struct Layout {
    /// What one level is indented by; `None` writes one line.
    pub indent: Option<String>,
    /// Between items.
    pub item_separator: String,
    /// Between key and value.
    pub key_separator: String,
    /// Whether keys are sorted.
    pub sort_keys: bool,
    /// Whether everything outside ASCII is escaped.
    pub ensure_ascii: bool,
    /// Whether NaN and the infinities are written (they are no JSON).
    pub allow_nan: bool,
    /// Whether keys that JSON can't have are left out instead of refused.
    pub skip_keys: bool,
    /// Whether vaulted text is written in plain (`to_json`) or as it is stored.
    pub vault_to_text: bool,
}

impl Default for Layout {
    fn default() -> Self {
        Self {
            indent: None,
            item_separator: ", ".to_owned(),
            key_separator: ": ".to_owned(),
            sort_keys: false,
            ensure_ascii: true,
            allow_nan: true,
            skip_keys: false,
            vault_to_text: true,
        }
    }
}

/// `json.dumps(value)` with Python's encoder alone: what is no plain data is refused.
pub fn dumps(value: &Value, layout: &Layout) -> PyResult<String> {
    write(value, layout, false)
}

/// The same with ansible's encoder: dates, vaulted text, hostvars too.
pub fn dumps_ansible(value: &Value, layout: &Layout) -> PyResult<String> {
    write(value, layout, true)
}

fn write(value: &Value, layout: &Layout, ansible: bool) -> PyResult<String> {
    let mut writer = Writer { out: String::new(), layout, ansible, open: Vec::new() };
    writer.value(value)?;
    Ok(writer.out)
}

struct Writer<'l> {
    out: String,
    layout: &'l Layout,
    ansible: bool,
    /// The containers being written.
    open: Vec<Value>,
}

impl Writer<'_> {
    fn value(&mut self, value: &Value) -> PyResult<()> {
        match value {
            Value::Undefined(u) if self.ansible && !u.lenient => return Err(PyError::undefined(u)),
            Value::None => self.out.push_str("null"),
            Value::Bool(b) => self.out.push_str(if *b { "true" } else { "false" }),
            Value::Int(n) => {
                // Writing to a String cannot fail.
                let _ = write!(self.out, "{n}");
            }
            Value::BigInt(n) => self.out.push_str(&decimal(n)?),
            Value::Float(f) => {
                let text = float(*f, self.layout)?;
                self.out.push_str(&text);
            }
            Value::Str(s) => string(&mut self.out, s, self.layout.ensure_ascii),
            Value::List(l) => self.list(value, &l.snapshot())?,
            Value::Tuple(t) => self.list(value, t)?,
            Value::Dict(d) => self.dict(value, d)?,
            other => self.fallback(other)?,
        }
        Ok(())
    }

    fn fallback(&mut self, value: &Value) -> PyResult<()> {
        // A tuple whose items have names is a tuple.
        if let Value::Object(o) = value
            && let Some(plain @ Value::Tuple(_)) = o.to_plain()
        {
            return self.value(&plain);
        }
        if self.ansible {
            if let Some(d) = access::as_dict(value) {
                return self.dict(value, &d);
            }
            match value {
                Value::Date(_) | Value::DateTime(..) => {
                    let text = date(value);
                    string(&mut self.out, &text, true);
                    return Ok(());
                }
                Value::Vaulted(v) if self.layout.vault_to_text => {
                    let text = v.plain()?;
                    string(&mut self.out, &text, self.layout.ensure_ascii);
                    return Ok(());
                }
                Value::Vaulted(v) => {
                    let stored = Dict::new();
                    stored.insert("__ansible_vault", v.ciphertext());
                    return self.dict(value, &stored);
                }
                Value::Object(o) => {
                    if let Some(plain) = o.to_plain() {
                        return self.value(&plain);
                    }
                }
                _ => {}
            }
        }
        Err(super::not_serializable(value))
    }

    fn enter(&mut self, value: &Value) -> PyResult<()> {
        let circular = self.open.iter().any(|outer| match (outer, value) {
            (Value::List(a), Value::List(b)) => a.is(b),
            (Value::Dict(a), Value::Dict(b)) => a.is(b),
            _ => false,
        });
        if circular {
            return Err(PyError::value_error("Circular reference detected"));
        }
        self.open.push(value.clone());
        Ok(())
    }

    fn line(&mut self) {
        if let Some(indent) = &self.layout.indent {
            self.out.push('\n');
            self.out.push_str(&indent.repeat(self.open.len()));
        }
    }

    fn list(&mut self, value: &Value, items: &[Value]) -> PyResult<()> {
        if items.is_empty() {
            self.out.push_str("[]");
            return Ok(());
        }
        self.enter(value)?;
        self.out.push('[');
        for (i, item) in items.iter().enumerate() {
            if i > 0 {
                self.out.push_str(&self.layout.item_separator);
            }
            self.line();
            self.value(item)?;
        }
        self.open.pop();
        self.line();
        self.out.push(']');
        Ok(())
    }

    fn dict(&mut self, value: &Value, d: &Dict) -> PyResult<()> {
        if d.is_empty() {
            self.out.push_str("{}");
            return Ok(());
        }
        self.enter(value)?;
        let entries = if self.layout.sort_keys { super::sorted_entries(d)? } else { d.snapshot() };
        self.out.push('{');
        let mut first = true;
        for (key, item) in &entries {
            let name = match key_text(key) {
                Ok(name) => name,
                Err(_) if self.layout.skip_keys => continue,
                Err(e) => return Err(e),
            };
            if !first {
                self.out.push_str(&self.layout.item_separator);
            }
            first = false;
            self.line();
            string(&mut self.out, &name, self.layout.ensure_ascii);
            self.out.push_str(&self.layout.key_separator);
            self.value(item)?;
        }
        self.open.pop();
        if !first {
            self.line();
        }
        self.out.push('}');
        Ok(())
    }
}

/// `isoformat()` of a date or datetime.
pub(super) fn date(value: &Value) -> String {
    match value {
        Value::Date(d) => d.format("%Y-%m-%d").to_string(),
        Value::DateTime(d, offset) => isoformat(d, *offset, 'T'),
        _ => String::new(),
    }
}

/// The text of a key, as `json` makes it.
pub(super) fn key_text(key: &Key) -> PyResult<String> {
    Ok(match key.value() {
        Value::Str(s) => s.to_string(),
        Value::None => "null".to_owned(),
        Value::Bool(b) => b.to_string(),
        Value::Int(n) => n.to_string(),
        Value::BigInt(n) => decimal(n)?,
        Value::Float(f) => float(*f, &Layout::default())?,
        other => {
            return Err(PyError::type_error(format!(
                "keys must be str, int, float, bool or None, not {}",
                class_name(other)
            )));
        }
    })
}

fn float(f: f64, layout: &Layout) -> PyResult<String> {
    if f.is_finite() {
        return Ok(float_repr(f));
    }
    let text = if f.is_nan() {
        "NaN"
    } else if f > 0.0 {
        "Infinity"
    } else {
        "-Infinity"
    };
    if layout.allow_nan {
        Ok(text.to_owned())
    } else {
        Err(PyError::value_error(format!(
            "Out of range float values are not JSON compliant: {}",
            float_repr(f)
        )))
    }
}

/// A JSON string.
fn string(out: &mut String, text: &str, ensure_ascii: bool) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\x08' => out.push_str("\\b"),
            '\x0c' => out.push_str("\\f"),
            ' '..='~' => out.push(c),
            c if c < ' ' || ensure_ascii => {
                let mut units = [0; 2];
                let units: &[u16] = match surrogate_of(c) {
                    Some(unit) => &[unit],
                    None => c.encode_utf16(&mut units),
                };
                for unit in units {
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::value::literal::literal_eval;

    #[test]
    fn layouts() {
        let value = literal_eval("{'b': [1, 2.0, None], 'a': {}, 1: 'é😀\\n\"', 'c': []}").unwrap();
        assert_eq!(
            dumps(&value, &Layout::default()).unwrap(),
            r#"{"b": [1, 2.0, null], "a": {}, "1": "\u00e9\ud83d\ude00\n\"", "c": []}"#
        );
        let nice = Layout {
            indent: Some("  ".to_owned()),
            item_separator: ",".to_owned(),
            ensure_ascii: false,
            ..Layout::default()
        };
        assert_eq!(
            dumps(&value, &nice).unwrap(),
            "{\n  \"b\": [\n    1,\n    2.0,\n    null\n  ],\n  \"a\": {},\n  \"1\": \"é😀\\n\\\"\",\n  \"c\": []\n}"
        );
        let sorted = Layout { sort_keys: true, ..Layout::default() };
        assert_eq!(
            dumps(&value, &sorted).unwrap_err().message,
            "'<' not supported between instances of 'int' and 'str'"
        );
    }

    #[test]
    fn errors() {
        for (text, message) in [
            ("{(1,): 2}", "keys must be str, int, float, bool or None, not tuple"),
            ("[b'a']", "Object of type bytes is not JSON serializable"),
            ("{1, 2}", "Object of type set is not JSON serializable"),
        ] {
            let value = literal_eval(text).unwrap();
            assert_eq!(dumps_ansible(&value, &Layout::default()).unwrap_err().message, message);
        }
        let list = crate::value::List::new(vec![]);
        list.write().push(Value::List(list.clone()));
        let message = dumps(&Value::List(list.clone()), &Layout::default()).unwrap_err().message;
        assert_eq!(message, "Circular reference detected");
        list.write().clear();
    }
}
