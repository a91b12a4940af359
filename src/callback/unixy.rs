//! `unixy`: a run as the log of a Unix system's start.

use std::sync::Arc;

use super::{
    Callback, Colour, Default, Display, Registration, ResultText,
    default::{
        Options, exception, host_column, label_of_item, recap_counts, show_custom_stats,
        show_warnings,
    },
};
use crate::event::{Counts, Event, PlayInfo, Report, Stats, TaskInfo, TaskKind};

/// Registers the callback.
pub static REGISTRATION: Registration = Registration {
    name: "unixy",
    collection: "community.general",
    summary: "a short line a result, as a Unix system logs its start",
    make: |settings, display| {
        let options = Options::read(settings, display.is_check());
        Box::new(Unixy { options, rest: Default::new(options) })
    },
};

struct Unixy {
    options: Options,
    /// Shows what is shown as ever.
    rest: Default,
}

impl Unixy {
    fn play_start(play: &Arc<PlayInfo>, display: &Display) {
        let name = play.name.trim();
        let text = if name.is_empty() || play.hosts.is_empty() {
            "---".to_owned()
        } else {
            format!("\n- {name} on hosts: {} -", play.hosts.join(","))
        };
        display.line(&text, None, false);
    }

    fn task_start(task: &TaskInfo, display: &Display) {
        let name = task.name.trim().rsplit(" : ").next().unwrap_or_default();
        if name.starts_with("include") {
            return;
        }
        let text = match task.kind {
            TaskKind::Handler => format!("{name} (via handler)... "),
            TaskKind::Task | TaskKind::Cleanup => format!("{name}..."),
        };
        display.line(&text, None, false);
    }

    fn is_verbose(report: &Report, display: &Display) -> bool {
        (display.verbosity() > 0 || report.verbose_always) && !report.verbose_never
    }

    /// Shows a result as a line.
    fn result(
        &self,
        report: &Report,
        message: &str,
        colour: Colour,
        stderr: bool,
        display: &Display,
    ) {
        let report = super::clean::without_status(report);
        let data = &report.result;
        exception(data, self.options.failed_stderr, display);
        show_warnings(data, self.options.action_warnings, display);
        let mut text = format!("  {} {message}", report.host);
        if Self::is_verbose(&report, display) {
            let result = self.options.results.result(&report, display.verbosity(), Some(4));
            display.line(&format!("{text}: {result}"), Some(colour), stderr);
            return;
        }
        if let Some(delegated) = &report.delegated {
            let address = delegated.address.as_ref().unwrap_or(&delegated.host);
            text = format!("  {} -> {address} {message}", report.host);
        }
        for key in ["msg", "stdout", "stderr"] {
            let Some(value) = data.get(key).filter(|v| v.is_true()) else { continue };
            if key != "msg" || value.as_str() != Some("All items completed") {
                text.push_str(&format!(" | {key}: {}", value.to_text()));
            }
        }
        display.line(&text, Some(colour), stderr);
    }

    fn ok(&self, report: &Report, display: &Display) {
        if report.result.get("changed").is_some_and(|v| v.is_true()) {
            let message = with_item("done", report);
            self.result(report, &message, Colour::Changed, false, display);
        } else if self.options.ok_hosts {
            self.result(report, "ok", Colour::Ok, false, display);
        }
    }

    fn failed(&self, report: &Report, display: &Display) {
        let message = with_item("failed", report);
        self.result(report, &message, Colour::Error, self.options.failed_stderr, display);
    }

    fn stats(&self, stats: &Stats, display: &Display) {
        display.line("\n- Play recap -", None, false);
        let mut hosts: Vec<(&Arc<str>, &Counts)> = stats.hosts.iter().collect();
        hosts.sort_unstable_by_key(|(name, _)| *name);
        for (host, counts) in hosts {
            let name = host_column(host, *counts, display);
            let counts = recap_counts(*counts, display).join(" ");
            display.line(&format!("  {name} : {counts}"), None, false);
        }
        if !stats.custom.is_empty() && self.options.custom_stats {
            show_custom_stats(stats, &self.options.results, display);
        }
    }
}

fn with_item(word: &str, report: &Report) -> String {
    match label_of_item(report).filter(|label| !label.is_empty()) {
        Some(label) => format!("{word} | item: {label}"),
        None => word.to_owned(),
    }
}

impl Callback for Unixy {
    fn event(&mut self, event: &Event, display: &Display) {
        match event {
            Event::PlaybookStart { path, .. } => {
                let name = std::path::Path::new(path).file_name().unwrap_or_default();
                let text = format!("Executing playbook {}", name.to_string_lossy());
                display.line(&text, None, false);
            }
            Event::PlayStart(play) => Self::play_start(play, display),
            Event::TaskStart(task) if !task.implicit && task.kind != TaskKind::Cleanup => {
                Self::task_start(task, display);
            }
            Event::Ok(report) | Event::ItemOk(report) => self.ok(report, display),
            Event::Failed(report, _) | Event::ItemFailed(report) => self.failed(report, display),
            Event::Skipped(report) | Event::ItemSkipped(report) => {
                if self.options.skipped_hosts {
                    self.result(report, "skipped", Colour::Skip, false, display);
                }
            }
            Event::Unreachable(report, _) => {
                let stderr = self.options.failed_stderr;
                self.result(report, "unreachable", Colour::Unreachable, stderr, display);
            }
            Event::Retry(report) => {
                let report = &super::clean::without_status(report);
                let get =
                    |key: &str| report.result.get(key).map_or_else(String::new, |v| v.to_text());
                let mut text = format!("  Retrying... ({} of {})", get("attempts"), get("retries"));
                if Self::is_verbose(report, display) {
                    let result = self.options.results.result(report, display.verbosity(), None);
                    text.push_str(&format!("Result was: {result}"));
                }
                display.line(&text, Some(Colour::Debug), false);
            }
            Event::NoHostsMatched => {
                display.line("  No hosts found!", Some(Colour::Debug), false);
            }
            Event::NoHostsRemaining => {
                display.line("  Ran out of hosts!", Some(Colour::Error), false);
            }
            Event::Stats(stats) => self.stats(stats, display),
            other => self.rest.event(other, display),
        }
    }
}
