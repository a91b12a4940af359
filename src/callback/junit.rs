//! `junit`: a JUnit report of the run, a test case a task and host.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use indexmap::IndexMap;

use super::{
    Callback, Display, Registration, ResultOptions, ResultText,
    clean::without_status,
    xml::{Element, Pretty},
};
use crate::{
    config::{Settings, System, expand_path, options::junit as options},
    diagnostic::ansible::os_error,
    event::{Event, Report, TaskInfo},
};

/// Registers the callback.
pub static REGISTRATION: Registration = Registration {
    name: "junit",
    collection: "ansible.builtin",
    summary: "a JUnit report of the run",
    make: |settings, display| {
        let junit = Junit::new(settings);
        if let Err(error) = std::fs::create_dir_all(&junit.folder) {
            let why = os_error(&error, Some(&junit.folder));
            display.warning(&format!("Skipping callback 'junit', unable to load due to: {why}"));
        }
        Box::new(junit)
    },
};

#[expect(clippy::struct_excessive_bools, reason = "each is a setting of the same name")]
struct Junit {
    folder: PathBuf,
    task_class: bool,
    relative_to: Option<PathBuf>,
    out_of_tree: Option<String>,
    fail_on_change: bool,
    fail_on_ignore: bool,
    include_setup: bool,
    hide_arguments: bool,
    prefix: String,
    playbook: String,
    play: String,
    tasks: IndexMap<u64, TaskData>,
    /// The task that began last: the one that dynamic includes come from.
    last: u64,
}

struct TaskData {
    name: String,
    path: String,
    play: String,
    action: String,
    began: Instant,
    hosts: IndexMap<Arc<str>, HostData>,
}

struct HostData {
    status: Status,
    seconds: f64,
    result: Outcome,
}

enum Outcome {
    Report(Box<Report>),
    /// What an include brought, as a text.
    Included(String),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Status {
    Ok,
    Failed,
    Skipped,
    Included,
}

impl Junit {
    fn new(settings: &Settings) -> Self {
        // These settings have no file, and their documented defaults are not what is used.
        let set = |spec| {
            let setting = settings.setting(spec).ok();
            setting
                .filter(|s| s.origin != crate::config::Origin::Default)
                .map(|s| s.value.to_text())
        };
        let truth = |spec, default: bool| {
            set(spec).map_or(default, |text| text.eq_ignore_ascii_case("true"))
        };
        let folder = settings.get(&options::OUTPUT_DIR);
        Self {
            folder: expand_path(&folder, None, &System),
            task_class: truth(options::TASK_CLASS.spec(), false),
            relative_to: set(options::TASK_RELATIVE_PATH.spec())
                .filter(|p| !p.is_empty())
                .map(|p| expand_path(&p, None, &System)),
            out_of_tree: set(options::REPLACE_OUT_OF_TREE_PATH.spec()),
            fail_on_change: truth(options::FAIL_ON_CHANGE.spec(), false),
            fail_on_ignore: truth(options::FAIL_ON_IGNORE.spec(), false),
            // Anything but `false` includes them.
            include_setup: set(options::INCLUDE_SETUP_TASKS_IN_REPORT.spec())
                .is_none_or(|text| !text.eq_ignore_ascii_case("false")),
            hide_arguments: set(options::HIDE_TASK_ARGUMENTS.spec())
                .is_some_and(|text| !text.eq_ignore_ascii_case("false")),
            prefix: set(options::TEST_CASE_PREFIX.spec()).unwrap_or_default(),
            playbook: String::new(),
            play: String::new(),
            tasks: IndexMap::new(),
            last: 0,
        }
    }

    fn task_start(&mut self, task: &TaskInfo) {
        self.last = task.id;
        if self.tasks.contains_key(&task.id) {
            return;
        }
        let mut name = task.name.trim().to_owned();
        if !task.no_log && !self.hide_arguments && !task.args.is_empty() {
            let args: Vec<String> = task
                .args
                .snapshot()
                .into_iter()
                .map(|(k, v)| format!("{}={}", k.value().to_text(), v.to_text()))
                .collect();
            name.push_str(&format!(" {}", args.join(", ")));
        }
        let data = TaskData {
            name,
            path: task.path.clone().unwrap_or_default(),
            play: self.play.clone(),
            action: task.action.clone(),
            began: Instant::now(),
            hosts: IndexMap::new(),
        };
        self.tasks.insert(task.id, data);
    }

    fn finish(&mut self, status: Status, report: &Report, display: &Display) {
        let changed = report.result.get("changed").is_some_and(|v| v.is_true());
        let mut status = status;
        if self.fail_on_change && status == Status::Ok && changed {
            status = Status::Failed;
        }
        let outcome = Outcome::Report(Box::new(without_status(report)));
        self.record(report.task.id, &report.host, status, outcome, display);
    }

    fn record(
        &mut self,
        id: u64,
        host: &Arc<str>,
        status: Status,
        result: Outcome,
        display: &Display,
    ) {
        let Some(task) = self.tasks.get_mut(&id) else { return };
        let toggled = task.name.contains("TOGGLE RESULT");
        let status = match status {
            Status::Failed if task.name.contains("EXPECTED FAILURE") || toggled => Status::Ok,
            Status::Ok if toggled => Status::Failed,
            other => other,
        };
        if !task.name.starts_with(&self.prefix) && status != Status::Failed {
            return;
        }
        let seconds = task.began.elapsed().as_secs_f64();
        let mut data = HostData { status, seconds, result };
        match (task.hosts.get(host), &data.result) {
            (Some(HostData { result: Outcome::Included(old), .. }), Outcome::Included(new)) => {
                data.result = Outcome::Included(format!("{old}\n{new}"));
            }
            (Some(_), _) => {
                display.warning(&format!(
                    "Failure of callback plugin (junit): {}: {}: {}: duplicate host callback: {host}",
                    task.path, task.play, task.name
                ));
                return;
            }
            (None, _) => {}
        }
        task.hosts.insert(Arc::clone(host), data);
    }

    fn class_name(&self, task: &TaskData) -> String {
        let mut name = match &self.relative_to {
            Some(base) if !task.path.is_empty() => relative(Path::new(&task.path), base),
            _ => task.path.clone(),
        };
        if let Some(instead) = self.out_of_tree.as_ref().filter(|_| name.starts_with("../")) {
            name = format!("{instead}{}", name.rsplit('/').next().unwrap_or_default());
        }
        if self.task_class
            && let Some((file, line)) = name.rsplit_once(':')
            && let Some(stem) = file.strip_suffix(".yml")
            && line.bytes().all(|b| b.is_ascii_digit())
        {
            name = stem.to_owned();
        }
        name
    }

    fn test_case(
        &self,
        task: &TaskData,
        host: &str,
        data: &HostData,
        display: &Display,
    ) -> Element {
        let mut case = Element::new("testcase")
            .with("classname", self.class_name(task))
            .with("name", format!("[{host}] {}: {}", task.play, task.name))
            .with("time", python_float(data.seconds));
        let report = match &data.result {
            Outcome::Included(text) => {
                case.push(Element::new("system-out").text(text));
                return case;
            }
            Outcome::Report(report) => report,
        };
        let dump = ResultOptions::default().result(report, display.verbosity(), Some(0));
        let get = |key: &str| report.result.get(key).map(|v| v.to_text());
        match data.status {
            Status::Ok | Status::Included => case.push(Element::new("system-out").text(&dump)),
            Status::Skipped => {
                let why = get("skip_reason").unwrap_or_else(|| "skipped".to_owned());
                case.push(Element::new("skipped").text(&why));
            }
            Status::Failed => case.push(match get("exception") {
                Some(trace) => {
                    let last = trace.trim().rsplit('\n').next().unwrap_or_default();
                    problem("error", last, &trace)
                }
                None => {
                    let rc = || format!("rc={}", get("rc").unwrap_or_else(|| "0".to_owned()));
                    problem("failure", &get("msg").unwrap_or_else(rc), &dump)
                }
            }),
        }
        case
    }

    fn report(&self, display: &Display) {
        let mut cases = Vec::new();
        let mut seconds = 0.0;
        for task in self.tasks.values() {
            if !self.include_setup && is_setup(&task.action) {
                continue;
            }
            for (host, data) in &task.hosts {
                seconds += data.seconds;
                cases.push(self.test_case(task, host, data, display));
            }
        }
        let having = |child: &str| cases.iter().filter(|c| c.has(child)).count().to_string();
        let (errors, failures, skipped) = (having("error"), having("failure"), having("skipped"));
        let tests = cases.len().to_string();
        let mut suite = Element::new("testsuite")
            .with("disabled", "0")
            .with("errors", &errors)
            .with("failures", &failures)
            .with("name", &self.playbook)
            .with("skipped", skipped)
            .with("tests", &tests)
            .with("time", python_float(seconds));
        cases.into_iter().for_each(|case| suite.push(case));
        let mut suites = Element::new("testsuites")
            .with("disabled", "0")
            .with("errors", errors)
            .with("failures", failures)
            .with("tests", tests)
            .with("time", python_float(seconds));
        suites.push(suite);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
        let file = self.folder.join(format!("{}-{}.xml", self.playbook, python_float(now)));
        if let Err(error) = std::fs::write(&file, Pretty(&suites).to_string()) {
            let why = os_error(&error, Some(&file));
            display.warning(&format!("Failure of callback plugin (junit): {why}"));
        }
    }
}

fn problem(tag: &'static str, message: &str, output: &str) -> Element {
    Element::new(tag).with("message", message).with("type", tag).text(output)
}

fn python_float(seconds: f64) -> String {
    crate::value::number::float_repr(seconds)
}

fn is_setup(action: &str) -> bool {
    let short = action.strip_prefix("ansible.builtin.").or(action.strip_prefix("ansible.legacy."));
    matches!(short.unwrap_or(action), "setup" | "gather_facts")
}

/// The path as seen from `base`, as Python's `relpath` tells it.
fn relative(path: &Path, base: &Path) -> String {
    let (path, base) = (path.components(), base.components());
    let (mut path, mut base) = (path.peekable(), base.peekable());
    while let (Some(a), Some(b)) = (path.peek(), base.peek()) {
        if a != b {
            break;
        }
        path.next();
        base.next();
    }
    let up = base.map(|_| PathBuf::from(".."));
    let rest: PathBuf = up.chain(path.map(|c| PathBuf::from(c.as_os_str()))).collect();
    if rest.as_os_str().is_empty() { ".".to_owned() } else { rest.display().to_string() }
}

impl Callback for Junit {
    fn event(&mut self, event: &Event, display: &Display) {
        match event {
            Event::PlaybookStart { path, .. } => {
                let stem = Path::new(path).file_stem().unwrap_or_default();
                self.playbook = stem.to_string_lossy().into_owned();
            }
            Event::PlayStart(play) => self.play.clone_from(&play.name),
            Event::TaskStart(task) if !task.implicit => self.task_start(task),
            Event::Failed(report, ignored) if *ignored && !self.fail_on_ignore => {
                self.finish(Status::Ok, report, display);
            }
            Event::Failed(report, _) => self.finish(Status::Failed, report, display),
            Event::Ok(report) => self.finish(Status::Ok, report, display),
            Event::Skipped(report) => self.finish(Status::Skipped, report, display),
            Event::Include { file, hosts, .. } => {
                let text = format!("{file} (args={{}} vars={{}}): [{}]", hosts.join(", "));
                let host = Arc::from("include");
                self.record(self.last, &host, Status::Included, Outcome::Included(text), display);
            }
            Event::Stats(_) => self.report(display),
            _ => {}
        }
    }
}
