//! `group_by`: puts hosts into groups made of their variables.

use super::{Action, ActionContext, ActionFuture, Outcome};
use crate::{run::TaskResult, value::Value};

/// Puts hosts into groups made of their variables.
pub static ACTION: Action = Action { name: "group_by", bypass_host_loop: false, run };

fn run<'a>(cx: &'a mut ActionContext<'_>) -> ActionFuture<'a> {
    Box::pin(async move { group_by(cx) })
}

fn group_by(cx: &ActionContext<'_>) -> Outcome {
    cx.only(&["key", "parents"])?;
    let Some(key) = cx.args.get("key") else {
        return Ok(TaskResult::failed("the 'key' param is required when using group_by"));
    };
    let dashed = |v: &Value| v.to_text().replace(' ', "-");
    let parents: Vec<String> = match cx.args.get("parents") {
        None => vec!["all".to_owned()],
        Some(Value::List(items)) => items.read().iter().map(dashed).collect(),
        Some(one) => vec![dashed(&one)],
    };
    let group = dashed(&key);
    let mut result = TaskResult::of([
        ("changed", false.into()),
        ("add_group", Value::str(group.as_str())),
        ("parent_groups", parents.iter().map(|p| Value::str(p.as_str())).collect()),
    ]);
    result.control.add_group = Some((group, parents));
    Ok(result)
}
