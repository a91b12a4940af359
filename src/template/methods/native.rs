//! Arguments of functions written in C, with CPython's errors.

use crate::template::CallArgs;
use crate::value::{
    PyError, PyResult, Str, Value,
    ops::{settle, settle_typed},
    types::type_name,
};

/// Checks the arguments of `owner.name` (positional only), of which there must be `least` to
/// `most`.
pub(super) fn positional(
    owner: &str,
    name: &str,
    args: CallArgs,
    least: usize,
    most: usize,
) -> PyResult<Vec<Value>> {
    if !args.keyword.is_empty() {
        return Err(PyError::type_error(format!("{owner}.{name}() takes no keyword arguments")));
    }
    let given = args.positional.len();
    if (least..=most).contains(&given) {
        return Ok(args.positional);
    }
    Err(PyError::type_error(match (least, most) {
        (0, 0) => format!("{owner}.{name}() takes no arguments ({given} given)"),
        (1, 1) => format!("{owner}.{name}() takes exactly one argument ({given} given)"),
        _ => {
            let (bound, n) = if given < least { ("at least ", least) } else { ("at most ", most) };
            let bound = if least == most { "" } else { bound };
            let plural = if n == 1 { "" } else { "s" };
            format!("{name} expected {bound}{n} argument{plural}, got {given}")
        }
    }))
}

/// Binds arguments of a C function that takes keywords.
pub(super) fn keywords<const N: usize>(
    name: &str,
    args: CallArgs,
    params: &[&str; N],
) -> PyResult<[Option<Value>; N]> {
    let given = args.positional.len() + args.keyword.len();
    if args.positional.len() > N || given > N {
        return Err(PyError::type_error(format!(
            "{name}() takes at most {N} {}argument{} ({given} given)",
            if args.positional.is_empty() { "keyword " } else { "" },
            if N == 1 { "" } else { "s" }
        )));
    }
    if let Some(unknown) = args.keyword.keys().find(|k| !params.contains(&k.as_str())) {
        return Err(PyError::type_error(format!(
            "'{unknown}' is an invalid keyword argument for {name}()"
        )));
    }
    let mut bound = [const { None }; N];
    for (slot, value) in bound.iter_mut().zip(args.positional) {
        *slot = Some(value);
    }
    for (keyword, value) in args.keyword {
        if let Some(i) = params.iter().position(|p| *p == keyword) {
            if bound[i].is_some() {
                return Err(PyError::type_error(format!(
                    "argument for {name}() given by name ('{keyword}') and position ({})",
                    i + 1
                )));
            }
            bound[i] = Some(value);
        }
    }
    Ok(bound)
}

/// A text argument: `replace() argument 1 must be str, not int`.
pub(super) fn text(name: &str, place: usize, value: &Value) -> PyResult<Str> {
    match settle(value)?.as_ref() {
        Value::Str(s) => Ok(s.clone()),
        _ => Err(PyError::type_error(if place == 0 {
            format!("{name}() argument must be str, not {}", type_name(value))
        } else {
            format!("{name}() argument {place} must be str, not {}", type_name(value))
        })),
    }
}

/// Optional `start` and `stop` of searches, as indices into `len` items.
pub(super) fn range(args: &[Value], len: usize) -> PyResult<(usize, usize)> {
    let len_i = i64::try_from(len).unwrap_or(i64::MAX);
    let place = |value: Option<&Value>, default: i64| -> PyResult<i64> {
        let n = match value.map(settle_typed).transpose()?.as_deref() {
            None | Some(Value::None) => default,
            Some(Value::Bool(b)) => i64::from(*b),
            Some(Value::Int(n)) => *n,
            Some(_) => {
                return Err(PyError::type_error(
                    "slice indices must be integers or None or have an __index__ method",
                ));
            }
        };
        Ok(if n < 0 { (n + len_i).max(0) } else { n })
    };
    let start = place(args.first(), 0)?;
    let stop = place(args.get(1), len_i)?.min(len_i);
    // Neither is negative. A start beyond the end finds nothing, not even an empty text.
    Ok((usize::try_from(start).unwrap_or(0), usize::try_from(stop).unwrap_or(0)))
}
