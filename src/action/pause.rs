//! `pause`: waits for some time, or for a person.

use std::time::{Duration, Instant};

use vmstation_host::context::text::decode_utf8;

use super::{Action, ActionContext, ActionError, ActionFuture, Outcome};
use crate::{
    diagnostic::{Error, Kind},
    event::Event,
    playbook::keywords,
    run::TaskResult,
    terminal,
    value::{Value, types::class_repr},
};

/// Waits for some time, or for a person.
pub static ACTION: Action = Action { name: "pause", bypass_host_loop: true, run };

fn run<'a>(cx: &'a mut ActionContext<'_>) -> ActionFuture<'a> {
    Box::pin(pause(cx))
}

/// What the arguments ask for.
struct Wish {
    echo: bool,
    prompt: Option<String>,
    seconds: Option<u64>,
    in_minutes: bool,
}

fn read(cx: &ActionContext<'_>) -> Result<Wish, ActionError> {
    if cx.arg("minutes").is_some() && cx.arg("seconds").is_some() {
        return Err(ActionError::fail("parameters are mutually exclusive: minutes|seconds"));
    }
    let number = |name: &str| -> Result<Option<i64>, ActionError> {
        let Some(value) = cx.arg(name) else { return Ok(None) };
        keywords::to_int(&value).map(Some).map_err(|e| {
            ActionError::fail(format!(
                "argument '{name}' is of type {} and we were unable to convert to int: {}",
                class_repr(&value),
                e.message()
            ))
        })
    };
    let echo = cx.arg("echo").map_or(Ok(true), |value| {
        keywords::to_bool(&value).map_err(|e| {
            ActionError::fail(format!(
                "argument 'echo' is of type {} and we were unable to convert to bool: {}",
                class_repr(&value),
                e.message()
            ))
        })
    })?;
    let minutes = number("minutes")?;
    let seconds = minutes.map(|m| m * 60).or(number("seconds")?);
    cx.only_specified(&["echo", "minutes", "prompt", "seconds"])?;
    Ok(Wish {
        echo,
        prompt: cx.text("prompt").filter(|p| !p.is_empty()),
        seconds: seconds.map(|s| s.max(1).unsigned_abs()),
        in_minutes: minutes.is_some() || seconds.is_none(),
    })
}

async fn pause(cx: &mut ActionContext<'_>) -> Outcome {
    let wish = read(cx)?;
    let run = &cx.worker.play.run;
    let hidden = if wish.echo { "" } else { " (output is hidden)" };
    let question = wish
        .prompt
        .clone()
        .unwrap_or_else(|| "Press enter to continue, Ctrl+C to interrupt".to_owned());
    let prompt = format!("[{}]\n{question}{hidden}:", cx.worker.info.name.trim());
    let mut lines = Vec::new();
    if let Some(seconds) = wish.seconds {
        lines.push(format!("Pausing for {seconds} seconds{hidden}"));
        lines.push("(ctrl+C then 'C' = continue early, ctrl+C then 'A' = abort)\r".to_owned());
    }
    if wish.seconds.is_none() || wish.prompt.is_some() {
        lines.push(prompt);
    }
    let began = Instant::now();
    let start = chrono::Local::now();
    let events = run.events.clone();
    let show =
        move |lines: Vec<String>| lines.into_iter().for_each(|l| events.send(Event::Line(l)));
    let mut input = String::new();
    let until = wish.seconds.map(|seconds| began + Duration::from_secs(seconds));
    if terminal::somebody_is_there() {
        let typed = tokio::task::spawn_blocking(move || {
            let keys = "Press 'C' to continue the play or 'A' to abort \r".to_owned();
            terminal::pause(until, wish.echo, || show(lines), || show(vec![keys]))
        });
        let typed = typed.await.map_err(|e| ActionError::result(e.to_string()))??;
        let typed = typed.ok_or_else(|| Error::new(Kind::User, "user requested abort!"))?;
        input = decode_utf8(&typed);
    } else if let Some(until) = until {
        show(lines);
        tokio::time::sleep_until(until.into()).await;
    } else {
        show(lines);
        run.events.send(Event::Warning(
            "Not waiting for response to prompt as stdin is not interactive".to_owned(),
        ));
    }
    let seconds = began.elapsed().as_secs_f64();
    let (amount, unit) =
        if wish.in_minutes { (seconds / 60.0, "minutes") } else { (seconds, "seconds") };
    let rounded = Value::Float((amount * 100.0).round() / 100.0).to_text();
    let time = |t: chrono::DateTime<chrono::Local>| {
        Value::str(t.format("%Y-%m-%d %H:%M:%S%.6f").to_string())
    };
    Ok(TaskResult::of([
        ("changed", false.into()),
        ("rc", 0.into()),
        ("stderr", "".into()),
        ("stdout", Value::str(format!("Paused for {rounded} {unit}"))),
        ("start", time(start)),
        ("stop", time(chrono::Local::now())),
        ("delta", Value::Int(i64::try_from(began.elapsed().as_secs()).unwrap_or(i64::MAX))),
        ("echo", wish.echo.into()),
        ("user_input", Value::str(input)),
    ]))
}
