//! `shell`: `command` through a shell.

use super::{Action, ActionContext, ActionFuture};

/// Runs a line in the host's shell.
pub static ACTION: Action = Action { name: "shell", bypass_host_loop: false, run };

fn run<'a>(cx: &'a mut ActionContext<'_>) -> ActionFuture<'a> {
    Box::pin(async move {
        let args = cx.args.copy();
        args.insert("_uses_shell", true);
        cx.task_module("ansible.builtin.command", args).await
    })
}
