//! `yum`: packages by whichever generation of yum the host has.

use super::{Action, ActionContext, ActionError, ActionFuture};
use crate::{
    run::TaskResult,
    template::RenderOptions,
    value::{Dict, Value},
};

/// Hands on to `dnf`, or to the module of yum 3.
pub static ACTION: Action = Action { name: "yum", bypass_host_loop: false, run };

const BACKENDS: &[&str] = &["yum", "yum4", "dnf"];

fn run<'a>(cx: &'a mut ActionContext<'_>) -> ActionFuture<'a> {
    Box::pin(async move {
        if cx.args.contains("use") && cx.args.contains("use_backend") {
            return Err(ActionError::fail(
                "parameters are mutually exclusive: ('use', 'use_backend')",
            ));
        }
        let named = cx.args.get("use").or_else(|| cx.args.get("use_backend"));
        let mut backend = named.map_or_else(|| "auto".to_owned(), |named| named.to_text());
        if backend == "auto" {
            backend = known(cx);
        }
        let mut found = None;
        if !BACKENDS.contains(&backend.as_str()) {
            backend = gathered(cx).await?;
            found = (backend != "auto" && tells_of_itself(cx)).then(|| backend.clone());
        }
        let result = if BACKENDS.contains(&backend.as_str()) {
            let module = if backend == "yum" { "yum" } else { "dnf" };
            let args = cx.args.copy();
            args.remove("use");
            args.remove("use_backend");
            cx.task_module(&format!("ansible.builtin.{module}"), args).await?
        } else {
            undetected()
        };
        if let Some(found) = found
            && !result.data.contains("ansible_facts")
        {
            let facts: Dict = [("pkg_mgr", Value::unsafe_str(found))].into_iter().collect();
            result.data.insert("ansible_facts", Value::Dict(facts));
        }
        Ok(result)
    })
}

/// Whether facts that are gathered now are those of the task's own host.
fn tells_of_itself(cx: &ActionContext<'_>) -> bool {
    cx.fields.delegate_to.is_none() || cx.fields.delegate_facts
}

/// What the facts at hand say; nothing if there are none.
fn known(cx: &ActionContext<'_>) -> String {
    let expression = match &cx.fields.delegate_to {
        Some(host) => format!("{{{{ hostvars['{host}']['ansible_facts']['pkg_mgr'] }}}}"),
        None => "{{ ansible_facts.pkg_mgr }}".to_owned(),
    };
    // A fact that isn't there is asked for.
    let known = cx.templar.render(&Value::str(expression), &RenderOptions::default());
    known.map(|known| known.to_text()).unwrap_or_default()
}

async fn gathered(cx: &ActionContext<'_>) -> Result<String, ActionError> {
    let args: Dict =
        [("filter", Value::str("ansible_pkg_mgr")), ("gather_subset", Value::str("!all"))]
            .into_iter()
            .collect();
    let gathered = cx.module("ansible.builtin.setup", args).await?;
    let facts = gathered.data.get("ansible_facts");
    let found = facts.and_then(|f| f.as_dict().and_then(|d| d.get("ansible_pkg_mgr")));
    Ok(found.map_or_else(|| "auto".to_owned(), |found| found.to_text()))
}

/// The refusal; its message is two texts, as ansible-core has it.
fn undetected() -> TaskResult {
    let result = TaskResult::failed("");
    let lines = [
        "Could not detect which major revision of yum is in use, which is required to determine module backend.",
        "You should manually specify use_backend to tell the module whether to use the yum (yum3) or dnf (yum4) backend})",
    ];
    result.data.insert("msg", lines.into_iter().map(Value::str).collect::<Value>());
    result
}
