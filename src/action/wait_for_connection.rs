//! `wait_for_connection`: waits until a host can be reached and answers.

use std::time::{Duration, Instant};

use super::{Action, ActionContext, ActionError, ActionFuture, Outcome};
use crate::{
    playbook::keywords,
    run::TaskResult,
    value::{Dict, Value},
};

/// Waits until the host answers.
pub static ACTION: Action = Action { name: "wait_for_connection", bypass_host_loop: false, run };

fn run<'a>(cx: &'a mut ActionContext<'_>) -> ActionFuture<'a> {
    Box::pin(wait(cx))
}

fn seconds(cx: &ActionContext<'_>, name: &str, default: i64) -> Result<Duration, ActionError> {
    let n = cx.arg(name).map_or(Ok(default), |v| keywords::to_int(&v))?;
    Ok(Duration::from_secs(u64::try_from(n).unwrap_or(0)))
}

async fn wait(cx: &mut ActionContext<'_>) -> Outcome {
    let delay = seconds(cx, "delay", 0)?;
    let sleep = seconds(cx, "sleep", 1)?;
    let timeout = seconds(cx, "timeout", 600)?;
    let connect = seconds(cx, "connect_timeout", 5)?;
    if cx.check() {
        return Ok(TaskResult::of([("skipped", true.into())]));
    }
    cx.only(&["connect_timeout", "delay", "sleep", "timeout"])?;
    let began = Instant::now();
    tokio::time::sleep(delay).await;
    let deadline = Instant::now() + timeout;
    let remote = cx.remote.with_timeout(connect);
    let mut failure = None;
    loop {
        let last = match ping(cx, &remote).await {
            Ok(()) => break,
            Err(text) => text,
        };
        if Instant::now() + sleep >= deadline {
            failure = Some(last);
            break;
        }
        tokio::time::sleep(sleep).await;
    }
    let mut result = TaskResult::default();
    if let Some(last) = failure {
        result = TaskResult::failed(format!("timed out waiting for ping module test: {last}"));
    }
    let elapsed = i64::try_from(began.elapsed().as_secs()).unwrap_or(i64::MAX);
    result.data.insert("elapsed", elapsed);
    Ok(result)
}

/// Whether the host answers over a new connection; why not.
pub async fn ping(cx: &ActionContext<'_>, remote: &super::Remote) -> Result<(), String> {
    remote.reset(cx).await;
    match remote.module(cx, "ansible.legacy.ping", Dict::new(), Vec::new()).await {
        Ok(answer) if answer.data.get("ping").is_some_and(|p| p.as_str() == Some("pong")) => Ok(()),
        Ok(answer) => {
            let message = answer.data.get("msg").map_or_else(String::new, |v: Value| v.to_text());
            Err(if message.is_empty() { "ping test failed".to_owned() } else { message })
        }
        Err(ActionError::Unreachable(text)) => Err(text),
        Err(ActionError::Error(e)) => Err(e.message().to_owned()),
        Err(ActionError::Done(r)) => {
            Err(r.data.get("msg").map_or_else(String::new, |v: Value| v.to_text()))
        }
    }
}
