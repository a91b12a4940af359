//! `raw`: a line for the host's shell, without anything of ours on the host.

use super::{Action, ActionContext, ActionError, ActionFuture};
use crate::{event::Event, run::TaskResult, value::Value};

/// Hands a line to the host's shell.
pub static ACTION: Action = Action { name: "raw", bypass_host_loop: false, run };

fn run<'a>(cx: &'a mut ActionContext<'_>) -> ActionFuture<'a> {
    Box::pin(async move {
        if !cx.fields.environment.is_empty() {
            cx.worker.play.run.events.send(Event::Warning(
                "raw module does not support the environment keyword".to_owned(),
            ));
        }
        if cx.check() {
            return Ok(TaskResult::of([("skipped", true.into())]));
        }
        let Some(line) = cx.text("_raw_params") else {
            // What ansible-core 2.14 says when it has nothing to hand over.
            let text =
                "Unexpected failure during module execution: 'NoneType' object is not iterable";
            let result = TaskResult::failed(text);
            result.data.insert("stdout", "");
            return Err(ActionError::Done(Box::new(result)));
        };
        let executable = cx.text("executable").filter(|e| !e.is_empty());
        let ran = cx.remote.shell(cx, &line, executable.as_deref()).await?;
        ran.data.insert("changed", true);
        if ran.data.get("rc").is_some_and(|rc| rc.is_true()) {
            ran.data.insert("failed", true);
            ran.data.insert("msg", Value::str("non-zero return code"));
        }
        Ok(ran)
    })
}
