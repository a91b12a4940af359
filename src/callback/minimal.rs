//! `minimal`: one block a host and result; what ad-hoc commands print.

use super::{
    Callback, Colour, Display, Registration, ResultOptions, ResultText,
    clean::{shown, without_status},
    default::{diff_context, exception, show_warnings},
    diff,
};
use crate::{
    config::options,
    event::{Event, Report},
    value::Value,
};

/// Registers the callback.
pub static REGISTRATION: Registration = Registration {
    name: "minimal",
    collection: "ansible.builtin",
    summary: "the bare results of each host",
    make: |settings, _| {
        Box::new(Minimal {
            context: diff_context(settings),
            warnings: settings.get(&options::ACTION_WARNINGS),
        })
    },
};

/// Modules whose results are shown as a command's output.
pub const RAW_OUTPUT: &[&str] = &[
    "command",
    "win_command",
    "ansible.windows.win_command",
    "shell",
    "win_shell",
    "ansible.windows.win_shell",
    "raw",
    "script",
    "ansible.builtin.command",
    "ansible.builtin.shell",
    "ansible.builtin.raw",
    "ansible.builtin.script",
];

struct Minimal {
    context: usize,
    /// `action_warnings`.
    warnings: bool,
}

fn results() -> ResultOptions {
    ResultOptions::default()
}

fn command_text(report: &Report, caption: &str) -> String {
    let get = |key: &str| report.result.get(key).map_or_else(String::new, |v| v.to_text());
    let rc = report.result.get("rc").map_or_else(|| "-1".to_owned(), |v| v.to_text());
    format!(
        "{} | {caption} | rc={rc} >>\n{}{}{}\n",
        report.host,
        get("stdout"),
        get("stderr"),
        get("msg")
    )
}

impl Callback for Minimal {
    fn event(&mut self, event: &Event, display: &Display) {
        let dump = |r: &Report| results().result(r, display.verbosity(), Some(4));
        match event {
            Event::Failed(report, _) => {
                let report = without_status(report);
                exception(&report.result, false, display);
                show_warnings(&report.result, self.warnings, display);
                let raw = RAW_OUTPUT.contains(&report.task.action.as_str())
                    && !report.result.contains("module_stderr");
                let text = if raw {
                    command_text(&report, "FAILED")
                } else {
                    format!("{} | FAILED! => {}", report.host, dump(&report))
                };
                display.line(&text, Some(Colour::Error), false);
            }
            Event::Ok(report) => {
                let report = shown(report);
                show_warnings(&report.result, self.warnings, display);
                let changed = report.result.get("changed").is_some_and(|v| v.is_true());
                let (word, colour) =
                    if changed { ("CHANGED", Colour::Changed) } else { ("SUCCESS", Colour::Ok) };
                let raw = RAW_OUTPUT.contains(&report.task.action.as_str())
                    && !report.result.contains("ansible_job_id");
                let text = if raw {
                    command_text(&report, word)
                } else {
                    format!("{} | {word} => {}", report.host, dump(&report))
                };
                display.line(&text, Some(colour), false);
            }
            Event::Skipped(report) => {
                let text = format!("{} | SKIPPED", report.host);
                display.line(&text, Some(Colour::Skip), false);
            }
            Event::Unreachable(report, _) => {
                let text = format!("{} | UNREACHABLE! => {}", report.host, dump(report));
                display.line(&text, Some(Colour::Unreachable), false);
            }
            Event::Diff(report) => {
                if let Some(found) = report.result.get("diff").filter(Value::is_true) {
                    let text = diff::render(&found, &results(), self.context, display);
                    display.line(&text, None, false);
                }
            }
            _ => {}
        }
    }
}
