//! `debug`: prints a message or a variable.

use super::{Action, ActionContext, ActionError, ActionFuture, Outcome};
use crate::{
    diagnostic::Kind, playbook::keywords, run::TaskResult, template::RenderOptions, value::Value,
};

/// Prints during a run.
pub static ACTION: Action = Action { name: "debug", bypass_host_loop: false, run };

fn run<'a>(cx: &'a mut ActionContext<'_>) -> ActionFuture<'a> {
    Box::pin(async move { debug(cx) })
}

fn debug(cx: &ActionContext<'_>) -> Outcome {
    if cx.args.contains("msg") && cx.args.contains("var") {
        return Ok(TaskResult::failed("'msg' and 'var' are incompatible options"));
    }
    cx.only(&["msg", "var", "verbosity"])?;
    let verbosity = cx.args.get("verbosity").map_or(Ok(0), |v| keywords::to_int(&v))?;
    if verbosity > i64::from(cx.worker.play.run.options.verbosity) {
        return Ok(TaskResult::of([
            ("skipped_reason", "Verbosity threshold not met.".into()),
            ("skipped", true.into()),
            ("failed", false.into()),
        ]));
    }
    let (key, value) = if let Some(message) = cx.args.get("msg") {
        (Value::str("msg"), message)
    } else if let Some(var) = cx.args.get("var") {
        let value = variable(cx, &var)?;
        let key = match &var {
            Value::List(_) => Value::str("<class 'list'>"),
            Value::Dict(_) => Value::str("<class 'dict'>"),
            other => other.clone(),
        };
        (key, value)
    } else {
        (Value::str("msg"), Value::str("Hello world!"))
    };
    let mut result = TaskResult::default();
    if let Some(key) = crate::value::Key::new(key) {
        result.data.write().insert(key, value);
    }
    result.data.insert("failed", false);
    result.control.verbose_always = true;
    Ok(result)
}

/// The value of `var`: a template, or the name or expression in it.
fn variable(cx: &ActionContext<'_>, var: &Value) -> Result<Value, ActionError> {
    let options = RenderOptions { convert_bare: true, ..RenderOptions::default() };
    let rendered = cx.templar.render(var, &options).and_then(|value| {
        match (&value, var) {
            // A text that renders to itself is an expression.
            (Value::Str(text), Value::Str(written)) if text.as_str() == written.as_str() => {
                if text.is_unsafe() {
                    // Python's `+` keeps what is unsafe so, braces and all.
                    return Ok(Value::unsafe_str(format!("{{{{{text}}}}}")));
                }
                cx.templar.render(&Value::str(format!("{{{{{text}}}}}")), &options)
            }
            _ => Ok(value),
        }
    });
    match rendered {
        Ok(value) => Ok(value),
        Err(e) if e.kind() == Kind::Undefined => {
            let mut text = "VARIABLE IS NOT DEFINED!".to_owned();
            if cx.worker.play.run.options.verbosity > 0 {
                text.push_str(": ");
                text.push_str(e.message());
            }
            Ok(Value::str(text))
        }
        Err(e) => Err(e.into()),
    }
}
