//! Defaults, choices and questions about a value.

use super::Filter;
use crate::template::{CallArgs, FilterContext, args::flag};
use crate::value::{
    PyError, PyResult, Value, access,
    ops::{self, settle},
    repr::to_text,
    types::class_name,
};

pub(super) static FILTERS: &[Filter] = &[
    Filter::jinja("default", "Stands in for what is undefined.", default),
    Filter::jinja("d", "Stands in for what is undefined.", default),
    Filter::jinja("attr", "An attribute, never an item.", attr),
    Filter::jinja("items", "The pairs of a mapping.", items),
    Filter::ansible("mandatory", "Fails where the value is undefined.", mandatory),
    Filter::ansible("ternary", "One of two (three) values.", ternary),
    Filter::ansible("bool", "The truth that a text means.", to_bool),
    Filter::ansible("type_debug", "The name of the Python type.", type_debug),
];

fn default(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [default, boolean] =
        args.bind("do_default", &["value"], &["default_value", "boolean"], 0)?;
    let default = default.unwrap_or_else(|| Value::str(""));
    if value.is_undefined() || flag(boolean.as_ref(), false)? && !ops::truth(&value)? {
        return Ok(default);
    }
    Ok(value)
}

fn attr(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [name] = args.bind("do_attr", &["environment", "obj"], &["name"], 1)?;
    let name = name.unwrap_or(Value::None);
    let text = settle(&name)?.as_str().map(str::to_owned).ok_or_else(|| {
        PyError::type_error(
            "attribute name must be string, not 'int'".replace("int", class_name(&name)),
        )
    })?;
    match &value {
        Value::Undefined(u) if u.lenient => return Err(PyError::undefined(u)),
        Value::Undefined(_) => return Ok(value),
        _ => {}
    }
    match access::attribute(&value, &text) {
        Some(found) => Ok(found),
        // An empty dict has no items: what is missing is worded as for the real one.
        None => access::get_attr(&strip_items(&value), &text),
    }
}

/// A value of the same type without items, to word the error of a missing attribute.
fn strip_items(value: &Value) -> Value {
    match value {
        Value::Dict(_) => crate::value::Dict::new().into(),
        other => other.clone(),
    }
}

fn items(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [] = args.bind("do_items", &["value"], &[], 0)?;
    if value.is_undefined() {
        return Ok(Value::list(Vec::new()));
    }
    match access::as_dict(&value) {
        Some(d) => Ok(d
            .snapshot()
            .into_iter()
            .map(|(k, v)| Value::tuple(vec![k.into_value(), v]))
            .collect()),
        None => Err(PyError::type_error("Can only get item pairs from a mapping.")),
    }
}

fn mandatory(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [msg] = args.bind("mandatory", &["a"], &["msg"], 0)?;
    let Value::Undefined(missing) = &value else { return Ok(value) };
    if let Some(msg) = msg.filter(|m| !m.is_none()) {
        return Err(PyError::filter(to_text(&msg)?));
    }
    let name = missing.name.as_ref().map_or_else(String::new, |n| format!("'{n}' "));
    Err(PyError::filter(format!("Mandatory variable {name} not defined.")))
}

fn ternary(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [yes, no, none] =
        args.bind("ternary", &["value"], &["true_val", "false_val", "none_val"], 2)?;
    if let (true, Some(none)) = (value.is_none(), none.filter(|n| !n.is_none())) {
        return Ok(none);
    }
    let chosen = if ops::truth(&value)? { yes } else { no };
    Ok(chosen.unwrap_or(Value::None))
}

fn to_bool(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [] = args.bind("to_bool", &["a"], &[], 0)?;
    let v = settle(&value)?;
    Ok(match v.as_ref() {
        Value::None | Value::Bool(_) => v.into_owned(),
        Value::Str(s) => {
            Value::Bool(matches!(s.to_lowercase().as_str(), "yes" | "on" | "1" | "true"))
        }
        other => Value::Bool(ops::eq(other, &Value::Int(1))?),
    })
}

fn type_debug(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [] = args.bind("FilterModule.filters.<locals>.<lambda>", &["o"], &[], 0)?;
    Ok(Value::str(class_name(&value)))
}
