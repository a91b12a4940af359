//! `gather_facts`: what a play does first on every host.

use super::{Action, ActionContext, ActionFuture, Outcome};
use crate::{
    run::TaskResult,
    value::{Dict, Value},
};

/// Gathers facts with `setup`.
pub static ACTION: Action = Action { name: "gather_facts", bypass_host_loop: false, run };

fn run<'a>(cx: &'a mut ActionContext<'_>) -> ActionFuture<'a> {
    Box::pin(gather_facts(cx))
}

async fn gather_facts(cx: &mut ActionContext<'_>) -> Outcome {
    let args: Dict = cx
        .args
        .snapshot()
        .into_iter()
        .filter(|(k, v)| !v.is_none() && k.as_str() != Some("parallel"))
        .collect();
    let gathered = cx.module("ansible.builtin.setup", args).await?;
    let mut result = TaskResult::default();
    result.control.verbose_never = true;
    let facts = match gathered.data.get("ansible_facts") {
        Some(Value::Dict(facts)) => facts,
        _ => Dict::new(),
    };
    result.data.insert("ansible_facts", facts.clone());
    for key in ["warnings", "deprecations"] {
        if let Some(value) = gathered.data.get(key) {
            result.data.insert(key, value);
        }
    }
    if gathered.data.get("failed").is_some_and(|v| v.is_true()) {
        result.data.insert("failed", true);
        result
            .data
            .insert("msg", "The following modules failed to execute: ansible.legacy.setup\n");
        let failed: Dict =
            [("ansible.legacy.setup", Value::Dict(gathered.data))].into_iter().collect();
        result.data.insert("failed_modules", failed);
    }
    facts.insert("_ansible_facts_gathered", true);
    Ok(result)
}
