//! `dense`: a line a task, rewritten as hosts answer; only changes and failures stay.

use indexmap::IndexMap;

use super::{
    Callback, Default, Display, Registration, ResultOptions, ResultText,
    clean::without_status,
    default::{Options, host_column, recap_counts},
};
use crate::{
    event::{Event, PlayInfo, Report, Stats, TaskInfo, TaskKind},
    value::Value,
};

/// Registers the callback.
pub static REGISTRATION: Registration = Registration {
    name: "dense",
    collection: "community.general",
    summary: "a line a task, rewritten as hosts answer",
    make: |settings, display| {
        let rest = Default::new(Options::read(settings, display.is_check()));
        if display.verbosity() >= 2 {
            return Box::new(rest);
        }
        display.raw(&format!("{RESET}{SAVE}{CLEAR}"));
        Box::new(Dense {
            rest,
            hosts: IndexMap::new(),
            keep: false,
            titled: false,
            plays: 0,
            tasks: 0,
            handlers: 0,
            handler: false,
            task: String::new(),
        })
    },
};

const RESET: &str = "\x1b[0;0m";
const SAVE: &str = "\x1b[s";
const RESTORE: &str = "\x1b[u";
const CLEAR: &str = "\x1b[2K";
const UNDERLINE: &str = "\x1b[4m";
const BOLD: &str = "\x1b[1m";
const WRAP: &str = "\x1b[7h";
const NO_WRAP: &str = "\x1b[7l";

/// What is left out of results.
const LEFT_OUT: [&str; 7] =
    ["delta", "end", "failed", "failed_when_result", "invocation", "start", "stdout_lines"];

/// How a host stands in a task; the worse of two is shown.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum State {
    Skipped,
    Ok,
    Changed,
    Failed,
    Unreachable,
    Ignored,
}

impl State {
    fn colour(self) -> &'static str {
        match self {
            Self::Ok => "\x1b[0;32m",
            Self::Changed => "\x1b[0;33m",
            Self::Skipped => "\x1b[0;36m",
            Self::Ignored => "\x1b[46m\x1b[1;31m",
            Self::Failed => "\x1b[0;31m",
            Self::Unreachable => "\x1b[1;31m",
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Changed => "changed",
            Self::Skipped => "skipped",
            Self::Ignored => "ignored",
            Self::Failed => "failed",
            Self::Unreachable => "unreachable",
        }
    }
}

struct Dense {
    /// Shows what is shown as ever.
    rest: Default,
    /// Hosts of the current task: how they stand, and where the task ran instead.
    hosts: IndexMap<std::sync::Arc<str>, (State, Option<String>)>,
    /// Whether the line that stands there must stay.
    keep: bool,
    titled: bool,
    plays: u64,
    tasks: u64,
    handlers: u64,
    handler: bool,
    task: String,
}

impl Dense {
    /// Leaves the last line, or clears it; `end` goes last.
    fn next_line(&mut self, clear: &str, end: &str, display: &Display) {
        let text = if display.verbosity() == 0 && self.keep {
            format!("{RESTORE}{RESET}\n{SAVE}{CLEAR}{end}")
        } else {
            format!("{RESTORE}{RESET}{clear}{end}")
        };
        display.raw(&text);
        self.keep = false;
    }

    fn line_done(display: &Display) {
        display.raw(&format!("{RESTORE}{RESET}\n{SAVE}{CLEAR}"));
    }

    /// `task 3`.
    fn count(&self) -> String {
        match self.handler {
            true => format!("handler {}", self.handlers),
            false => format!("task {}", self.tasks),
        }
    }

    fn play_start(&mut self, play: &PlayInfo, display: &Display) {
        self.next_line(CLEAR, BOLD, display);
        (self.tasks, self.handlers) = (0, 0);
        self.plays += 1;
        let name = play.name.trim();
        let name = if name.is_empty() { "unnamed" } else { name };
        display.raw(&format!("PLAY {}: {}", self.plays, name.to_uppercase()));
        Self::line_done(display);
    }

    fn task_start(&mut self, task: &TaskInfo, display: &Display) {
        self.handler = task.kind == TaskKind::Handler;
        let clear = if self.handler { CLEAR } else { "" };
        self.next_line(clear, UNDERLINE, display);
        self.titled = false;
        self.hosts.clear();
        task.name.trim().clone_into(&mut self.task);
        if self.task != "setup" {
            *(if self.handler { &mut self.handlers } else { &mut self.tasks }) += 1;
        }
        display.raw(&format!("{}.{RESET}", self.count()));
    }

    fn host(&mut self, report: &Report, state: State, display: &Display) {
        let delegated = report.delegated.as_ref();
        let delegated = delegated.map(|d| d.address.clone().unwrap_or_else(|| d.host.clone()));
        let entry = self.hosts.entry(std::sync::Arc::clone(&report.host)).or_insert((state, None));
        entry.0 = entry.0.max(state);
        if delegated.is_some() {
            entry.1.clone_from(&delegated);
        }
        self.progress(display);
        if matches!(state, State::Changed | State::Failed | State::Unreachable) {
            self.keep = true;
            if display.verbosity() == 1 {
                self.title(display);
                self.result(report, state, delegated.as_deref(), display);
            }
        }
    }

    fn progress(&self, display: &Display) {
        let mut text =
            format!("{RESTORE}{RESET}{CLEAR}{NO_WRAP}{UNDERLINE}{}:{RESET}", self.count());
        for (name, (state, delegated)) in &self.hosts {
            let to = delegated.as_ref().map(|d| format!("{d}>")).unwrap_or_default();
            text.push_str(&format!(" {to}{}{name}{RESET}", state.colour()));
        }
        text.push_str(WRAP);
        display.raw(&text);
    }

    fn title(&mut self, display: &Display) {
        let mut text = format!("{RESTORE}{RESET}{CLEAR}");
        if !self.titled {
            self.titled = true;
            text.push_str(&format!(
                "{UNDERLINE}{}: {}{RESTORE}{RESET}\n{SAVE}{CLEAR}",
                self.count(),
                self.task
            ));
        }
        display.raw(&text);
        self.keep = false;
    }

    fn result(&mut self, report: &Report, state: State, to: Option<&str>, display: &Display) {
        self.next_line(CLEAR, "", display);
        let report = without_status(report);
        let data = &report.result;
        LEFT_OUT.iter().for_each(|key| drop(data.remove(key)));
        data.write().retain(|_, v| {
            !matches!(v, Value::List(_) | Value::Dict(_) | Value::Str(_)) || v.is_true()
        });
        let failed = matches!(state, State::Failed | State::Ignored);
        let dump = if failed && data.remove("exception").is_some() {
            "An exception occurred during task execution. To see the full traceback, use -vvv."
                .to_owned()
        } else if state == State::Unreachable {
            data.get("msg").map_or_else(String::new, |m| m.to_text())
        } else {
            ResultOptions::default().result(&report, display.verbosity(), None)
        };
        if report.task.looped && data.contains("results") {
            return;
        }
        let colour = state.colour();
        let host = match to {
            Some(to) => format!("{RESET}{}>{colour}{to}", report.host),
            None => report.host.to_string(),
        };
        display.raw(&format!("{colour}{}: {host}: {dump}\n{RESET}{SAVE}{CLEAR}", state.word()));
        if state == State::Changed {
            super::default::show_warnings(data, true, display);
        }
    }

    fn stats(&mut self, stats: &Stats, display: &Display) {
        self.next_line(CLEAR, "", display);
        if display.verbosity() > 0 {
            display.raw(&format!("{BOLD}{UNDERLINE}SUMMARY"));
            Self::line_done(display);
            let mut hosts: Vec<_> = stats.hosts.iter().collect();
            hosts.sort_unstable_by_key(|(name, _)| *name);
            for (host, counts) in hosts {
                let name = host_column(host, *counts, display);
                let counts = recap_counts(*counts, display).join(" ");
                display.line(&format!("{name} : {counts}"), None, false);
            }
        }
        Self::line_done(display);
    }
}

impl Callback for Dense {
    fn event(&mut self, event: &Event, display: &Display) {
        let changed = |r: &Report| r.result.get("changed").is_some_and(|v| v.is_true());
        match event {
            Event::PlayStart(play) => self.play_start(play, display),
            Event::TaskStart(task) if task.kind == TaskKind::Cleanup => display.raw("cleanup."),
            Event::TaskStart(task) if !task.implicit => self.task_start(task, display),
            Event::Ok(report) | Event::ItemOk(report) => {
                let state = if changed(report) { State::Changed } else { State::Ok };
                self.host(report, state, display);
            }
            Event::Failed(report, true) => self.host(report, State::Ignored, display),
            Event::Failed(report, _) | Event::ItemFailed(report) => {
                self.host(report, State::Failed, display);
            }
            Event::Skipped(report) | Event::ItemSkipped(report) => {
                self.host(report, State::Skipped, display);
            }
            Event::Unreachable(report, _) => self.host(report, State::Unreachable, display),
            Event::Diff(_) => {
                display.raw(BOLD);
                self.rest.event(event, display);
                display.raw(RESET);
            }
            Event::NoHostsRemaining => {
                self.next_line(CLEAR, "", display);
                display.raw("\x1b[1;37m\x1b[41mNO MORE HOSTS LEFT");
                Self::line_done(display);
            }
            Event::Stats(stats) => self.stats(stats, display),
            Event::Include { .. } => {}
            other => self.rest.event(other, display),
        }
    }
}
