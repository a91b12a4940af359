//! Methods of `set` and of the views of dicts.

use super::native::positional;
use crate::template::CallArgs;
use crate::value::{
    PyError, PyErrorKind, PyResult, Set, Value,
    ops::{no_attribute, to_key},
    repr::repr,
};

/// Calls the method `name` of `set`.
pub(super) fn call(set: &Set, name: &str, args: CallArgs) -> PyResult<Value> {
    match name {
        "add" | "discard" | "remove" => {
            let args = positional("set", name, args, 1, 1)?;
            let key = to_key(args[0].clone())?;
            if name == "add" {
                set.write().insert(key);
            } else if !set.write().shift_remove(&key) && name == "remove" {
                return Err(PyError::new(PyErrorKind::KeyError, repr(&args[0])?));
            }
            return Ok(Value::None);
        }
        "clear" => {
            positional("set", name, args, 0, 0)?;
            set.write().clear();
            return Ok(Value::None);
        }
        "copy" => {
            positional("set", name, args, 0, 0)?;
            return Ok(Set::from_keys(set.snapshot()).into_value());
        }
        "pop" => {
            positional("set", name, args, 0, 0)?;
            let first = set.write().shift_remove_index(0);
            return first
                .map(|k| k.into_value())
                .ok_or_else(|| PyError::new(PyErrorKind::KeyError, "'pop from an empty set'"));
        }
        "isdisjoint" | "issubset" | "issuperset" | "symmetric_difference" => {
            let args = positional("set", name, args, 1, 1)?;
            let other = Set::from_iterable(&args[0])?;
            return Ok(match name {
                "isdisjoint" => Value::Bool(set.intersection(&other).is_empty()),
                "issubset" => Value::Bool(set.is_subset(&other)),
                "issuperset" => Value::Bool(other.is_subset(set)),
                _ => set.symmetric_difference(&other).into_value(),
            });
        }
        _ => {}
    }
    let args = positional("set", name, args, 0, usize::MAX)?;
    let mut result = Set::from_keys(set.snapshot());
    for other in &args {
        let other = Set::from_iterable(other)?;
        result = match name {
            "union" | "update" => result.union(&other),
            "intersection" => result.intersection(&other),
            "difference" => result.difference(&other),
            unknown => return Err(no_attribute(&set.clone().into_value(), unknown)),
        };
    }
    if name == "update" {
        *set.write() = result.snapshot();
        return Ok(Value::None);
    }
    Ok(result.into_value())
}

/// Calls the method `name` of a view of a dict.
pub(super) fn call_view(view: &Value, name: &str, args: CallArgs) -> PyResult<Value> {
    if name != "isdisjoint" {
        return Err(no_attribute(view, name));
    }
    call(&Set::from_iterable(view)?, name, args)
}
