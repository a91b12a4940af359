//! Tests of what a task gave.

use super::Test;
use crate::template::{CallArgs, FilterContext};
use crate::value::{Dict, PyError, PyResult, Value, access, ops};

pub(super) static TESTS: &[Test] = &[
    Test::ansible("failed", "Whether a task failed.", failed),
    Test::ansible("failure", "Whether a task failed.", failed),
    Test::ansible("succeeded", "Whether a task did not fail.", success),
    Test::ansible("success", "Whether a task did not fail.", success),
    Test::ansible("successful", "Whether a task did not fail.", success),
    Test::ansible("unreachable", "Whether the host could not be reached.", unreachable),
    Test::ansible("reachable", "Whether the host could be reached.", reachable),
    Test::ansible("changed", "Whether a task changed something.", changed),
    Test::ansible("change", "Whether a task changed something.", changed),
    Test::ansible("skipped", "Whether a task was skipped.", skipped),
    Test::ansible("skip", "Whether a task was skipped.", skipped),
    Test::ansible("started", "Whether an async task has begun.", started),
    Test::ansible("finished", "Whether an async task has ended.", finished),
];

/// The result, which must be a dict.
fn result(value: &Value, args: CallArgs, function: &str, test: &str) -> PyResult<Dict> {
    let [] = args.bind(function, &["result"], &[], 0)?;
    match access::as_dict(value) {
        Some(d) => Ok(d.into_owned()),
        None => Err(PyError::filter(format!("The '{test}' test expects a dictionary"))),
    }
}

fn entry(result: &Dict, name: &str) -> Value {
    result.get(name).unwrap_or(Value::Bool(false))
}

fn not(value: &Value) -> PyResult<Value> {
    Ok(Value::Bool(!ops::truth(value)?))
}

fn failed(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    Ok(entry(&result(&value, args, "failed", "failed")?, "failed"))
}

fn success(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    not(&entry(&result(&value, args, "success", "failed")?, "failed"))
}

fn unreachable(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    Ok(entry(&result(&value, args, "unreachable", "unreachable")?, "unreachable"))
}

fn reachable(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    not(&entry(&result(&value, args, "reachable", "unreachable")?, "unreachable"))
}

fn skipped(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    Ok(entry(&result(&value, args, "skipped", "skipped")?, "skipped"))
}

/// A loop's result changed if one of its items did.
fn changed(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let result = result(&value, args, "changed", "changed")?;
    if let Some(changed) = result.get("changed") {
        return Ok(changed);
    }
    let Some(Value::List(items)) = result.get("results") else { return Ok(Value::Bool(false)) };
    let items = items.snapshot();
    match items.first() {
        None => {
            return Err(PyError::new(
                crate::value::PyErrorKind::IndexError,
                "list index out of range",
            ));
        }
        Some(first) if !access::is_mapping(first) => return Ok(Value::Bool(false)),
        Some(_) => {}
    }
    for item in items {
        let Some(item) = access::as_dict(&item) else {
            return Err(ops::no_attribute(&item, "get"));
        };
        if ops::truth(&entry(&item, "changed"))? {
            return Ok(Value::Bool(true));
        }
    }
    Ok(Value::Bool(false))
}

fn by_number(
    cx: &mut dyn FilterContext,
    value: &Value,
    args: CallArgs,
    test: &str,
) -> PyResult<Value> {
    let result = result(value, args, test, test)?;
    match result.get(test) {
        Some(flag) => Ok(Value::Bool(ops::eq(&flag, &Value::Int(1))?)),
        None => {
            cx.warn(&format!(
                "The '{test}' test expects an async task, but a non-async task was tested"
            ));
            Ok(Value::Bool(true))
        }
    }
}

fn started(cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    by_number(cx, &value, args, "started")
}

fn finished(cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    by_number(cx, &value, args, "finished")
}
