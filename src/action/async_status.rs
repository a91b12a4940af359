//! `async_status`: how a task stands that goes on by itself.

use super::{Action, ActionContext, ActionError, ActionFuture, Outcome};
use crate::value::{Dict, Value};

/// Asks for a job.
pub static ACTION: Action = Action { name: "async_status", bypass_host_loop: false, run };

fn run<'a>(cx: &'a mut ActionContext<'_>) -> ActionFuture<'a> {
    Box::pin(async move {
        let args = cx.args.copy();
        check(&args)?;
        cx.only_specified(&["jid", "mode"])?;
        status(cx, args).await
    })
}

/// The arguments as the specification of ansible's action has them.
fn check(args: &Dict) -> Result<(), ActionError> {
    if args.get("jid").is_none_or(|v| v.is_none()) {
        return Err(ActionError::fail("missing required arguments: jid"));
    }
    let mode = args.get("mode").filter(|v| !v.is_none()).map(|v| v.to_text());
    match mode.as_deref() {
        None | Some("status" | "cleanup") => Ok(()),
        Some(other) => Err(ActionError::fail(format!(
            "value of mode must be one of: status, cleanup, got: {other}"
        ))),
    }
}

/// How a job stands: ansible's defaults with what the host's module says over them.
pub async fn status(cx: &ActionContext<'_>, args: Dict) -> Outcome {
    let cleanup = args.get("mode").is_some_and(|v| v.to_text() == "cleanup");
    let jid = args.get("jid").unwrap_or(Value::None);
    args.insert("_async_dir", cx.remote.async_dir());
    let asked = cx.module("ansible.legacy.async_status", args).await?;
    let data = Dict::new();
    data.insert("started", i64::from(!cleanup));
    data.insert("finished", 0);
    for key in ["stdout", "stderr"] {
        data.insert(key, "");
        data.insert(format!("{key}_lines"), Value::list(Vec::new()));
    }
    data.insert("ansible_job_id", jid);
    for (k, v) in asked.data.snapshot() {
        data.write().insert(k, v);
    }
    Ok(crate::run::TaskResult { data, ..asked })
}
