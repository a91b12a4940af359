//! Values as Python names and prints them in the messages of inventory sources.

use crate::value::{Dict, Value, json, ops, repr};

/// `str(value)`.
pub(super) fn shown(value: &Value) -> String {
    // Only undefined values and broken vaults have no text; inventories hold neither here.
    repr::to_text(value).unwrap_or_else(|e| e.to_string())
}

/// `repr(value)`.
pub(super) fn repr(value: &Value) -> String {
    repr::repr(value).unwrap_or_else(|e| e.to_string())
}

/// Python's truth of a value.
pub(super) fn is_true(value: &Value) -> bool {
    ops::truth(value).unwrap_or(true)
}

/// `json.dumps(value)`, or the value's text where JSON cannot hold it.
pub(super) fn json(value: &Value) -> String {
    json::dumps(value, &json::Layout::default()).unwrap_or_else(|_| shown(value))
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
    repr::str_repr(text)
}

/// `hash_behaviour = merge`: `over` laid over `under`, dicts in both merged, all else replaced.
///
/// Unlike [`crate::value::merge`] it compares no values, so it needs no vault to be open.
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
    ops::eq(a, b).unwrap_or(false)
}
