//! `unarchive`: unpacks an archive of the controller's, or of the host's own.

use super::{Action, ActionContext, ActionError, ActionFuture, Outcome, remote::Attached, script};
use crate::{
    playbook::keywords,
    value::{Dict, Value},
};

/// Unpacks an archive on the host.
pub static ACTION: Action = Action { name: "unarchive", bypass_host_loop: false, run };

fn run<'a>(cx: &'a mut ActionContext<'_>) -> ActionFuture<'a> {
    Box::pin(async move {
        match unarchive(cx).await {
            // Refusals are results like others: `failed_when` judges them.
            Err(ActionError::Done(result)) => Ok(*result),
            done => done,
        }
    })
}

async fn unarchive(cx: &mut ActionContext<'_>) -> Outcome {
    let lenient = |v: Value| keywords::to_bool(&v).unwrap_or(false);
    let args = cx.args.copy();
    let mut remote_src = cx.arg("remote_src").is_some_and(lenient);
    if let Some(copy) = args.remove("copy") {
        if cx.args.contains("remote_src") {
            return Err(ActionError::fail(
                "parameters are mutually exclusive: ('copy', 'remote_src')",
            ));
        }
        remote_src = !lenient(copy);
        args.insert("remote_src", remote_src);
    }
    let (Some(source), Some(dest)) = (cx.text("src"), cx.text("dest")) else {
        return Err(ActionError::fail("src (or content) and dest are required"));
    };
    if let Some(creates) = cx.text("creates").filter(|c| !c.is_empty())
        && script::exists(cx, &creates).await?
    {
        return Err(ActionError::skip(format!("skipped, since {creates} exists")));
    }
    let mut files = Vec::new();
    let decrypt = args.remove("decrypt").is_none_or(|v| v.is_none() || lenient(v));
    if !remote_src {
        let path = cx.find("files", &source).map_err(|e| match e {
            ActionError::Error(e) => ActionError::caught(crate::diagnostic::ansible_text(&e), &e),
            other => other,
        })?;
        let label = path.display().to_string();
        let bytes = cx
            .worker
            .play
            .run
            .loader
            .read_bytes(&path, decrypt)
            .map_err(|e| ActionError::caught(crate::diagnostic::ansible_text(&e), &e))?;
        files.push(Attached::bytes(&label, bytes));
        args.insert("src", label);
    }
    if !is_dir(cx, &dest).await? {
        return Err(ActionError::fail(format!("dest '{dest}' must be an existing dir")));
    }
    cx.remote.module(cx, "ansible.legacy.unarchive", args, files).await
}

async fn is_dir(cx: &ActionContext<'_>, path: &str) -> Result<bool, ActionError> {
    let args: Dict = [
        ("path", Value::str(path)),
        ("get_checksum", false.into()),
        ("get_mime", false.into()),
        ("get_attributes", false.into()),
        ("follow", true.into()),
    ]
    .into_iter()
    .collect();
    let stat = cx.module("ansible.builtin.stat", args).await?;
    let found = stat.data.get("stat").and_then(|s| s.as_dict().and_then(|d| d.get("isdir")));
    Ok(found.is_some_and(|v| v.is_true()))
}
