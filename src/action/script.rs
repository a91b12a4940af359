//! `script`: runs a script of the controller's on the host.

use super::{Action, ActionContext, ActionError, ActionFuture, Outcome, remote::Attached};
use crate::{
    playbook::keywords,
    run::TaskResult,
    value::{Dict, Value},
};

/// Runs a script of the controller's.
pub static ACTION: Action = Action { name: "script", bypass_host_loop: false, run };

fn run<'a>(cx: &'a mut ActionContext<'_>) -> ActionFuture<'a> {
    Box::pin(script(cx))
}

async fn script(cx: &mut ActionContext<'_>) -> Outcome {
    for (name, wanted) in [("creates", false), ("removes", true)] {
        let Some(path) = cx.text(name).filter(|p| !p.is_empty()) else { continue };
        if exists(cx, &path).await? != wanted {
            return Err(ActionError::skip(if wanted {
                format!("{path} does not exist, matching removes option")
            } else {
                format!("{path} exists, matching creates option")
            }));
        }
    }
    let chdir = cx.text("chdir").filter(|d| !d.is_empty());
    if let Some(dir) = chdir.as_deref().filter(|d| !d.starts_with('/')) {
        return Err(ActionError::fail(format!(
            "chdir {dir} must be an absolute path for a Unix-aware remote node"
        )));
    }
    // `cmd` is the name of the free-form part for those who write arguments as a dict.
    let raw = cx.text("_raw_params").or_else(|| cx.text("cmd")).unwrap_or_default();
    let words = vmstation_host::python::shell_split(raw.trim())
        .map_err(|e| ActionError::fail(e.to_string()))?;
    let Some(name) = words.first() else {
        return Err(ActionError::fail("the script action needs the name of a script"));
    };
    let decrypt = cx.arg("decrypt").is_none_or(|v| keywords::to_bool(&v).unwrap_or(false));
    let bytes = source(cx, name, decrypt)?;
    if cx.check() {
        if cx.arg("creates").is_some() || cx.arg("removes").is_some() {
            return Ok(TaskResult::of([("changed", true.into())]));
        }
        let skip = TaskResult::of([
            ("changed", false.into()),
            ("skipped", true.into()),
            ("msg", "Check mode is not supported for this task.".into()),
        ]);
        return Err(ActionError::Done(Box::new(skip)));
    }
    let label = format!("script:{name}");
    let args: Dict = [
        ("src", Value::str(label.as_str())),
        ("name", Value::str(name.rsplit('/').next().unwrap_or(name))),
        ("command", Value::str(raw.trim())),
        ("word", Value::str(name.as_str())),
        ("executable", cx.arg("executable").unwrap_or(Value::None)),
        ("chdir", chdir.map_or(Value::None, Value::from)),
    ]
    .into_iter()
    .collect();
    let file = Attached::bytes(&label, bytes);
    let mut result = cx.remote.module(cx, "ansible.builtin.script", args, vec![file]).await?;
    result.data.remove("invocation");
    result.data.insert("changed", true);
    if result.data.get("rc").is_some_and(|rc| rc.is_true()) {
        result.data.insert("failed", true);
        result.data.insert("msg", "non-zero return code");
        return Err(ActionError::Done(Box::new(std::mem::take(&mut result))));
    }
    Ok(result)
}

fn source(cx: &ActionContext<'_>, name: &str, decrypt: bool) -> Result<Vec<u8>, ActionError> {
    let path = cx.find("files", name).map_err(|e| match e {
        ActionError::Error(e) => ActionError::caught(crate::diagnostic::ansible_text(&e), &e),
        other => other,
    })?;
    cx.worker.play.run.loader.read_bytes(&path, decrypt).map_err(Into::into)
}

/// Whether a path is there on the host.
pub async fn exists(cx: &ActionContext<'_>, path: &str) -> Result<bool, ActionError> {
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
    let found = stat.data.get("stat").and_then(|s| s.as_dict().and_then(|d| d.get("exists")));
    Ok(found.is_some_and(|v| v.is_true()))
}
