//! Methods of Python's types: one file a type.

use super::{CallArgs, FilterContext};
use crate::value::{PyResult, Set, TimeDelta, Value, access, ops};

mod bytes;
mod dates;
mod dict;
mod items;
mod list;
mod native;
mod number;
mod set;
mod str;

pub use dict::{from_keys as dict_from_keys, update as dict_update};
pub(crate) use str::{capitalize, replace};

/// Whether `value` has the method `name`.
pub fn has_method(value: &Value, name: &str) -> bool {
    access::method_name(value, name).is_some()
}

/// Calls a method of text, which needs no evaluator.
pub(crate) fn call_str(receiver: &Value, name: &str, args: CallArgs) -> PyResult<Value> {
    match ops::settle(receiver)?.as_ref() {
        Value::Str(s) => str::call(s, name, args),
        other => Err(ops::no_attribute(other, name)),
    }
}

/// Calls `receiver.name(…)`.
pub fn call_method(
    cx: &mut dyn FilterContext,
    receiver: &Value,
    name: &str,
    args: CallArgs,
) -> PyResult<Value> {
    if access::method_name(receiver, name).is_none() {
        return Err(ops::no_attribute(receiver, name));
    }
    let settled = ops::settle(receiver)?;
    if name.starts_with("__")
        && let Some(answer) = items::call(&settled, name, args.clone())
    {
        return answer;
    }
    match settled.as_ref() {
        Value::Str(s) => str::call(s, name, args),
        Value::List(l) => list::call(cx, l, name, args),
        Value::Tuple(_) => list::call_tuple(&settled, name, args),
        Value::Dict(d) => dict::call(d, name, args),
        Value::Bool(_) | Value::Int(_) | Value::BigInt(_) | Value::Float(_) => {
            number::call(&settled, name, args)
        }
        Value::Bytes(b) => bytes::call(b, name, args),
        Value::Date(_) | Value::DateTime(..) => dates::call(&settled, name, args),
        other => match (Set::downcast(other), TimeDelta::of(other)) {
            (Some(s), _) => set::call(s, name, args),
            (_, Some(d)) => {
                native::positional("datetime.timedelta", name, args, 0, 0)?;
                Ok(Value::Float(d.total_seconds()))
            }
            _ if crate::value::Range::of(other).is_some() => list::call_tuple(other, name, args),
            _ => set::call_view(other, name, args),
        },
    }
}
