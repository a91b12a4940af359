//! `map`, `select` and their kin: filters that apply others.

use indexmap::IndexMap;

use super::{Filter, attribute::Attribute};
use crate::template::{CallArgs, FilterContext, tests};
use crate::value::{
    PyError, PyErrorKind, PyResult, Value, access,
    ops::{self, settle_typed},
    repr::str_repr,
    types::class_repr,
};

pub(super) static FILTERS: &[Filter] = &[
    Filter::jinja("map", "A filter or an attribute of each item.", map).running(),
    Filter::jinja("select", "The items that pass a test.", select).running(),
    Filter::jinja("reject", "The items that fail a test.", reject).running(),
    Filter::jinja("selectattr", "The items whose attribute passes a test.", selectattr).running(),
    Filter::jinja("rejectattr", "The items whose attribute fails a test.", rejectattr).running(),
];

fn argument_error(message: impl Into<String>) -> PyError {
    PyError::new(PyErrorKind::FilterArgument, message)
}

/// The name of a filter or test that is given as an argument.
fn name(value: &Value) -> PyResult<String> {
    match settle_typed(value)?.as_str() {
        Some(name) => Ok(name.to_owned()),
        None => Err(PyError::value_error(format!(
            "key must be a string, got {} instead",
            class_repr(value)
        ))),
    }
}

fn map(cx: &mut dyn FilterContext, value: Value, mut args: CallArgs) -> PyResult<Value> {
    if !ops::truth(&value)? {
        return Ok(Value::list(Vec::new()));
    }
    if args.positional.is_empty() {
        let Some(attribute) = args.keyword.shift_remove("attribute") else {
            return Err(argument_error("map requires a filter argument"));
        };
        let default = args.keyword.shift_remove("default");
        if let Some(unknown) = args.keyword.keys().next() {
            return Err(argument_error(format!(
                "Unexpected keyword argument {}",
                str_repr(unknown)
            )));
        }
        let path = Attribute::new(Some(&attribute))?.or(default);
        let items = access::iterate(&value)?;
        return items.iter().map(|item| path.get(item)).collect::<PyResult<_>>().map(Value::list);
    }
    let filter = args.positional.remove(0);
    let items = access::iterate(&value)?;
    let mut out = Vec::with_capacity(items.len());
    for item in items {
        out.push(super::call(cx, &name(&filter)?, item, args.clone())?);
    }
    Ok(Value::list(out))
}

/// The items for which the test named first in `args` gives `wanted`.
fn choose(
    cx: &mut dyn FilterContext,
    value: &Value,
    args: CallArgs,
    wanted: bool,
    by_attribute: bool,
) -> PyResult<Value> {
    if !ops::truth(value)? {
        return Ok(Value::list(Vec::new()));
    }
    let CallArgs { positional, keyword } = args;
    let mut positional = positional.into_iter();
    let path = if by_attribute {
        match positional.next() {
            Some(attribute) => Attribute::new(Some(&attribute))?,
            None => return Err(argument_error("Missing parameter for attribute name")),
        }
    } else {
        Attribute::new(None)?
    };
    let test = positional.next();
    let rest = CallArgs { positional: positional.collect(), keyword: IndexMap::clone(&keyword) };
    let mut out = Vec::new();
    for item in access::iterate(value)? {
        let tested = path.get(&item)?;
        let result = match &test {
            Some(test) => tests::call(cx, &name(test)?, tested, rest.clone())?,
            None => tested,
        };
        if ops::truth(&result)? == wanted {
            out.push(item);
        }
    }
    Ok(Value::list(out))
}

fn select(cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    choose(cx, &value, args, true, false)
}

fn reject(cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    choose(cx, &value, args, false, false)
}

fn selectattr(cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    choose(cx, &value, args, true, true)
}

fn rejectattr(cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    choose(cx, &value, args, false, true)
}
