//! `uri`: files of the controller's travel with the request's description.

use super::{Action, ActionContext, ActionError, ActionFuture, Outcome, remote::Attached};
use crate::{playbook::keywords, value::Value};

/// Talks HTTP from the host.
pub static ACTION: Action = Action { name: "uri", bypass_host_loop: false, run };

fn run<'a>(cx: &'a mut ActionContext<'_>) -> ActionFuture<'a> {
    Box::pin(async move {
        match uri(cx).await {
            // Refusals are results like others: `failed_when` judges them.
            Err(ActionError::Done(result)) => Ok(*result),
            done => done,
        }
    })
}

async fn uri(cx: &mut ActionContext<'_>) -> Outcome {
    let args = cx.args.copy();
    let remote = cx.arg("remote_src").is_some_and(|v| keywords::to_bool(&v).unwrap_or(false));
    let mut files = Vec::new();
    if !remote {
        if let Some(src) = cx.text("src").filter(|s| !s.is_empty()) {
            args.insert("src", attach(cx, &src, &mut files)?);
        } else if cx.text("body_format").as_deref() == Some("form-multipart") {
            multipart(cx, &mut files)?;
        }
    }
    cx.remote.task_module(cx, "ansible.legacy.uri", args, files).await
}

fn attach(
    cx: &ActionContext<'_>,
    name: &str,
    files: &mut Vec<Attached>,
) -> Result<String, ActionError> {
    let path = cx.find("files", name).map_err(|e| match e {
        ActionError::Error(e) => ActionError::caught(crate::diagnostic::ansible_text(&e), &e),
        other => other,
    })?;
    let label = path.display().to_string();
    let bytes = cx.worker.play.run.loader.read_bytes(&path, true)?;
    files.push(Attached::bytes(&label, bytes));
    Ok(label)
}

fn multipart(cx: &ActionContext<'_>, files: &mut Vec<Attached>) -> Result<(), ActionError> {
    let body = match cx.arg("body") {
        Some(Value::Dict(body)) => body,
        other => {
            let kind = other.map_or_else(|| "NoneType".to_owned(), |v| v.type_name().to_owned());
            return Err(ActionError::fail(format!("body must be mapping, cannot be type {kind}")));
        }
    };
    for (_, field) in body.snapshot() {
        let Value::Dict(field) = field else { continue };
        if field.get("content").is_some_and(|c| c.is_true()) {
            continue;
        }
        if let Some(name) = field.get("filename").filter(Value::is_true) {
            let label = attach(cx, &name.to_text(), files)?;
            field.insert("filename", label);
        }
    }
    Ok(())
}
