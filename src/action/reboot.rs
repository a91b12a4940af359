//! `reboot`: restarts a host and waits until it is back.

use std::time::{Duration, Instant};

use super::{Action, ActionContext, ActionError, ActionFuture, Outcome, Remote};
use crate::{
    playbook::keywords,
    run::TaskResult,
    value::{Dict, Value},
};

/// Restarts the host.
pub static ACTION: Action = Action { name: "reboot", bypass_host_loop: false, run };

const KNOWN: &[&str] = &[
    "boot_time_command",
    "connect_timeout",
    "msg",
    "post_reboot_delay",
    "pre_reboot_delay",
    "reboot_command",
    "reboot_timeout",
    "search_paths",
    "test_command",
];

fn run<'a>(cx: &'a mut ActionContext<'_>) -> ActionFuture<'a> {
    Box::pin(reboot(cx))
}

fn number(cx: &ActionContext<'_>, name: &str, default: i64) -> Result<i64, ActionError> {
    let value = cx.arg(name).or_else(|| cx.arg(&format!("{name}_sec")));
    Ok(value.map_or(Ok(default), |v| keywords::to_int(&v))?.max(0))
}

async fn reboot(cx: &mut ActionContext<'_>) -> Outcome {
    if cx.remote.is_local() {
        return Ok(TaskResult::of([
            ("changed", false.into()),
            ("elapsed", 0.into()),
            ("rebooted", false.into()),
            ("failed", true.into()),
            (
                "msg",
                Value::str(format!(
                    "Running {} with local connection would reboot the control node.",
                    cx.worker.task.action.written
                )),
            ),
        ]));
    }
    if cx.check() {
        return Ok(TaskResult::of([
            ("changed", true.into()),
            ("elapsed", 0.into()),
            ("rebooted", true.into()),
        ]));
    }
    cx.only(KNOWN)?;
    let before = match boot_id(cx, &cx.remote).await {
        Ok(id) => id,
        Err(text) => {
            let result = TaskResult::failed(text);
            result.data.insert("reboot", false);
            return Ok(result);
        }
    };
    let command = command(cx).await?;
    let began = Instant::now();
    if let Err(message) = ask(cx, &command).await? {
        let result = TaskResult::failed(message);
        result.data.insert("rebooted", false);
        result.data.insert("elapsed", elapsed(began));
        return Ok(result);
    }
    let delay = number(cx, "post_reboot_delay", 0)?;
    tokio::time::sleep(Duration::from_secs(delay.unsigned_abs())).await;
    let result = come_back(cx, &before).await?;
    result.data.insert("elapsed", elapsed(began));
    Ok(result)
}

fn elapsed(began: Instant) -> i64 {
    i64::try_from(began.elapsed().as_secs()).unwrap_or(i64::MAX)
}

/// What tells one boot from the next; or why it can't be had.
async fn boot_id(cx: &ActionContext<'_>, remote: &Remote) -> Result<String, String> {
    let line = cx
        .text("boot_time_command")
        .unwrap_or_else(|| "cat /proc/sys/kernel/random/boot_id".to_owned());
    let (rc, out, err) = line_of(cx, remote, &line).await?;
    if rc != 0 {
        return Err(format!(
            "{}: failed to get host boot time info, rc: {rc}, stdout: {out}, stderr: {err}",
            cx.worker.task.action.written
        ));
    }
    Ok(out.trim().to_owned())
}

/// Runs a line; its exit code and what it wrote.
async fn line_of(
    cx: &ActionContext<'_>,
    remote: &Remote,
    line: &str,
) -> Result<(i64, String, String), String> {
    let ran = remote.shell(cx, line, None).await.map_err(|e| match e {
        ActionError::Unreachable(text) => text,
        ActionError::Error(e) => e.message().to_owned(),
        ActionError::Done(r) => r.data.get("msg").map_or_else(String::new, |v: Value| v.to_text()),
    })?;
    let text = |key: &str| ran.data.get(key).map_or_else(String::new, |v: Value| v.to_text());
    let rc = match ran.data.get("rc") {
        Some(Value::Int(rc)) => rc,
        _ => -1,
    };
    Ok((rc, text("stdout"), text("stderr")))
}

/// The command that restarts the host, its program looked up where administrators' programs are.
async fn command(cx: &ActionContext<'_>) -> Result<String, ActionError> {
    let written = cx.text("reboot_command");
    let (program, args) = match &written {
        Some(line) => {
            let (program, args) = line.split_once(' ').unwrap_or((line, ""));
            (program.to_owned(), args.to_owned())
        }
        None => {
            let minutes = number(cx, "pre_reboot_delay", 0)? / 60;
            let message =
                cx.text("msg").unwrap_or_else(|| "Reboot initiated by Ansible".to_owned());
            ("shutdown".to_owned(), format!("-r {minutes} \"{message}\""))
        }
    };
    if program.starts_with('/') {
        return Ok(format!("{program} {args}"));
    }
    let paths = match cx.arg("search_paths") {
        Some(Value::List(items)) => items.snapshot(),
        Some(other) => other.to_text().split(',').map(Value::from).collect(),
        None => {
            ["/sbin", "/bin", "/usr/sbin", "/usr/bin", "/usr/local/sbin"].map(Value::from).to_vec()
        }
    };
    let args_of_find: Dict = [
        ("paths", Value::list(paths.clone())),
        ("patterns", Value::list(vec![Value::str(program.as_str())])),
        ("file_type", "any".into()),
    ]
    .into_iter()
    .collect();
    let found = cx.module("ansible.builtin.find", args_of_find).await?;
    let first = match found.data.get("files") {
        Some(Value::List(files)) => files.read().first().cloned(),
        _ => None,
    };
    let path = first.and_then(|f| f.as_dict().and_then(|d| d.get("path")));
    let Some(path) = path else {
        return Err(ActionError::result(format!(
            "Unable to find command \"{program}\" in search paths: {}",
            Value::list(paths).repr()
        )));
    };
    Ok(format!("{} {args}", path.to_text()))
}

/// Asks the host to restart; a connection that breaks right away is no failure.
async fn ask(cx: &ActionContext<'_>, command: &str) -> Result<Result<(), String>, ActionError> {
    match cx.remote.shell(cx, command, None).await {
        Err(ActionError::Unreachable(_)) => Ok(Ok(())),
        Err(other) => Err(other),
        Ok(ran) => {
            let text = |key: &str| {
                ran.data.get(key).map_or_else(String::new, |v: Value| v.to_text().trim().to_owned())
            };
            if ran.data.get("rc").is_some_and(|rc| rc.is_true()) {
                return Ok(Err(format!(
                    "Reboot command failed. Error was: '{}, {}'",
                    text("stdout"),
                    text("stderr")
                )));
            }
            Ok(Ok(()))
        }
    }
}

/// Waits until another boot answers and the test command works.
async fn come_back(cx: &ActionContext<'_>, before: &str) -> Outcome {
    let timeout = number(cx, "reboot_timeout", 600)?;
    let limit = Duration::from_secs(timeout.unsigned_abs());
    let remote = match cx.arg("connect_timeout").or_else(|| cx.arg("connect_timeout_sec")) {
        Some(v) => {
            let seconds = keywords::to_int(&v)?.unsigned_abs();
            cx.remote.with_timeout(Duration::from_secs(seconds))
        }
        None => cx.remote.clone(),
    };
    let late = |what: &str| {
        let result =
            TaskResult::failed(format!("Timed out waiting for {what} (timeout={timeout})"));
        result.data.insert("rebooted", true);
        result
    };
    let mut pause = Pause::default();
    let deadline = Instant::now() + limit;
    loop {
        if Instant::now() >= deadline {
            return Ok(late("last boot time check"));
        }
        remote.reset(cx).await;
        match boot_id(cx, &remote).await {
            Ok(now) if !now.is_empty() && now != before => break,
            _ => pause.wait().await,
        }
    }
    let test = cx.text("test_command").unwrap_or_else(|| "whoami".to_owned());
    let mut pause = Pause::default();
    let deadline = Instant::now() + limit;
    loop {
        if Instant::now() >= deadline {
            return Ok(late("post-reboot test command"));
        }
        match line_of(cx, &cx.remote, &test).await {
            Ok((0, _, _)) => break,
            Ok(_) => pause.wait().await,
            Err(_) => {
                cx.remote.reset(cx).await;
                pause.wait().await;
            }
        }
    }
    Ok(TaskResult::of([("rebooted", true.into()), ("changed", true.into())]))
}

/// Pauses that double up to a limit.
#[derive(Default)]
struct Pause {
    tries: u32,
}

impl Pause {
    async fn wait(&mut self) {
        // ansible-core 2.14 stops doubling at 12 seconds.
        let seconds = 2_f64.powi(i32::try_from(self.tries).unwrap_or(4)).min(12.0);
        self.tries = (self.tries + 1).min(4);
        tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
    }
}
