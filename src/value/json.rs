//! JSON: Python's text of it, and plain data at the edges.

mod dumps;
mod loads;

use num_traits::ToPrimitive;
use vmstation_host::data::WHOLE_NUMBER;

pub use dumps::{Layout, dumps, dumps_ansible};
pub use loads::loads;

use super::{Dict, Key, PyError, PyResult, Value, access, ops, types::class_name};

/// The plain data of a value, for module arguments and results. Fails for undefined values and
/// what JSON can't hold.
pub fn to_json(value: &Value) -> PyResult<serde_json::Value> {
    use serde_json::Value as Json;
    Ok(match value {
        Value::Undefined(u) => return Err(PyError::undefined(u)),
        Value::None => Json::Null,
        Value::Bool(b) => Json::Bool(*b),
        Value::Int(n) => Json::from(*n),
        Value::BigInt(n) => match (n.to_u64(), n.to_f64()) {
            (Some(n), _) => Json::from(n),
            (None, Some(f)) => Json::from(f),
            (None, None) => Json::String(n.to_string()),
        },
        // JSON has no NaN and no infinity: their text.
        Value::Float(f) => match serde_json::Number::from_f64(*f) {
            Some(n) => Json::Number(n),
            None => Json::String(super::number::float_repr(*f)),
        },
        Value::Str(s) => Json::String(s.to_string()),
        Value::Bytes(b) => Json::String(String::from_utf8_lossy(b).into_owned()),
        Value::Date(_) | Value::DateTime(..) => Json::String(dumps::date(value)),
        Value::List(l) => list(&l.snapshot())?,
        Value::Tuple(t) => list(t)?,
        Value::Dict(d) => dict(d)?,
        Value::Vaulted(v) => Json::String(v.plain()?.to_string()),
        Value::Object(o) => match (o.to_plain(), access::as_dict(value), o.iterate()) {
            (Some(plain), ..) => to_json(&plain)?,
            (None, Some(d), _) => dict(&d)?,
            (None, None, Some(items)) => list(&items)?,
            (None, None, None) => return Err(not_serializable(value)),
        },
    })
}

fn list(items: &[Value]) -> PyResult<serde_json::Value> {
    items.iter().map(to_json).collect::<PyResult<Vec<_>>>().map(serde_json::Value::Array)
}

fn dict(d: &Dict) -> PyResult<serde_json::Value> {
    let mut map = serde_json::Map::new();
    for (key, value) in d.snapshot() {
        map.insert(dumps::key_text(&key)?, to_json(&value)?);
    }
    Ok(serde_json::Value::Object(map))
}

fn not_serializable(value: &Value) -> PyError {
    PyError::type_error(format!("Object of type {} is not JSON serializable", class_name(value)))
}

/// The value of plain data; marked unsafe if it came from outside.
pub fn from_json(json: serde_json::Value, is_unsafe: bool) -> Value {
    use serde_json::Value as Json;
    let text = |s: String| if is_unsafe { Value::unsafe_str(s) } else { Value::from(s) };
    match json {
        Json::Null => Value::None,
        Json::Bool(b) => Value::Bool(b),
        Json::Number(n) => match (n.as_i64(), n.as_u64()) {
            (Some(n), _) => Value::Int(n),
            (None, Some(n)) => Value::big(n.into()),
            (None, None) => Value::Float(n.as_f64().unwrap_or(f64::NAN)),
        },
        Json::String(s) => text(s),
        Json::Array(items) => items.into_iter().map(|v| from_json(v, is_unsafe)).collect(),
        Json::Object(map) if map.contains_key(WHOLE_NUMBER) => {
            let digits = map.get(WHOLE_NUMBER).and_then(Json::as_str).unwrap_or_default();
            digits.parse().map_or(Value::None, Value::big)
        }
        Json::Object(map) => {
            let entries = map
                .into_iter()
                .filter_map(|(k, v)| Some((Key::new(text(k))?, from_json(v, is_unsafe))));
            Value::Dict(entries.collect())
        }
    }
}

/// The entries sorted by key as Python sorts them.
fn sorted_entries(d: &Dict) -> PyResult<Vec<(Key, Value)>> {
    let entries = d.snapshot();
    let keyed = entries
        .iter()
        .map(|(k, v)| (k.value().clone(), Value::tuple(vec![k.value().clone(), v.clone()])))
        .collect();
    ops::sort_by_key(keyed, false)?
        .into_iter()
        .map(|pair| match pair {
            Value::Tuple(pair) => Ok((ops::to_key(pair[0].clone())?, pair[1].clone())),
            _ => Err(PyError::type_error("not a pair")),
        })
        .collect()
}
