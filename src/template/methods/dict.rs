//! Methods of `dict`.

use super::native::positional;
use crate::template::CallArgs;
use crate::value::{
    Dict, DictView, PyError, PyErrorKind, PyResult, Value, ViewKind, access,
    ops::{self, to_key},
    repr::repr,
};

/// Calls the method `name` of `dict`.
pub(super) fn call(dict: &Dict, name: &str, args: CallArgs) -> PyResult<Value> {
    match name {
        "keys" | "values" | "items" => {
            positional("dict", name, args, 0, 0)?;
            let kind = match name {
                "keys" => ViewKind::Keys,
                "values" => ViewKind::Values,
                _ => ViewKind::Items,
            };
            Ok(DictView::new(dict.clone(), kind).into_value())
        }
        "get" => {
            let args = positional("dict", name, args, 1, 2)?;
            let key = to_key(args[0].clone())?;
            Ok(dict.get_key(&key).or_else(|| args.get(1).cloned()).unwrap_or(Value::None))
        }
        "pop" => {
            let args = positional("dict", name, args, 1, 2)?;
            let key = to_key(args[0].clone())?;
            let removed = dict.write().shift_remove(&key);
            match removed.or_else(|| args.get(1).cloned()) {
                Some(value) => Ok(value),
                None => Err(PyError::new(PyErrorKind::KeyError, repr(&args[0])?)),
            }
        }
        "popitem" => {
            positional("dict", name, args, 0, 0)?;
            let last = dict.write().pop();
            last.map(|(k, v)| Value::tuple(vec![k.into_value(), v])).ok_or_else(|| {
                PyError::new(PyErrorKind::KeyError, "'popitem(): dictionary is empty'")
            })
        }
        "setdefault" => {
            let args = positional("dict", name, args, 1, 2)?;
            let key = to_key(args[0].clone())?;
            if let Some(found) = dict.get_key(&key) {
                return Ok(found);
            }
            let value = args.get(1).cloned().unwrap_or(Value::None);
            dict.write().insert(key, value.clone());
            Ok(value)
        }
        "update" => update(dict, args).map(|()| Value::None),
        "clear" => {
            positional("dict", name, args, 0, 0)?;
            dict.write().clear();
            Ok(Value::None)
        }
        "copy" => {
            positional("dict", name, args, 0, 0)?;
            Ok(dict.copy().into())
        }
        "fromkeys" => from_keys(args),
        other => Err(ops::no_attribute(&Value::Dict(dict.clone()), other)),
    }
}

/// `dict.fromkeys(iterable, value)`.
pub fn from_keys(args: CallArgs) -> PyResult<Value> {
    let args = positional("dict", "fromkeys", args, 1, 2)?;
    let value = args.get(1).cloned().unwrap_or(Value::None);
    let dict = Dict::new();
    for key in access::iterate(&args[0])? {
        dict.write().insert(to_key(key)?, value.clone());
    }
    Ok(dict.into())
}

/// `dict.update(…)`, and what `dict(…)` does: a mapping or pairs, then keywords.
pub fn update(dict: &Dict, args: CallArgs) -> PyResult<()> {
    if args.positional.len() > 1 {
        return Err(PyError::type_error(format!(
            "update expected at most 1 argument, got {}",
            args.positional.len()
        )));
    }
    if let Some(source) = args.positional.first() {
        if let Some(from) = access::as_dict(source) {
            let entries = from.snapshot();
            dict.write().extend(entries);
        } else {
            for (i, pair) in access::iterate(source)?.iter().enumerate() {
                let items = access::iterate(pair).map_err(|e| {
                    if e.is_type_error() {
                        PyError::type_error(format!(
                            "cannot convert dictionary update sequence element #{i} to a sequence"
                        ))
                    } else {
                        e
                    }
                })?;
                let [key, value] = <[Value; 2]>::try_from(items).map_err(|items| {
                    PyError::value_error(format!(
                        "dictionary update sequence element #{i} has length {}; 2 is required",
                        items.len()
                    ))
                })?;
                dict.write().insert(to_key(key)?, value);
            }
        }
    }
    for (name, value) in args.keyword {
        dict.insert(name, value);
    }
    Ok(())
}
