//! `script`: runs a script of the controller's on the host.

use super::{Action, ActionContext, ActionError, ActionFuture, Outcome};
use crate::{
    connection::quote,
    playbook::keywords,
    run::TaskResult,
    value::{Dict, Value},
};

/// Runs a script of the controller's.
pub static ACTION: Action = Action { name: "script", bypass_host_loop: false, run };

fn run<'a>(cx: &'a mut ActionContext<'_>) -> ActionFuture<'a> {
    Box::pin(async move {
        match script(cx).await {
            // Refusals and skips are results like others: `failed_when` judges them.
            Err(ActionError::Done(result)) => Ok(*result),
            done => done,
        }
    })
}

async fn script(cx: &mut ActionContext<'_>) -> Outcome {
    let (creates, removes) = (given(cx, "creates"), given(cx, "removes"));
    if let Some(path) = &creates
        && exists(cx, path).await?
    {
        return Err(ActionError::skip(format!("{path} exists, matching creates option")));
    }
    if let Some(path) = &removes
        && !exists(cx, path).await?
    {
        return Err(ActionError::skip(format!("{path} does not exist, matching removes option")));
    }
    let chdir = given(cx, "chdir");
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
        if creates.is_some() || removes.is_some() {
            return Ok(TaskResult::of([("changed", true.into())]));
        }
        return Ok(TaskResult::of([
            ("changed", false.into()),
            ("skipped", true.into()),
            ("msg", "Check mode is not supported for this task.".into()),
        ]));
    }
    let base = name.rsplit('/').next().unwrap_or(name);
    let staged = cx.remote.stage(cx, base, bytes).await?;
    // The rest of the line stays as it is written, quotes and all.
    let mut line = raw.trim().replace(name.as_str(), &staged.path);
    if let Some(executable) = given(cx, "executable") {
        line = format!("{executable} {line}");
    }
    for (key, value) in cx.fields.environment.snapshot().iter().rev() {
        line = format!("{}={} {line}", key.value().to_text(), quote(&value.to_text()));
    }
    if let Some(dir) = chdir {
        line = format!("cd {dir} && {line}");
    }
    let ran = cx.remote.shell(cx, &line, None).await;
    cx.remote.unstage(cx, staged).await;
    Ok(finished(ran?))
}

/// An argument that says something.
fn given(cx: &ActionContext<'_>, name: &str) -> Option<String> {
    cx.text(name).filter(|text| !text.is_empty())
}

fn finished(ran: TaskResult) -> TaskResult {
    let result = TaskResult::of([("changed", true.into())]);
    for (key, value) in ran.data.snapshot() {
        result.data.insert(key, value);
    }
    if result.data.get("rc").is_some_and(|rc| rc.is_true()) {
        result.data.insert("failed", true);
        result.data.insert("msg", "non-zero return code");
        // What Python calls the exception under way when there is none; users see it.
        result.data.insert("exception", "NoneType: None\n");
    }
    result
}

fn source(cx: &ActionContext<'_>, name: &str, decrypt: bool) -> Result<Vec<u8>, ActionError> {
    let path = cx.find("files", name).map_err(|e| match e {
        ActionError::Error(e) => ActionError::caught(crate::diagnostic::ansible_text(&e), &e),
        other => other,
    })?;
    cx.worker
        .play
        .run
        .loader
        .read_bytes(&path, decrypt)
        .map_err(|e| ActionError::caught(crate::diagnostic::ansible_text(&e), &e))
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
