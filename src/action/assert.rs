//! `assert`: fails unless every condition holds.

use super::{Action, ActionContext, ActionError, ActionFuture, Outcome};
use crate::{
    diagnostic::{Error, Kind},
    run::TaskResult,
    template::RenderOptions,
    value::Value,
};

/// Fails unless every condition holds.
pub static ACTION: Action = Action { name: "assert", bypass_host_loop: false, run };

fn run<'a>(cx: &'a mut ActionContext<'_>) -> ActionFuture<'a> {
    Box::pin(async move { assert(cx) })
}

fn assert(cx: &ActionContext<'_>) -> Outcome {
    cx.only(&["fail_msg", "msg", "quiet", "success_msg", "that"])?;
    if !cx.args.contains("that") {
        return Err(error("conditional required in \"that\" string"));
    }
    let fail = cx.args.get("fail_msg").or_else(|| cx.args.get("msg"));
    let fail = message(fail, "Assertion failed", "fail_msg or msg")?;
    let success = message(cx.args.get("success_msg"), "All assertions passed", "success_msg")?;
    let quiet =
        cx.arg("quiet").is_some_and(|v| crate::playbook::keywords::to_bool(&v).unwrap_or(false));
    let mut result = TaskResult::default();
    result.control.verbose_always = !quiet;
    for condition in conditions(cx)? {
        if !cx.templar.condition(&condition)? {
            for (key, value) in [
                ("failed", Value::Bool(true)),
                ("evaluated_to", Value::Bool(false)),
                ("assertion", condition),
                ("msg", fail),
            ] {
                result.data.insert(key, value);
            }
            return Ok(result);
        }
    }
    result.data.insert("changed", false);
    result.data.insert("msg", success);
    Ok(result)
}

/// The conditions as written: rendering them first would evaluate them twice.
fn conditions(cx: &ActionContext<'_>) -> Result<Vec<Value>, ActionError> {
    let written = cx
        .worker
        .task
        .action
        .args
        .get("that")
        .or_else(|| cx.args.get("that"))
        .unwrap_or(Value::None);
    let written = match written {
        text @ Value::Str(_) => cx.templar.render(&text, &RenderOptions::default())?,
        other => other,
    };
    Ok(match written {
        Value::List(items) => items.snapshot(),
        other => vec![other],
    })
}

fn message(value: Option<Value>, default: &str, what: &str) -> Result<Value, ActionError> {
    match value {
        None | Some(Value::None) => Ok(Value::str(default)),
        Some(Value::List(items)) => {
            if items.read().iter().all(|i| i.as_str().is_some()) {
                Ok(Value::List(items))
            } else {
                let list = if what == "success_msg" { "success_msg" } else { "fail_msg or msg" };
                Err(error(format!("Type of one of the elements in {list} list is not string type")))
            }
        }
        Some(text @ Value::Str(_)) => Ok(text),
        Some(other) => Err(error(format!(
            "Incorrect type for {what}, expected a string or list and got <class '{}'>",
            other.type_name()
        ))),
    }
}

fn error(text: impl Into<String>) -> ActionError {
    ActionError::Error(Error::new(Kind::Action, text))
}
