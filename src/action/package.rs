//! `package`: the host's own package manager, whatever it is.

use super::{Action, ActionContext, ActionError, ActionFuture, Outcome, module_defaults};
use crate::{
    template::RenderOptions,
    value::{Dict, Value},
};

/// Hands on to the host's package manager.
pub static ACTION: Action = Action { name: "package", bypass_host_loop: false, run };

fn run<'a>(cx: &'a mut ActionContext<'_>) -> ActionFuture<'a> {
    Box::pin(async move {
        let mut module = cx.text("use").unwrap_or_else(|| "auto".to_owned());
        if module == "auto" {
            module = fact(cx, "pkg_mgr").await?;
        }
        if module == "auto" {
            return Err(ActionError::fail(
                "Could not detect which package manager to use. Try gathering facts or setting \
                 the \"use\" option.",
            ));
        }
        if vmstation_host::module::find(&module).is_none() {
            return Err(ActionError::fail(format!("Could not find a module for {module}.")));
        }
        let args = cx.args.copy();
        args.remove("use");
        hand_on(cx, &module, args).await
    })
}

/// A fact that names a module: from the facts at hand, or gathered now; `auto` if it is unknown.
pub async fn fact(cx: &ActionContext<'_>, name: &str) -> Result<String, ActionError> {
    let expression = match &cx.fields.delegate_to {
        Some(host) => format!("{{{{ hostvars['{host}']['ansible_facts']['{name}'] }}}}"),
        None => format!("{{{{ ansible_facts.{name} }}}}"),
    };
    // A fact that isn't there is asked for.
    let known = cx.templar.render(&Value::str(expression), &RenderOptions::default()).ok();
    if let Some(known) = known.filter(Value::is_true) {
        return Ok(known.to_text());
    }
    let full = format!("ansible_{name}");
    let args: Dict = [
        ("filter", Value::list(vec![Value::str(full.as_str())])),
        ("gather_subset", Value::list(vec![Value::str("!all")])),
    ]
    .into_iter()
    .collect();
    let gathered = cx.module("ansible.builtin.setup", args).await?;
    let facts = gathered.data.get("ansible_facts");
    let found = facts.and_then(|f| f.as_dict().and_then(|d| d.get(&full)));
    Ok(found.filter(Value::is_true).map_or_else(|| "auto".to_owned(), |v| v.to_text()))
}

/// Runs another module with these arguments and its own defaults.
pub async fn hand_on(cx: &ActionContext<'_>, module: &str, args: Dict) -> Outcome {
    let full = format!("ansible.builtin.{module}");
    let all = module_defaults::of_module(&cx.worker.task, &full, &cx.templar)?;
    for (k, v) in args.snapshot() {
        all.write().insert(k, v);
    }
    cx.task_module(&full, all).await
}
