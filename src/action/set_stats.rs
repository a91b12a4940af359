//! `set_stats`: custom statistics, shown after the recap where `show_custom_stats` is on.

use super::{Action, ActionContext, ActionError, ActionFuture, Outcome};
use crate::{
    playbook::{keywords, load::is_variable_name},
    run::TaskResult,
    template::RenderOptions,
    value::{Dict, Value},
};

/// Sets custom statistics.
pub static ACTION: Action = Action { name: "set_stats", bypass_host_loop: false, run };

fn run<'a>(cx: &'a mut ActionContext<'_>) -> ActionFuture<'a> {
    Box::pin(async move { set_stats(cx) })
}

fn set_stats(cx: &ActionContext<'_>) -> Outcome {
    cx.only(&["aggregate", "data", "per_host"])?;
    let wish = Dict::new();
    let data = Dict::new();
    let (mut per_host, mut aggregate) = (Value::Bool(false), Value::Bool(true));
    if let Some(written) = cx.args.get("data") {
        let written = match written {
            Value::Dict(d) => d,
            other => match cx.templar.render(&other, &RenderOptions::default())? {
                Value::Dict(d) => d,
                _ => {
                    return Ok(TaskResult::failed(
                        "The 'data' option needs to be a dictionary/hash",
                    ));
                }
            },
        };
        for (name, slot) in [("per_host", &mut per_host), ("aggregate", &mut aggregate)] {
            if let Some(value) = cx.args.get(name) {
                *slot = match value {
                    Value::Bool(b) => Value::Bool(b),
                    // What is no truth value counts as false.
                    other => Value::Bool(keywords::to_bool(&other).unwrap_or(false)),
                };
            }
        }
        for (key, value) in written.snapshot() {
            let name = cx.templar.render(key.value(), &RenderOptions::default())?.to_text();
            if !is_variable_name(&name) {
                return Err(ActionError::result(format!(
                    "The variable name '{name}' is not valid. Variables must start with a letter \
                     or underscore character, and contain only letters, numbers and underscores."
                )));
            }
            data.insert(name, cx.templar.render(&value, &RenderOptions::default())?);
        }
    }
    wish.insert("data", data);
    wish.insert("per_host", per_host);
    wish.insert("aggregate", aggregate);
    Ok(TaskResult::of([("changed", false.into()), ("ansible_stats", Value::Dict(wish))]))
}
