//! Values as Python names and prints them in the messages of inventory sources.

use crate::value::{Dict, Key, Value};

/// `str(value)` of what a name in an inventory can be.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::None => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Int(n) => n.to_string(),
        Value::BigInt(n) => n.to_string(),
        Value::Float(f) => format!("{f:?}"),
        Value::Str(s) => s.as_str().to_owned(),
        Value::Date(d) => d.to_string(),
        other => format!("{other:?}"),
    }
}

/// The name of the type, as PyYAML under ansible makes it.
pub(super) fn type_name(value: &Value) -> &'static str {
    match value {
        Value::None => "NoneType",
        Value::Bool(_) => "bool",
        Value::Int(_) | Value::BigInt(_) => "int",
        Value::Float(_) => "float",
        Value::Str(_) => "ansible.parsing.yaml.objects.AnsibleUnicode",
        Value::Bytes(_) => "bytes",
        Value::Date(_) => "datetime.date",
        Value::DateTime(..) => "datetime.datetime",
        Value::List(_) => "ansible.parsing.yaml.objects.AnsibleSequence",
        Value::Tuple(_) => "tuple",
        Value::Dict(_) => "ansible.parsing.yaml.objects.AnsibleMapping",
        Value::Vaulted(_) => "ansible.parsing.yaml.objects.AnsibleVaultEncryptedUnicode",
        Value::Undefined(_) | Value::Object(_) => "object",
    }
}

/// `str(type(value))`.
pub(super) fn class(value: &Value) -> String {
    format!("<class '{}'>", type_name(value))
}

/// `repr(text)`.
pub(super) fn quoted(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut out = String::from(quote);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c == quote => out.extend(['\\', c]),
            c => out.push(c),
        }
    }
    out.push(quote);
    out
}

/// `hash_behaviour = merge`: `over` laid over `under`, dicts in both merged, all else replaced.
pub(crate) fn merge(under: &Dict, over: &Dict) -> Dict {
    let merged = under.copy();
    for (key, value) in over.snapshot() {
        let both = match (under.get_key(&key), &value) {
            (Some(Value::Dict(a)), Value::Dict(b)) => Some(Value::Dict(merge(&a, b))),
            _ => None,
        };
        merged.write().insert(key, both.unwrap_or(value));
    }
    merged
}

/// Whether two values are the same to Python's `==`.
pub(super) fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Dict(a), Value::Dict(b)) => {
            a.len() == b.len()
                && a.snapshot().iter().all(|(k, v)| b.get_key(k).is_some_and(|w| equal(v, &w)))
        }
        (Value::List(a), Value::List(b)) => {
            let (a, b) = (a.snapshot(), b.snapshot());
            a.len() == b.len() && a.iter().zip(&b).all(|(a, b)| equal(a, b))
        }
        (a, b) => match (Key::new(a.clone()), Key::new(b.clone())) {
            (Some(a), Some(b)) => a == b,
            _ => false,
        },
    }
}
