//! `oneline`: one line a host and result.

use super::{
    Callback, Colour, Display, Registration, ResultOptions, ResultText, clean::without_status,
    minimal::RAW_OUTPUT,
};
use crate::event::{Event, Report};

/// Registers the callback.
pub static REGISTRATION: Registration = Registration {
    name: "oneline",
    collection: "ansible.builtin",
    summary: "one line a host and result",
    make: |_, _| Box::new(Oneline),
};

struct Oneline;

fn command_text(report: &Report, caption: &str) -> String {
    let get = |key: &str| {
        let text = report.result.get(key).map_or_else(String::new, |v| v.to_text());
        text.replace('\n', "\\n").replace('\r', "\\r")
    };
    let rc = report.result.get("rc").map_or_else(|| "-1".to_owned(), |v| v.to_text());
    let mut text = format!("{} | {caption} | rc={rc} | (stdout) {}", report.host, get("stdout"));
    let stderr = get("stderr");
    if !stderr.is_empty() {
        text.push_str(&format!(" (stderr) {stderr}"));
    }
    text
}

fn dump(report: &Report, display: &Display) -> String {
    ResultOptions::default().result(report, display.verbosity(), Some(0)).replace('\n', "")
}

fn failed(report: &Report, display: &Display) {
    if let Some(trace) = report.result.get("exception") {
        let trace = trace.to_text();
        let raw = RAW_OUTPUT.contains(&report.task.action.as_str())
            && !report.result.contains("module_stderr");
        let text = if raw {
            command_text(report, "FAILED")
        } else if display.verbosity() < 3 {
            let last = trace.trim().rsplit('\n').next().unwrap_or_default();
            format!(
                "An exception occurred during task execution. To see the full traceback, use \
                 -vvv. The error was: {last}"
            )
        } else {
            let trace = trace.replace('\n', "");
            format!("An exception occurred during task execution. The full traceback is:\n{trace}")
        };
        display.line(&text, Some(Colour::Error), false);
    }
    let text = format!("{} | FAILED! => {}", report.host, dump(report, display));
    display.line(&text, Some(Colour::Error), false);
}

impl Callback for Oneline {
    fn event(&mut self, event: &Event, display: &Display) {
        match event {
            Event::Failed(report, _) => failed(&without_status(report), display),
            Event::Ok(report) => {
                let changed = report.result.get("changed").is_some_and(|v| v.is_true());
                let (word, colour) =
                    if changed { ("CHANGED", Colour::Changed) } else { ("SUCCESS", Colour::Ok) };
                let raw = RAW_OUTPUT.contains(&report.task.action.as_str())
                    && !report.result.contains("ansible_job_id");
                let text = if raw {
                    command_text(report, word)
                } else {
                    format!(
                        "{} | {word} => {}",
                        report.host,
                        dump(&without_status(report), display)
                    )
                };
                display.line(&text, Some(colour), false);
            }
            Event::Unreachable(report, _) => {
                let message = report.result.get("msg").map_or_else(String::new, |v| v.to_text());
                let text = format!("{} | UNREACHABLE!: {message}", report.host);
                display.line(&text, Some(Colour::Unreachable), false);
            }
            Event::Skipped(report) => {
                display.line(&format!("{} | SKIPPED", report.host), Some(Colour::Skip), false);
            }
            _ => {}
        }
    }
}
