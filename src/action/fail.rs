//! `fail`: fails with a message.

use super::{Action, ActionContext, ActionFuture};
use crate::{run::TaskResult, value::Value};

/// Fails with a message.
pub static ACTION: Action = Action { name: "fail", bypass_host_loop: false, run };

fn run<'a>(cx: &'a mut ActionContext<'_>) -> ActionFuture<'a> {
    Box::pin(async move {
        cx.only(&["msg"])?;
        let message =
            cx.args.get("msg").unwrap_or_else(|| Value::str("Failed as requested from task"));
        Ok(TaskResult::of([("failed", true.into()), ("msg", message)]))
    })
}
