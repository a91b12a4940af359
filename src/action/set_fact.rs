//! `set_fact`: sets variables of a host.

use super::{Action, ActionContext, ActionError, ActionFuture, Outcome};
use crate::{
    playbook::{keywords, load::is_variable_name},
    run::TaskResult,
    template::RenderOptions,
    value::{Dict, Value},
};

/// Sets variables of a host.
pub static ACTION: Action = Action { name: "set_fact", bypass_host_loop: false, run };

fn run<'a>(cx: &'a mut ActionContext<'_>) -> ActionFuture<'a> {
    Box::pin(async move { set_fact(cx) })
}

fn set_fact(cx: &ActionContext<'_>) -> Outcome {
    let args = cx.args.copy();
    let cacheable = args.remove("cacheable").map_or(Ok(false), |v| keywords::to_bool(&v))?;
    if args.is_empty() {
        return Err(ActionError::fail(
            "No key/value pairs provided, at least one is required for this action to succeed",
        ));
    }
    let facts = Dict::new();
    for (key, value) in args.snapshot() {
        let name = cx.templar.render(key.value(), &RenderOptions::default())?.to_text();
        if !is_variable_name(&name) {
            return Err(ActionError::fail(format!(
                "The variable name '{name}' is not valid. Variables must start with a letter or \
                 underscore character, and contain only letters, numbers and underscores."
            )));
        }
        facts.insert(name, truth_word(cx, value));
    }
    let mut result = TaskResult::of([("ansible_facts", Value::Dict(facts))]);
    result.control.set_fact = true;
    result.control.facts_cacheable = cacheable;
    Ok(result)
}

/// Without native types, words such as `yes` become booleans, wherever they came from.
fn truth_word(cx: &ActionContext<'_>, value: Value) -> Value {
    if cx.worker.play.run.templates.native() {
        return value;
    }
    match value.as_str().map(str::to_lowercase).as_deref() {
        Some("true" | "yes") => Value::Bool(true),
        Some("false" | "no") => Value::Bool(false),
        _ => value,
    }
}
