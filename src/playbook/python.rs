//! Python's names and conversions of values, where ansible's texts show them.

use num_traits::ToPrimitive;

use crate::{
    value::{Value, number, repr, types},
    yaml::Node,
};

/// `str(value)`.
pub fn text(value: &Value) -> String {
    // Only undefined values have no text; their error says what they are.
    repr::to_text(value).unwrap_or_else(|e| e.to_string())
}

/// `repr(value)`.
pub fn repr(value: &Value) -> String {
    repr::repr(value).unwrap_or_else(|e| e.to_string())
}

/// `str(type(value))` of a value that was computed.
pub fn class(value: &Value) -> String {
    types::class_repr(value)
}

/// `str(type(value))` of a value as ansible's YAML loader makes it.
pub fn yaml_class(value: &Value) -> String {
    let name = match value {
        Value::Str(_) => "AnsibleUnicode",
        Value::List(_) => "AnsibleSequence",
        Value::Dict(_) => "AnsibleMapping",
        other => return class(other),
    };
    format!("<class 'ansible.parsing.yaml.objects.{name}'>")
}

/// The class of what was read from a file, which is Python's own where the file is JSON.
pub fn node_class(node: &Node) -> String {
    let value = node.to_value();
    if node.span.source.was_read_as_json() { class(&value) } else { yaml_class(&value) }
}

/// `int(value)`, or Python's complaint.
pub fn int(value: &Value) -> Result<Value, String> {
    match value {
        Value::Bool(b) => Ok(Value::Int(i64::from(*b))),
        Value::Int(_) | Value::BigInt(_) => Ok(value.clone()),
        Value::Float(f) if f.is_nan() => Err("cannot convert float NaN to integer".to_owned()),
        Value::Float(f) => number::float_to_bigint(f.trunc())
            .map(Value::big)
            .ok_or_else(|| "cannot convert float infinity to integer".to_owned()),
        Value::Str(s) => number::parse_int(s, 10)
            .map(Value::big)
            .ok_or_else(|| format!("invalid literal for int() with base 10: {}", repr(value))),
        other => Err(format!(
            "int() argument must be a string, a bytes-like object or a real number, not '{}'",
            types::type_name(other)
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
        Value::Str(s) => number::parse_float(s)
            .ok_or_else(|| format!("could not convert string to float: {}", repr(value))),
        other => Err(format!(
            "float() argument must be a string or a real number, not '{}'",
            types::type_name(other)
        )),
    }
}
