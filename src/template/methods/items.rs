//! The methods behind `len()`, `in` and subscripts. Templates call them by name where Jinja has no statement for it:
//! `d.__setitem__('key', value)`.

use super::native::positional;
use crate::{
    template::{CallArgs, args::index},
    value::{
        Dict, List, PyError, PyErrorKind, PyResult, Value, access, ops, repr::repr,
        types::type_name,
    },
};

/// Calls the method `name` of `value`, if it is one of these.
pub(super) fn call(value: &Value, name: &str, args: CallArgs) -> Option<PyResult<Value>> {
    let expected = match name {
        "__len__" => 0,
        "__contains__" | "__getitem__" | "__delitem__" => 1,
        "__setitem__" => 2,
        _ => return None,
    };
    let given = args.positional.len();
    if name == "__setitem__" && given != expected {
        let text = format!(" expected {expected} arguments, got {given}");
        return Some(Err(PyError::type_error(text)));
    }
    Some(positional(type_name(value), name, args, expected, expected).and_then(|args| {
        match (name, args.as_slice(), value) {
            ("__len__", _, _) => {
                Ok(Value::Int(i64::try_from(access::len(value)?).unwrap_or(i64::MAX)))
            }
            ("__contains__", [item], _) => ops::contains(value, item).map(Value::Bool),
            ("__getitem__", [key], _) => access::item(value, key)?.ok_or_else(|| gone(value, key)),
            ("__setitem__", [key, new], Value::Dict(dict)) => set(dict, key, new),
            ("__delitem__", [key], Value::Dict(dict)) => {
                let removed = dict.write().shift_remove(&ops::to_key(key.clone())?);
                removed.map(|_| Value::None).ok_or_else(|| gone(value, key))
            }
            ("__setitem__", [at, new], Value::List(list)) => {
                let at = place(list, at, "assignment ")?;
                list.write()[at] = new.clone();
                Ok(Value::None)
            }
            ("__delitem__", [at], Value::List(list)) => {
                let at = place(list, at, "assignment ")?;
                list.write().remove(at);
                Ok(Value::None)
            }
            _ => Err(ops::no_attribute(value, name)),
        }
    }))
}

fn set(dict: &Dict, key: &Value, new: &Value) -> PyResult<Value> {
    dict.write().insert(ops::to_key(key.clone())?, new.clone());
    Ok(Value::None)
}

/// What Python says of a key or place that is not there.
fn gone(value: &Value, key: &Value) -> PyError {
    match value {
        Value::Dict(_) => match repr(key) {
            Ok(shown) => PyError::new(PyErrorKind::KeyError, shown),
            Err(e) => e,
        },
        other => {
            let kind = if matches!(other, Value::Str(_)) { "string" } else { type_name(other) };
            PyError::new(PyErrorKind::IndexError, format!("{kind} index out of range"))
        }
    }
}

/// The place that an index means.
fn place(list: &List, at: &Value, what: &str) -> PyResult<usize> {
    let at = index(at)?;
    let len = i64::try_from(list.len()).unwrap_or(i64::MAX);
    usize::try_from(if at < 0 { at + len } else { at }).ok().filter(|i| *i < list.len()).ok_or_else(
        || PyError::new(PyErrorKind::IndexError, format!("list {what}index out of range")),
    )
}
