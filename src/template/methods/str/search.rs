//! `find` and its kin.

use super::{Str, Value, char_len, native, part, positional};
use crate::template::CallArgs;
use crate::value::{PyError, PyResult, ops::settle, types::type_name};

pub(super) fn call(s: &Str, name: &str, args: CallArgs) -> PyResult<Value> {
    if !args.keyword.is_empty() {
        return Err(PyError::type_error(format!("{name}() takes no keyword arguments")));
    }
    let given = args.positional.len();
    let args = positional(s, name, args, 1, 3).map_err(|e| match given {
        0 => PyError::type_error(format!("{name}() takes at least 1 argument (0 given)")),
        4.. => PyError::type_error(format!("{name}() takes at most 3 arguments ({given} given)")),
        _ => e,
    })?;
    let len = char_len(s);
    let (start, stop) = native::range(&args[1..], len)?;
    let haystack = (start <= stop).then(|| part(s, start, stop));
    if matches!(name, "startswith" | "endswith") {
        return affix(haystack, name, &args[0]).map(Value::Bool);
    }
    let needle = match settle(&args[0])?.into_owned() {
        Value::Str(needle) => needle,
        other => {
            return Err(PyError::type_error(format!("must be str, not {}", type_name(&other))));
        }
    };
    let needle = needle.as_str();
    if name == "count" {
        let n = haystack.map_or(0, |h| {
            if needle.is_empty() { char_len(h) + 1 } else { h.matches(needle).count() }
        });
        return Ok(Value::Int(i64::try_from(n).unwrap_or(i64::MAX)));
    }
    let found = haystack.and_then(|h| {
        let at = if name.starts_with('r') { h.rfind(needle) } else { h.find(needle) }?;
        Some(start + char_len(&h[..at]))
    });
    match found {
        Some(at) => Ok(Value::Int(i64::try_from(at).unwrap_or(i64::MAX))),
        None if name.ends_with("index") => Err(PyError::value_error("substring not found")),
        None => Ok(Value::Int(-1)),
    }
}

fn affix(haystack: Option<&str>, name: &str, affix: &Value) -> PyResult<bool> {
    let v = settle(affix)?;
    let affixes = match v.as_ref() {
        Value::Str(_) => vec![v.as_ref().clone()],
        Value::Tuple(items) => items.to_vec(),
        other => {
            return Err(PyError::type_error(format!(
                "{name} first arg must be str or a tuple of str, not {}",
                type_name(other)
            )));
        }
    };
    for one in &affixes {
        let settled = settle(one)?;
        let Value::Str(one) = settled.as_ref() else {
            return Err(PyError::type_error(format!(
                "tuple for {name} must only contain str, not {}",
                type_name(one)
            )));
        };
        let matches = haystack.is_some_and(|h| {
            if name == "startswith" {
                h.starts_with(one.as_str())
            } else {
                h.ends_with(one.as_str())
            }
        });
        if matches {
            return Ok(true);
        }
    }
    Ok(false)
}
