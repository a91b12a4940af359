//! `validate_argument_spec`: checks variables against a role's argument specification.

mod check;
mod types;

use super::{Action, ActionContext, ActionError, ActionFuture, Outcome};
use crate::{
    diagnostic::{Error, Kind},
    run::TaskResult,
    template::RenderOptions,
    value::{Dict, Value, types::class_repr},
};

/// Checks arguments against a specification.
pub static ACTION: Action = Action { name: "validate_argument_spec", bypass_host_loop: false, run };

fn run<'a>(cx: &'a mut ActionContext<'_>) -> ActionFuture<'a> {
    Box::pin(async move { validate(cx) })
}

fn validate(cx: &ActionContext<'_>) -> Outcome {
    let error = |text: String| ActionError::Error(Error::new(Kind::Action, text));
    let result = TaskResult::default();
    let context = cx.arg("validate_args_context").unwrap_or_else(|| Dict::new().into());
    result.data.insert("validate_args_context", context);
    let spec = match cx.args.get("argument_spec") {
        Some(Value::Dict(spec)) => spec,
        None => {
            let shown = Value::Dict(cx.args.clone()).repr();
            return Err(error(format!("\"argument_spec\" arg is required in args: {shown}")));
        }
        Some(other) => {
            return Err(error(format!(
                "Incorrect type for argument_spec, expected dict and got {}",
                class_repr(&other)
            )));
        }
    };
    let provided = match cx.arg("provided_arguments") {
        None => Dict::new(),
        Some(Value::Dict(provided)) => provided,
        Some(other) => {
            return Err(error(format!(
                "Incorrect type for provided_arguments, expected dict and got {}",
                class_repr(&other)
            )));
        }
    };
    let found = Dict::new();
    for (name, _) in spec.snapshot() {
        if let Some(value) = name.as_str().and_then(|n| cx.scope.get(n)) {
            found.write().insert(name, value);
        }
    }
    let found = match cx.templar.render(&Value::Dict(found), &RenderOptions::default())? {
        Value::Dict(found) => found,
        // A dict renders to a dict.
        _ => Dict::new(),
    };
    for (k, v) in provided.snapshot() {
        found.write().insert(k, v);
    }
    let errors = check::check(&spec, &found).map_err(|e| {
        let class = e.class_path();
        ActionError::Error(Error::new(Kind::Action, e.message).of_class(class))
    })?;
    if errors.is_empty() {
        result.data.insert("changed", false);
        result.data.insert("msg", "The arg spec validation passed");
        return Ok(result);
    }
    result.data.insert("failed", true);
    result.data.insert("msg", format!("Validation of arguments failed:\n{}", errors.join("\n")));
    result.data.insert("argument_spec_data", spec);
    result.data.insert("argument_errors", errors.into_iter().map(Value::from).collect::<Value>());
    Ok(result)
}
