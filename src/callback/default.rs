//! `default`: ansible's own output, to the letter.

use std::{collections::HashMap, sync::Arc};

use super::{
    Callback, Colour, Display, Registration, ResultOptions, ResultText,
    clean::{shown, without_status},
    diff,
    render::ResultFormat,
};
use crate::{
    config::{
        Settings,
        options::{self, callback},
    },
    event::{Counts, Event, PlayInfo, Report, Stats, TaskInfo, TaskKind},
    value::{Dict, Value},
};

/// Registers the callback.
pub static REGISTRATION: Registration = Registration {
    name: "default",
    collection: "ansible.builtin",
    summary: "the output of ansible-playbook",
    make: |settings, display| Box::new(Default::new(Options::read(settings, display.is_check()))),
};

/// The callback's own settings.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a setting of the same name")]
pub struct Options {
    /// How results are written.
    pub results: ResultOptions,
    /// `display_ok_hosts`.
    pub ok_hosts: bool,
    /// `display_skipped_hosts`.
    pub skipped_hosts: bool,
    /// `display_failed_stderr`.
    pub failed_stderr: bool,
    /// `show_custom_stats`.
    pub custom_stats: bool,
    /// `show_per_host_start`.
    pub per_host_start: bool,
    /// `check_mode_markers`.
    pub check_markers: bool,
    /// `show_task_path_on_failure`.
    pub path_on_failure: bool,
    /// `display_args_to_stdout`.
    pub args_to_stdout: bool,
    /// `action_warnings`.
    pub action_warnings: bool,
    /// `diff_context`.
    pub context: usize,
    /// `-C`.
    pub check: bool,
}

impl Options {
    /// As the settings have them.
    pub fn read(settings: &Settings, check: bool) -> Self {
        Self {
            results: ResultOptions {
                format: match settings.get(&callback::RESULT_FORMAT).as_str() {
                    "yaml" => ResultFormat::Yaml,
                    _ => ResultFormat::Json,
                },
                pretty: settings.get(&callback::PRETTY_RESULTS),
            },
            ok_hosts: settings.get(&callback::DISPLAY_OK_HOSTS),
            skipped_hosts: settings.get(&callback::DISPLAY_SKIPPED_HOSTS),
            failed_stderr: settings.get(&callback::DISPLAY_FAILED_STDERR),
            custom_stats: settings.get(&callback::SHOW_CUSTOM_STATS),
            per_host_start: settings.get(&callback::SHOW_PER_HOST_START),
            check_markers: settings.get(&callback::CHECK_MODE_MARKERS),
            path_on_failure: settings.get(&callback::SHOW_TASK_PATH_ON_FAILURE),
            args_to_stdout: settings.get(&options::DISPLAY_ARGS_TO_STDOUT),
            action_warnings: settings.get(&options::ACTION_WARNINGS),
            context: diff_context(settings),
            check,
        }
    }
}

/// The callback.
pub struct Default {
    options: Options,
    text: Box<dyn ResultText>,
    last_banner: Option<u64>,
    last_name: Option<String>,
    kinds: HashMap<u64, TaskKind>,
    play: Option<Arc<PlayInfo>>,
}

impl Default {
    /// With these settings.
    pub fn new(options: Options) -> Self {
        Self::writing(options, Box::new(options.results))
    }

    /// With these settings, but another form of results.
    pub fn writing(options: Options, text: Box<dyn ResultText>) -> Self {
        Self {
            options,
            text,
            last_banner: None,
            last_name: None,
            kinds: HashMap::new(),
            play: None,
        }
    }

    fn task_start(&mut self, task: &TaskInfo, display: &Display) {
        self.kinds.insert(task.id, task.kind);
        // Hosts on schedules of their own get a task's banner with its first result.
        if self.play.as_ref().is_some_and(|p| p.free) {
            self.last_name = None;
            return;
        }
        self.last_name = Some(task.name.trim().to_owned());
        if self.options.skipped_hosts && self.options.ok_hosts {
            self.banner(task, display);
        }
    }

    fn banner(&mut self, task: &TaskInfo, display: &Display) {
        let mut args = String::new();
        if !task.no_log && self.options.args_to_stdout {
            let all: Vec<String> = task
                .args
                .snapshot()
                .into_iter()
                .map(|(k, v)| format!("{}={}", k.value().to_text(), v.to_text()))
                .collect();
            args = format!(" {}", all.join(", "));
        }
        let prefix = self.kinds.get(&task.id).copied().unwrap_or(TaskKind::Task).prefix();
        let name = self.last_name.clone().unwrap_or_else(|| task.name.trim().to_owned());
        let check =
            if task.check_mode && self.options.check_markers { " [CHECK MODE]" } else { "" };
        display.banner(&format!("{prefix} [{name}{args}]{check}"));
        if display.verbosity() >= 2 {
            path(task, display);
        }
        self.last_banner = Some(task.id);
    }

    fn banner_if_new(&mut self, task: &TaskInfo, display: &Display) {
        if self.last_banner != Some(task.id) {
            self.banner(task, display);
        }
    }

    fn dump(&self, report: &Report, display: &Display) -> String {
        self.text.result(report, display.verbosity(), None)
    }

    fn failed(&mut self, report: &Report, ignored: bool, display: &Display) {
        // Whether turns were shown is told by `results`, so it is not taken away yet.
        let report = shown(report);
        self.banner_if_new(&report.task, display);
        exception(&report.result, self.options.failed_stderr, display);
        self.warnings(&report.result, display);
        if !(report.task.looped && report.result.contains("results")) {
            if display.verbosity() < 2 && self.options.path_on_failure {
                path(&report.task, display);
            }
            let text =
                format!("fatal: [{}]: FAILED! => {}", label(&report), self.dump(&report, display));
            display.line(&text, Some(Colour::Error), self.options.failed_stderr);
        }
        if ignored {
            display.line("...ignoring", Some(Colour::Skip), false);
        }
    }

    fn ok(&mut self, report: &Report, display: &Display) {
        if report.task.include {
            self.banner_if_new(&report.task, display);
            return;
        }
        let changed = truth(&report.result, "changed");
        if !changed && !self.options.ok_hosts {
            return;
        }
        self.banner_if_new(&report.task, display);
        self.warnings(&report.result, display);
        if report.task.looped && report.result.contains("results") {
            return;
        }
        let (word, colour) =
            if changed { ("changed", Colour::Changed) } else { ("ok", Colour::Ok) };
        let report = cleaned(report);
        let mut text = format!("{word}: [{}]", label(&report));
        if self.details(&report, display, &mut text) {
            display.line(&text, Some(colour), false);
        }
    }

    /// Adds the result where it is to be shown. False where it has no form: ansible's callback
    /// fails there (a set is no JSON), and its line is missing.
    fn details(&self, report: &Report, display: &Display, text: &mut String) -> bool {
        if (display.verbosity() == 0 && !report.verbose_always) || report.verbose_never {
            return true;
        }
        let dumped = self.dump(report, display);
        if dumped.is_empty() && self.text.always_says_something() {
            display.warning(&format!(
                "Failure using method (v2_runner_on_ok) in callback plugin (default): the result \
                 of {} on {} holds something that is not JSON serializable",
                report.task.name, report.host
            ));
            return false;
        }
        text.push_str(" => ");
        text.push_str(&dumped);
        true
    }

    fn skipped(&mut self, report: &Report, display: &Display) {
        if !self.options.skipped_hosts {
            return;
        }
        let report = cleaned(report);
        self.banner_if_new(&report.task, display);
        if report.task.looped {
            report.result.remove("results");
        }
        let mut text = format!("skipping: [{}]", report.host);
        if self.details(&report, display, &mut text) {
            display.line(&text, Some(Colour::Skip), false);
        }
    }

    fn unreachable(&mut self, report: &Report, ignored: bool, display: &Display) {
        self.banner_if_new(&report.task, display);
        let shown = self.dump(&without_status(report), display);
        let text = format!("fatal: [{}]: UNREACHABLE! => {shown}", label(report));
        display.line(&text, Some(Colour::Unreachable), self.options.failed_stderr);
        if ignored {
            display.line("...ignoring", Some(Colour::Skip), false);
        }
    }

    fn item_ok(&mut self, report: &Report, display: &Display) {
        if report.task.include {
            return;
        }
        let changed = truth(&report.result, "changed");
        if !changed && !self.options.ok_hosts {
            return;
        }
        self.banner_if_new(&report.task, display);
        let (word, colour) =
            if changed { ("changed", Colour::Changed) } else { ("ok", Colour::Ok) };
        let mut text = format!("{word}: [{}] => (item={})", label(report), item(report));
        if self.details(&cleaned(report), display, &mut text) {
            display.line(&text, Some(colour), false);
        }
    }

    fn item_failed(&mut self, report: &Report, display: &Display) {
        self.banner_if_new(&report.task, display);
        let report = cleaned(report);
        exception(&report.result, self.options.failed_stderr, display);
        self.warnings(&report.result, display);
        let text = format!(
            "failed: [{}] (item={}) => {}",
            label(&report),
            item(&report),
            self.dump(&report, display)
        );
        display.line(&text, Some(Colour::Error), self.options.failed_stderr);
    }

    fn item_skipped(&mut self, report: &Report, display: &Display) {
        if !self.options.skipped_hosts {
            return;
        }
        self.banner_if_new(&report.task, display);
        let mut text = format!("skipping: [{}] => (item={}) ", report.host, item(report));
        if self.details(&cleaned(report), display, &mut text) {
            display.line(&text, Some(Colour::Skip), false);
        }
    }

    fn diff(&mut self, report: &Report, display: &Display) {
        let turns: Vec<Dict> = match report.result.get("results") {
            Some(Value::List(items)) if report.task.looped => {
                items.read().iter().filter_map(|i| i.as_dict().cloned()).collect()
            }
            _ => vec![report.result.clone()],
        };
        for turn in turns {
            let Some(found) = turn.get("diff").filter(Value::is_true) else { continue };
            if !truth(&turn, "changed") {
                continue;
            }
            let text = diff::render(&found, &*self.text, self.options.context, display);
            if !text.is_empty() {
                self.banner_if_new(&report.task, display);
                display.line(&text, None, false);
            }
        }
    }

    fn warnings(&self, result: &Dict, display: &Display) {
        show_warnings(result, self.options.action_warnings, display);
    }

    fn retry(&self, report: &Report, display: &Display) {
        let report = &without_status(report);
        let number = |key: &str| match report.result.get(key) {
            Some(Value::Int(n)) => n,
            _ => 0,
        };
        let left = number("retries") - number("attempts");
        let name = if report.task.short_name.is_empty() {
            &report.task.name
        } else {
            &report.task.short_name
        };
        let mut text =
            format!("FAILED - RETRYING: [{}]: {name} ({left} retries left).", label(report));
        if (display.verbosity() > 2 || report.verbose_always) && !report.verbose_never {
            text.push_str("Result was: ");
            text.push_str(&self.dump(report, display));
        }
        display.line(&text, Some(Colour::Debug), false);
    }

    fn stats(&self, stats: &Stats, display: &Display) {
        display.banner("PLAY RECAP");
        let mut hosts: Vec<(&Arc<str>, &Counts)> = stats.hosts.iter().collect();
        hosts.sort_unstable_by_key(|(name, _)| *name);
        for (name, counts) in hosts {
            display.line(&recap_line(name, *counts, display), None, false);
        }
        display.line("", None, false);
        if !stats.custom.is_empty() && self.options.custom_stats {
            show_custom_stats(stats, &*self.text, display);
        }
        if self.options.check && self.options.check_markers {
            display.banner("DRY RUN");
        }
    }

    fn play_start(&mut self, play: &Arc<PlayInfo>, display: &Display) {
        let check =
            if play.check_mode && self.options.check_markers { " [CHECK MODE]" } else { "" };
        let name = play.name.trim();
        self.play = Some(Arc::clone(play));
        if name.is_empty() {
            display.banner(&format!("PLAY{check}"));
        } else {
            display.banner(&format!("PLAY [{name}]{check}"));
        }
    }

    fn playbook_start(&self, file: &str, display: &Display) {
        if display.verbosity() > 1 {
            let name = std::path::Path::new(file).file_name().unwrap_or_default();
            display.banner(&format!("PLAYBOOK: {}", name.to_string_lossy()));
        }
        if self.options.check && self.options.check_markers {
            display.banner("DRY RUN");
        }
    }
}

impl Callback for Default {
    fn event(&mut self, event: &Event, display: &Display) {
        match event {
            Event::PlaybookStart { path, plays: _ } => self.playbook_start(path, display),
            Event::PlayStart(play) => self.play_start(play, display),
            Event::NoHostsMatched => {
                display.line("skipping: no hosts matched", Some(Colour::Skip), false);
            }
            Event::NoHostsRemaining => display.banner("NO MORE HOSTS LEFT"),
            Event::TaskStart(task) if !task.implicit => self.task_start(task, display),
            Event::HostStart(host, task) if self.options.per_host_start => {
                let text = format!(" [started TASK: {} on {host}]", task.name);
                display.line(&text, Some(Colour::Ok), false);
            }
            Event::Ok(report) => self.ok(report, display),
            Event::Failed(report, ignored) => self.failed(report, *ignored, display),
            Event::Skipped(report) => self.skipped(report, display),
            Event::Unreachable(report, ignored) => self.unreachable(report, *ignored, display),
            Event::ItemOk(report) => self.item_ok(report, display),
            Event::ItemFailed(report) => self.item_failed(report, display),
            Event::ItemSkipped(report) => self.item_skipped(report, display),
            Event::Retry(report) => self.retry(report, display),
            Event::Diff(report) => self.diff(report, display),
            Event::AsyncPoll(report) => poll(report, display),
            Event::AsyncOk(report) => job("OK", report, display),
            Event::AsyncFailed(report) => job("FAILED", report, display),
            Event::Include { file, hosts, item_label } => {
                let mut text = format!("included: {file} for {}", hosts.join(", "));
                if let Some(label) = item_label.as_ref().filter(|l| l.is_true()) {
                    text.push_str(&format!(" => (item={})", label.to_text()));
                }
                display.line(&text, Some(Colour::Skip), false);
            }
            Event::Notified { handler, host } if display.verbosity() > 1 => {
                let text = format!("NOTIFIED HANDLER {handler} for {host}");
                display.line(&text, Some(Colour::Verbose), false);
            }
            Event::Stats(stats) => self.stats(stats, display),
            _ => {}
        }
    }
}

/// `diff_context`, in lines.
pub fn diff_context(settings: &Settings) -> usize {
    usize::try_from(settings.get(&options::DIFF_CONTEXT)).unwrap_or(3)
}

fn truth(data: &Dict, key: &str) -> bool {
    data.get(key).is_some_and(|v| v.is_true())
}

fn path(task: &TaskInfo, display: &Display) {
    if let Some(path) = task.path.as_ref().filter(|p| !p.is_empty()) {
        display.line(&format!("task path: {path}"), Some(Colour::Debug), false);
    }
}

/// The host, and where its task ran if elsewhere.
pub fn label(report: &Report) -> String {
    let mut text = report.host.to_string();
    let delegated = report.delegated.as_ref();
    let to = delegated.map(|d| d.host.as_str()).or(report.task.delegate_to.as_deref());
    if let Some(to) = to.filter(|to| *to != &*report.host) {
        text.push_str(" -> ");
        text.push_str(to);
        if let Some(address) = delegated.and_then(|d| d.address.as_deref()).filter(|a| *a != to) {
            text.push_str(&format!("({address})"));
        }
    }
    text
}

/// The label of a loop's turn, for callbacks that show it only where there is one.
pub fn label_of_item(report: &Report) -> Option<String> {
    report.item_label.as_ref().filter(|_| !report.no_log).map(Value::to_text)
}

fn item(report: &Report) -> String {
    if report.no_log {
        // The label is censored along with the result.
        return "None".to_owned();
    }
    report.item_label.as_ref().map_or_else(|| "None".to_owned(), Value::to_text)
}

/// The report without what its kind of task never shows.
pub fn cleaned(report: &Report) -> Report {
    let report = shown(report);
    if report.task.looped {
        // Results of turns were shown with the turns.
        report.result.remove("results");
    }
    report
}

/// Shows the warnings of a result, if they are `wanted`, and takes them out of it.
pub fn show_warnings(result: &Dict, wanted: bool, display: &Display) {
    if !wanted {
        return;
    }
    if let Some(Value::List(all)) = result.remove("warnings") {
        all.read().iter().for_each(|w| display.warning(&w.to_text()));
    }
    if let Some(Value::List(all)) = result.remove("deprecations") {
        all.read().iter().filter_map(Value::as_dict).for_each(|d| deprecated(d, display));
    }
}

/// Shows what `set_stats` collected.
pub fn show_custom_stats(stats: &Stats, text: &dyn ResultText, display: &Display) {
    let dump = |data: &Dict| text.dict(data, Some(1)).replace('\n', "");
    display.banner("CUSTOM STATS: ");
    let mut owners: Vec<&String> = stats.custom.keys().filter(|k| *k != "_run").collect();
    owners.sort_unstable();
    for owner in owners {
        display.line(&format!("\t{owner}: {}", dump(&stats.custom[owner])), None, false);
    }
    if let Some(run) = stats.custom.get("_run") {
        display.line("", None, false);
        display.line(&format!("\tRUN: {}", dump(run)), None, false);
    }
    display.line("", None, false);
}

/// Shows what a module's crash left.
pub fn exception(result: &Dict, stderr: bool, display: &Display) {
    let Some(trace) = result.get("exception") else { return };
    let trace = trace.to_text();
    let text = if display.verbosity() < 3 {
        let last = trace.trim().rsplit('\n').next().unwrap_or_default();
        format!(
            "An exception occurred during task execution. To see the full traceback, use -vvv. \
             The error was: {last}"
        )
    } else {
        result.remove("exception");
        format!("The full traceback is:\n{trace}")
    };
    display.line(&text, Some(Colour::Error), stderr);
}

/// A module's deprecation, as ansible words it.
fn deprecated(d: &Dict, display: &Display) {
    let text = |key: &str| d.get(key).filter(|v| !v.is_none()).map(|v| v.to_text());
    let mut message = text("msg").unwrap_or_default().trim().to_owned();
    if !message.is_empty() && !message.ends_with(['!', '?', '.']) {
        message.push('.');
    }
    let from = text("collection_name").map(|c| {
        if c == "ansible.builtin" { "from ansible-core".to_owned() } else { format!("from {c}") }
    });
    let when = match (text("date"), text("version")) {
        (Some(date), _) => format!("in a release after {date}."),
        (None, Some(version)) => format!("in version {version}."),
        (None, None) => "in a future release.".to_owned(),
    };
    let parts = [
        Some(message),
        Some("This feature will be removed".to_owned()),
        from,
        Some(when),
        Some(
            "Deprecation warnings can be disabled by setting deprecation_warnings=False in \
             ansible.cfg."
                .to_owned(),
        ),
    ];
    let text: Vec<String> = parts.into_iter().flatten().collect();
    display.deprecated(&text.join(" "));
}

fn poll(report: &Report, display: &Display) {
    let get = |key: &str| report.result.get(key).map_or_else(|| "None".into(), |v| v.to_text());
    let text = format!(
        "ASYNC POLL on {}: jid={} started={} finished={}",
        report.host,
        get("ansible_job_id"),
        get("started"),
        get("finished")
    );
    display.line(&text, Some(Colour::Debug), false);
}

fn job(word: &str, report: &Report, display: &Display) {
    // A job that is late tells its id only in what was last heard of it.
    let late = || match report.result.get("async_result") {
        Some(Value::Dict(last)) => last.get("ansible_job_id"),
        _ => None,
    };
    let id = report.result.get("ansible_job_id").filter(Value::is_true).or_else(late);
    let id = id.map_or_else(|| "None".into(), |v| v.to_text());
    let text = format!("ASYNC {word} on {}: jid={id}", report.host);
    display.line(&text, Some(Colour::Debug), false);
}

/// One host's line of the recap.
fn recap_line(host: &str, counts: Counts, display: &Display) -> String {
    let name = host_column(host, counts, display);
    let skipped = count("skipped", counts.skipped, Colour::Skip, display);
    let [ok, changed, unreachable, failed, rescued, ignored] = recap_counts(counts, display);
    format!("{name} : {ok} {changed} {unreachable} {failed} {skipped} {rescued} {ignored}")
}

/// What all recaps count: ok, changed, unreachable, failed, rescued, ignored.
pub fn recap_counts(counts: Counts, display: &Display) -> [String; 6] {
    [
        count("ok", counts.ok, Colour::Ok, display),
        count("changed", counts.changed, Colour::Changed, display),
        count("unreachable", counts.unreachable, Colour::Unreachable, display),
        count("failed", counts.failed, Colour::Error, display),
        count("rescued", counts.rescued, Colour::Ok, display),
        count("ignored", counts.ignored, Colour::Warn, display),
    ]
}

fn count(word: &str, n: u64, colour: Colour, display: &Display) -> String {
    let text = format!("{word}={n:<4}");
    if n == 0 { text } else { display.paint(&text, colour) }
}

/// The host's name in the recap, in the colour of its worst count.
pub fn host_column(host: &str, counts: Counts, display: &Display) -> String {
    if !display.has_colour() {
        return format!("{host:<26}");
    }
    let colour = if counts.failed != 0 || counts.unreachable != 0 {
        Colour::Error
    } else if counts.changed != 0 {
        Colour::Changed
    } else {
        Colour::Ok
    };
    format!("{:<37}", display.paint(host, colour))
}
