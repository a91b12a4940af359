//! `patch`: sends a patch of the controller's along, or takes the host's own.

use super::{Action, ActionContext, ActionError, ActionFuture, Outcome, remote::Attached};
use crate::playbook::keywords;

/// Applies a patch on the host.
pub static ACTION: Action = Action { name: "patch", bypass_host_loop: false, run };

fn run<'a>(cx: &'a mut ActionContext<'_>) -> ActionFuture<'a> {
    Box::pin(async move {
        match patch(cx).await {
            // Refusals are results like others: `failed_when` judges them.
            Err(ActionError::Done(result)) => Ok(*result),
            done => done,
        }
    })
}

async fn patch(cx: &mut ActionContext<'_>) -> Outcome {
    let Some(source) = cx.text("src") else {
        return Err(ActionError::fail("src is required"));
    };
    let args = cx.args.copy();
    let mut files = Vec::new();
    if !cx.arg("remote_src").is_some_and(|v| keywords::to_bool(&v).unwrap_or(false)) {
        let path = cx.find("files", &source).map_err(|e| match e {
            ActionError::Error(e) => ActionError::fail(crate::diagnostic::ansible_text(&e)),
            other => other,
        })?;
        let label = path.display().to_string();
        let bytes = cx.worker.play.run.loader.read_bytes(&path, false)?;
        files.push(Attached::bytes(&label, bytes));
        args.insert("src", label);
    }
    cx.remote.module(cx, "ansible.posix.patch", args, files).await
}
