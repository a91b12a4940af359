//! Waiting for a task that goes on by itself.

use std::time::Duration;

use super::{TaskResult, Worker};
use crate::{
    action::{ActionContext, ActionError, async_status},
    event::Event,
    value::{Dict, Value},
};

impl Worker {
    /// Asks for a job every `poll` seconds until it has ended, or its time is over.
    pub(super) async fn await_job(
        &self,
        cx: &mut ActionContext<'_>,
        started: &TaskResult,
    ) -> Result<TaskResult, ActionError> {
        let Some(jid) = started.data.get("ansible_job_id") else {
            return Ok(TaskResult::failed("No job id was returned by the async task"));
        };
        let (limit, poll) = (cx.fields.r#async, cx.fields.poll);
        let mut left = limit;
        let mut last = TaskResult::default();
        while left > 0 {
            tokio::time::sleep(Duration::from_secs(poll.unsigned_abs())).await;
            last = match async_status::status(cx, request(&jid, None)).await {
                Ok(asked) => asked,
                // The host may be restarting; what was asked is asked again.
                Err(ActionError::Unreachable(why)) => {
                    left -= poll;
                    if left <= 0 {
                        return Err(ActionError::Unreachable(why));
                    }
                    cx.remote.reset(cx).await;
                    continue;
                }
                Err(other) => return Err(other),
            };
            let over = is_finished(&last) || last.data.contains("failed") || last.is_skipped();
            if over {
                break;
            }
            left -= poll;
            self.send(Event::AsyncPoll(self.report(&last)));
        }
        let result = if is_finished(&last) {
            // The result's file has served its purpose.
            async_status::status(cx, request(&jid, Some("cleanup"))).await?;
            last
        } else {
            let text = format!("async task did not complete within the requested time - {limit}s");
            let late = TaskResult::failed(text);
            late.data.insert("async_result", Value::Dict(last.data));
            late
        };
        let report = self.report(&result);
        self.send(if result.is_failed() {
            Event::AsyncFailed(report)
        } else {
            Event::AsyncOk(report)
        });
        Ok(result)
    }
}

fn request(jid: &Value, mode: Option<&str>) -> Dict {
    let args = Dict::new();
    args.insert("jid", jid.clone());
    if let Some(mode) = mode {
        args.insert("mode", mode);
    }
    args
}

fn is_finished(result: &TaskResult) -> bool {
    result.data.get("finished").is_some_and(|v| v.is_true())
}
