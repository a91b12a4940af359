//! Conversion of a variable to the type that an argument specification names.

use vmstation_host::spec::human_to_bytes;

use crate::value::{
    Dict, Key, PyError, PyResult, Value, json, literal, number, repr,
    types::{class_repr, type_name},
};

/// Converts a value to the type called `wanted`; `None` is text.
///
/// # Errors
/// Python's `TypeError` or `ValueError`, whose message ends the failure's text.
pub fn convert(wanted: Option<&str>, value: &Value) -> PyResult<Value> {
    match wanted.unwrap_or("str") {
        "raw" => Ok(value.clone()),
        "str" | "path" => match value {
            Value::Str(_) => Ok(value.clone()),
            other => Ok(Value::str(repr::to_text(other)?)),
        },
        "bool" => boolean(value),
        "int" => int(value),
        "float" => float(value),
        "list" => list(value),
        "dict" => dict(value),
        "json" | "jsonarg" => json_text(value),
        "bytes" => size(value, false, "a Byte value"),
        "bits" => size(value, true, "a Bit value"),
        // ansible-core 2.14 looks the converter up without asking whether there is one.
        _ => Err(PyError::type_error("'NoneType' object is not callable")),
    }
}

fn refused(value: &Value, wanted: &str) -> PyError {
    PyError::type_error(format!("{} cannot be converted to {wanted}", class_repr(value)))
}

fn boolean(value: &Value) -> PyResult<Value> {
    let plain = match value {
        Value::Bool(_) => return Ok(value.clone()),
        Value::Str(_) | Value::Int(_) | Value::BigInt(_) | Value::Float(_) => json::to_json(value)?,
        other => return Err(refused(other, "a bool")),
    };
    vmstation_host::spec::boolean(&plain).map(Value::Bool).map_err(PyError::type_error)
}

fn int(value: &Value) -> PyResult<Value> {
    match value {
        Value::Bool(_) | Value::Int(_) | Value::BigInt(_) => Ok(value.clone()),
        Value::Str(s) => {
            number::parse_int(s, 10).map(Value::big).ok_or_else(|| refused(value, "an int"))
        }
        other => Err(refused(other, "an int")),
    }
}

fn float(value: &Value) -> PyResult<Value> {
    let number = match value {
        Value::Float(f) => Some(*f),
        Value::Bool(b) => Some(f64::from(u8::from(*b))),
        #[expect(clippy::cast_precision_loss, reason = "Python's float() loses it too")]
        Value::Int(n) => Some(*n as f64),
        Value::Str(s) => number::parse_float(s),
        _ => None,
    };
    number.map(Value::Float).ok_or_else(|| refused(value, "a float"))
}

fn list(value: &Value) -> PyResult<Value> {
    match value {
        Value::List(_) => Ok(value.clone()),
        Value::Str(s) => Ok(s.split(',').map(|part| Value::Str(s.derive(part))).collect()),
        Value::Bool(_) | Value::Int(_) | Value::BigInt(_) | Value::Float(_) => {
            Ok(Value::list(vec![Value::str(repr::to_text(value)?)]))
        }
        other => Err(refused(other, "a list")),
    }
}

/// A dict, JSON text or Python literal of one, or `k=v` pairs.
pub fn dict(value: &Value) -> PyResult<Value> {
    match value {
        Value::Dict(_) => Ok(value.clone()),
        Value::Str(text) if text.starts_with('{') => json::loads(text)
            .or_else(|_| literal::literal_eval(text))
            .map_err(|_| PyError::type_error("unable to evaluate string as dictionary")),
        Value::Str(text) if text.contains('=') => pairs(text),
        Value::Str(_) => {
            Err(PyError::type_error("dictionary requested, could not parse JSON or key=value"))
        }
        other => Err(refused(other, "a dict")),
    }
}

fn pairs(text: &str) -> PyResult<Value> {
    let mut fields = vec![String::new()];
    let (mut quote, mut escaped) = (None, false);
    for c in text.trim().chars() {
        let plain = quote.is_none() && !escaped;
        match c {
            '\\' if !escaped => {
                escaped = true;
                continue;
            }
            '\'' | '"' if plain => quote = Some(c),
            _ if quote == Some(c) && !escaped => quote = None,
            ',' | ' ' if plain => fields.push(String::new()),
            _ => fields.last_mut().into_iter().for_each(|field| field.push(c)),
        }
        escaped = false;
    }
    let dict = Dict::new();
    for (at, field) in fields.iter().filter(|field| !field.is_empty()).enumerate() {
        let (key, value) = field.split_once('=').ok_or_else(|| {
            PyError::value_error(format!(
                "dictionary update sequence element #{at} has length 1; 2 is required"
            ))
        })?;
        dict.insert(Key::from(key), value);
    }
    Ok(Value::Dict(dict))
}

fn json_text(value: &Value) -> PyResult<Value> {
    match value {
        Value::Str(s) => Ok(Value::Str(s.derive(s.trim()))),
        Value::List(_) | Value::Tuple(_) | Value::Dict(_) => {
            json::dumps(value, &json::Layout::default()).map(Value::from)
        }
        other => Err(refused(other, "a json string")),
    }
}

fn size(value: &Value, bits: bool, wanted: &str) -> PyResult<Value> {
    human_to_bytes(&repr::to_text(value)?, bits)
        .map(Value::Int)
        .ok_or_else(|| refused(value, wanted))
}

/// A value as something to walk through, as Python's `for` would.
pub fn iterate(value: &Value) -> PyResult<Vec<Value>> {
    match value {
        Value::List(items) => Ok(items.snapshot()),
        Value::Tuple(items) => Ok(items.to_vec()),
        Value::Dict(d) => Ok(d.snapshot().into_iter().map(|(k, _)| k.into_value()).collect()),
        Value::Str(s) => Ok(s.chars().map(|c| Value::from(c.to_string())).collect()),
        other => Err(PyError::type_error(format!("'{}' object is not iterable", type_name(other)))),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn converted(wanted: &str, value: impl Into<Value>) -> String {
        match convert(Some(wanted), &value.into()) {
            Ok(value) => value.repr(),
            Err(e) => e.message,
        }
    }

    #[test]
    fn values_become_what_is_wanted() {
        let rows = [
            ("bool", Value::str("yes"), "True"),
            ("int", Value::str(" 12 "), "12"),
            ("float", Value::Int(2), "2.0"),
            ("list", Value::str("a,b"), "['a', 'b']"),
            ("list", Value::Float(1.5), "['1.5']"),
            ("dict", Value::str("{\"a\": [1, null]}"), "{'a': [1, None]}"),
            ("dict", Value::str("{'a': None}"), "{'a': None}"),
            ("dict", Value::str("a=1, b='x y' c=d=e"), "{'a': '1', 'b': 'x y', 'c': 'd=e'}"),
            ("json", Value::list(vec![1.into()]), "'[1]'"),
            ("bytes", Value::str("10K"), "10240"),
            ("str", Value::list(vec![1.into()]), "'[1]'"),
        ];
        for (wanted, value, expected) in rows {
            assert_eq!(converted(wanted, value), expected, "{wanted}");
        }
    }

    #[test]
    fn refusals_name_the_class_of_python() {
        let rows = [
            ("int", Value::Float(1.5), "<class 'float'> cannot be converted to an int"),
            ("list", Value::None, "<class 'NoneType'> cannot be converted to a list"),
            ("dict", Value::str("{a"), "unable to evaluate string as dictionary"),
            (
                "dict",
                Value::str("a=1 b"),
                "dictionary update sequence element #1 has length 1; 2 is required",
            ),
            ("bits", Value::str("1Kx"), "<class 'str'> cannot be converted to a Bit value"),
            ("strange", Value::Int(1), "'NoneType' object is not callable"),
        ];
        for (wanted, value, expected) in rows {
            assert_eq!(converted(wanted, value), expected, "{wanted}");
        }
        assert_eq!(iterate(&Value::str("ab")).unwrap().len(), 2);
    }
}
