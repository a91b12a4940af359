//! What everything in a run shares: [`Run`] for all plays, [`PlayContext`] for one play's batch.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use parking_lot::Mutex;

use super::{Defaults, Finished, workers::Workers};
use crate::{
    action,
    agent::Pool,
    diagnostic::Result,
    event::{Events, PlayInfo, TaskInfo, TaskKind},
    playbook::{
        ActionCall, Keyword, LevelKind, Loader, Play, Role, Task, keywords,
        tags::{self, Selection},
    },
    template::{Environment, RenderOptions, Scope, Templar},
    value::{Dict, Value},
    vars::{PlayView, Stack, World},
};

/// What was asked for on the command line and in the configuration.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// How many hosts are worked on at once.
    pub forks: usize,
    /// `--step`.
    pub step: bool,
    /// `--start-at-task`.
    pub start_at_task: Option<String>,
    /// `--tags` and `--skip-tags`.
    pub selection: Selection,
    /// `--force-handlers`.
    pub force_handlers: bool,
    /// `-v`, counted.
    pub verbosity: u8,
    /// `gathering`: `implicit`, `explicit` or `smart`.
    pub gathering: String,
    /// Whether a notified handler that does not exist ends the run.
    pub error_on_missing_handler: bool,
    /// `-k`.
    pub connection_password: Option<crate::connection::Secret>,
    /// `-K`.
    pub become_password: Option<crate::connection::Secret>,
    /// `--private-key`.
    pub private_key: Option<String>,
    /// `--ssh-common-args`.
    pub ssh_common_args: Option<String>,
    /// `--ssh-extra-args`.
    pub ssh_extra_args: Option<String>,
    /// `-T`, in seconds.
    pub timeout: Option<u32>,
    /// The strategy of plays that name none.
    pub strategy: String,
    /// Where `.retry` files go, if they are written.
    pub retry_files: Option<Option<String>>,
    /// Whether standard input is a terminal that a person can answer at.
    pub interactive: bool,
}

/// What a whole run shares.
pub struct Run {
    /// Command line and configuration.
    pub options: Options,
    /// What stands in for unset keywords.
    pub defaults: Defaults,
    /// What stands in for unset keywords of plays.
    pub play_defaults: crate::playbook::play::Defaults,
    /// Every option of the configuration.
    pub settings: Arc<crate::config::Settings>,
    /// Inventory, facts and variables.
    pub world: Arc<World>,
    /// Filters, lookups and settings of templates.
    pub templates: Arc<Environment>,
    /// Reads playbooks and roles.
    pub loader: Arc<Loader>,
    /// Connections and agents.
    pub pool: Arc<Pool>,
    /// The callbacks.
    pub events: Events,
    /// Set by Ctrl-C.
    pub stop: Stop,
}

/// The user's wish to stop, to be waited for or asked about.
#[derive(Default)]
pub struct Stop {
    asked: AtomicBool,
    bell: tokio::sync::Notify,
}

impl Stop {
    /// Asks everything to stop.
    pub fn ask(&self) {
        self.asked.store(true, Ordering::SeqCst);
        self.bell.notify_waiters();
    }
}

impl Run {
    /// Whether a value is what `omit` stands for.
    pub fn is_omit(&self, value: &Value) -> bool {
        value.as_str().is_some_and(|text| text == &**self.world.omit())
    }

    /// Whether the user asked to stop.
    pub fn stopping(&self) -> bool {
        self.stop.asked.load(Ordering::SeqCst)
    }

    /// Waits until the user asks to stop.
    pub async fn stopped(&self) {
        let bell = self.stop.bell.notified();
        if !self.stopping() {
            bell.await;
        }
    }
}

/// What workers see of a play and its present batch.
pub struct PlayContext {
    /// The whole run.
    pub run: Arc<Run>,
    /// The play as written.
    pub play: Arc<Play>,
    /// What callbacks know of it.
    pub info: Arc<PlayInfo>,
    /// Answers of `vars_prompt`.
    pub prompted: Dict,
    /// `vars_files` as written.
    pub vars_files: Vec<Value>,
    /// The hosts of this batch.
    pub batch: Vec<Arc<str>>,
    /// `order`.
    pub order: Option<String>,
    /// `force_handlers`.
    pub force_handlers: bool,
    /// `max_fail_percentage`.
    pub max_fail_percentage: Option<f64>,
    /// `gather_facts`.
    pub gather_facts: Option<bool>,
    /// `gather_subset`, `gather_timeout` and `fact_path` as the setup task gets them.
    pub gather_args: Dict,
    /// What variables tell of the play, kept up to date.
    pub view: Arc<PlayView>,
    /// Handler names rendered so far, by the handler's number.
    pub handler_names: Mutex<std::collections::HashMap<u64, Vec<String>>>,
}

impl PlayContext {
    /// The hosts of the batch that the inventory has now, in the play's order: those that are gone since it
    /// was read again take no more part.
    pub fn present(&self) -> Result<Vec<Arc<str>>> {
        let hosts = self.run.world.inventory().select(&self.info.hosts).unwrap_or_default();
        let mut hosts = crate::inventory::order_hosts(hosts, self.order.as_deref())?;
        let batch: std::collections::HashSet<_> = self.batch.iter().collect();
        hosts.retain(|host| batch.contains(host));
        Ok(hosts)
    }

    /// The roles whose defaults and variables the whole play sees.
    pub fn roles(&self) -> Vec<Arc<Role>> {
        self.play.visible_roles()
    }

    /// `ansible_search_path` of a task.
    pub fn search_path(&self, task: &Task) -> Value {
        let mut dirs = task.search_dirs();
        if !dirs.contains(&self.play.basedir) {
            dirs.push(self.play.basedir.clone());
        }
        dirs.into_iter().map(|d| Value::str(d.display().to_string())).collect()
    }

    /// Workers for this play.
    pub fn workers(self: &Arc<Self>) -> Workers {
        Workers::new(Arc::clone(self))
    }

    /// The fact gathering task.
    pub fn setup_task(&self) -> Task {
        let mut level = crate::playbook::Level {
            kind: LevelKind::Task,
            name: Some("Gathering Facts".to_owned()),
            keywords: Vec::new(),
            vars: Dict::new(),
            role: None,
            include: None,
            parent: Some(Arc::clone(&self.play.level)),
            span: self.play.level.span.clone(),
        };
        let spanned = |value| crate::playbook::Spanned { value, span: level.span.clone() };
        let mut keywords = vec![(Keyword::RunOnce, spanned(false.into()))];
        // Facts are gathered whatever tags are asked for, unless the play has tags itself.
        if self.play.level.own(Keyword::Tags).is_none() {
            keywords.push((Keyword::Tags, spanned("always".into())));
        }
        if let Some(when) = &self.play.included_conditional {
            keywords.push((Keyword::When, when.clone()));
        }
        level.keywords = keywords;
        Task {
            id: crate::playbook::next_task_id(),
            action: ActionCall {
                written: "gather_facts".to_owned(),
                name: "ansible.builtin.gather_facts".to_owned(),
                args: self.gather_args.copy(),
                span: level.span.clone(),
                named: None,
                missing: false,
            },
            level: Arc::new(level),
            looped: None,
            is_handler: false,
            implicit: false,
        }
    }

    /// Whether facts are gathered for a host.
    pub fn wants_facts(&self, host: &str) -> bool {
        let implied = self.gather_facts.unwrap_or(true);
        match self.run.options.gathering.as_str() {
            "explicit" => self.gather_facts == Some(true),
            "smart" => {
                implied
                    && !self
                        .run
                        .world
                        .fact(host, "_ansible_facts_gathered")
                        .is_some_and(|v| v.is_true())
            }
            _ => implied,
        }
    }

    /// Takes a host out of `ansible_play_hosts`.
    pub fn remove_host(&self, host: &Arc<str>) {
        self.view.remove_hosts([Arc::clone(host)]);
    }

    /// Puts a host that was rescued back.
    pub fn restore_host(&self, host: &Arc<str>) {
        self.view.restore_host(host);
    }

    /// A boolean keyword as written, templates counting as true.
    pub fn written_bool(&self, task: &Task, keyword: Keyword) -> bool {
        match task.level.inherited(keyword).map(|s| &s.value) {
            None | Some(Value::None) => false,
            Some(v) => keywords::coerce(keyword, v).map_or_else(|_| v.is_true(), |v| v.is_true()),
        }
    }

    /// `any_errors_fatal` of a task.
    pub fn any_errors_fatal(&self, task: &Task) -> bool {
        match task.level.inherited(Keyword::AnyErrorsFatal) {
            None => self.run.defaults.any_errors_fatal,
            Some(_) => self.written_bool(task, Keyword::AnyErrorsFatal),
        }
    }

    /// Whether an action runs once for all hosts.
    pub fn bypasses_host_loop(&self, task: &Task) -> bool {
        action::find(&task.action.name).is_some_and(|a| a.bypass_host_loop)
    }

    /// Whether a task runs on the first host only.
    pub fn runs_once(&self, task: &Task, stack: &Stack) -> Result<bool> {
        if self.bypasses_host_loop(task) {
            return Ok(true);
        }
        let Some(written) = task.level.inherited(Keyword::RunOnce) else { return Ok(false) };
        let value = self.templar_over(stack).render(&written.value, &RenderOptions::default())?;
        Ok(keywords::coerce(Keyword::RunOnce, &value)
            .map_or_else(|_| value.is_true(), |v| v.is_true()))
    }

    /// `throttle` of a task; 0 is none.
    pub fn throttle(&self, task: &Task, stack: &Stack) -> Result<usize> {
        let Some(written) = task.level.inherited(Keyword::Throttle) else { return Ok(0) };
        let value = self.templar_over(stack).render(&written.value, &RenderOptions::default())?;
        match keywords::coerce(Keyword::Throttle, &value) {
            Ok(Value::Int(n)) => Ok(usize::try_from(n).unwrap_or(0)),
            _ => Err(crate::diagnostic::Error::new(
                crate::diagnostic::Kind::User,
                "Failed to convert the throttle value to an integer.",
            )
            .at(task.level.span.clone())),
        }
    }

    /// A templar over variables that are at hand already.
    pub fn templar_over(&self, stack: &Stack) -> Templar {
        let scope: Arc<dyn Scope> = Arc::new(stack.clone());
        Templar::new(Arc::clone(&self.run.templates), scope)
    }

    /// What callbacks know of a task, its name rendered with a host's variables.
    pub fn task_info(&self, task: &Arc<Task>, host: Option<&str>) -> TaskInfo {
        let templar = self.templar(host, Some(task)).ok();
        let written =
            task.level.name.as_deref().filter(|_| task.level.own(Keyword::Name).is_none());
        let short_name = written.map_or_else(String::new, |name| {
            let options = RenderOptions { fail_on_undefined: false, ..RenderOptions::default() };
            // A name that can't be rendered is shown as it is written.
            templar.as_ref().and_then(|t| t.render(&Value::str(name), &options).ok()).map_or_else(
                || name.to_owned(),
                // A name that turns out to be no text is no name.
                |v| v.as_str().map(str::to_owned).unwrap_or_default(),
            )
        });
        let role = task.level.role.as_ref().map(|r| r.full_name());
        let name = self.banner_name(task, &short_name);
        let render = |value: &Value| -> Result<Value> {
            templar
                .as_ref()
                .map_or_else(|| Ok(value.clone()), |t| t.render(value, &RenderOptions::default()))
        };
        TaskInfo {
            id: task.id,
            name,
            short_name,
            action: task.action.written.clone(),
            resolved: task.action.name.clone(),
            role,
            path: Some(shown_place(&task.level.span)),
            kind: if task.is_handler { TaskKind::Handler } else { TaskKind::Task },
            looped: task.looped.is_some(),
            include: matches!(
                task.action.name.as_str(),
                "ansible.builtin.include_tasks"
                    | "ansible.builtin.include_role"
                    | "ansible.builtin.include"
            ),
            implicit: task.implicit,
            check_mode: match task.level.inherited(Keyword::CheckMode) {
                None => self.run.defaults.check,
                Some(_) => self.written_bool(task, Keyword::CheckMode),
            },
            no_log: match task.level.inherited(Keyword::NoLog) {
                None => self.run.defaults.no_log,
                Some(_) => self.written_bool(task, Keyword::NoLog),
            },
            ignore_unreachable: self.written_bool(task, Keyword::IgnoreUnreachable),
            delegate_to: task.level.inherited(Keyword::DelegateTo).map(|s| s.value.to_text()),
            tags: tags::effective(&task.level, &render)
                .map(|tags| tags.into_iter().collect())
                .unwrap_or_default(),
            args: task.action.args.clone(),
        }
    }

    /// A task's name as banners show it: its role before its own name, or before its action's;
    /// an included role has its own name, or the role's after the action's.
    pub fn banner_name(&self, task: &Task, name: &str) -> String {
        let action = &task.action.written;
        if task.action.name == "ansible.builtin.include_role" {
            let args = &task.action.args;
            let role = args.get("name").or_else(|| args.get("role"));
            return match role {
                Some(role) if name.is_empty() => format!("{action} : {}", role.to_text()),
                _ => name.to_owned(),
            };
        }
        let own = if name.is_empty() { action.as_str() } else { name };
        match &task.level.role {
            Some(role) => format!("{} : {own}", role.full_name()),
            None => own.to_owned(),
        }
    }

    /// `ansible_failed_task`: what a rescue may want to know of the task that failed on a host.
    pub fn describe(&self, host: &Arc<str>, finished: &Finished) -> Value {
        let task = &finished.task;
        // The name that callbacks have is that of the first host.
        let name = self.task_info(task, Some(host)).short_name;
        // Those of a loop were rendered for its items.
        let rendered = finished.args.clone().filter(|_| task.looped.is_none());
        let args = rendered.unwrap_or_else(|| task.action.args.clone());
        let d: Dict = [
            ("name", Value::unsafe_str(name.as_str())),
            ("action", Value::unsafe_str(task.action.written.as_str())),
            ("args", Value::Dict(args).into_unsafe()),
            ("vars", Value::Dict(task.level.vars.copy()).into_unsafe()),
            ("check_mode", finished.info.check_mode.into()),
        ]
        .into_iter()
        .collect();
        for (keyword, written) in &task.level.keywords {
            let name = keywords::name(*keyword);
            if !d.contains(name) {
                d.insert(name, written.value.clone().into_unsafe());
            }
        }
        for (keyword, unset) in UNSET {
            let name = keywords::name(*keyword);
            if !d.contains(name) {
                let inherited = task.level.inherited(*keyword);
                let value = inherited.map_or_else(unset, |written| written.value.clone());
                d.insert(name, value.into_unsafe());
            }
        }
        Value::Dict(d)
    }
}

/// A keyword and what it is where nobody sets it.
type Unset = (Keyword, fn() -> Value);

const UNSET: &[Unset] = &[
    (Keyword::AnyErrorsFatal, || false.into()),
    (Keyword::Async, || Value::Int(0)),
    (Keyword::Become, || false.into()),
    (Keyword::BecomeUser, || Value::None),
    (Keyword::BecomeMethod, || "sudo".into()),
    (Keyword::ChangedWhen, || Value::list(Vec::new())),
    (Keyword::Collections, || Value::list(Vec::new())),
    (Keyword::Delay, || Value::Int(5)),
    (Keyword::DelegateFacts, || Value::None),
    (Keyword::DelegateTo, || Value::None),
    (Keyword::Diff, || false.into()),
    (Keyword::FailedWhen, || Value::list(Vec::new())),
    (Keyword::IgnoreErrors, || Value::None),
    (Keyword::IgnoreUnreachable, || Value::None),
    (Keyword::Loop, || Value::None),
    (Keyword::NoLog, || false.into()),
    (Keyword::Notify, || Value::None),
    (Keyword::Poll, || Value::Int(15)),
    (Keyword::Register, || Value::None),
    (Keyword::Retries, || Value::Int(3)),
    (Keyword::RunOnce, || Value::None),
    (Keyword::Tags, || Value::list(Vec::new())),
    (Keyword::Throttle, || Value::Int(0)),
    (Keyword::Timeout, || Value::Int(0)),
    (Keyword::Until, || Value::list(Vec::new())),
    (Keyword::When, || Value::list(Vec::new())),
];

/// File and line as callbacks tell them; empty for what stands in no file.
pub(super) fn shown_place(span: &crate::diagnostic::Span) -> String {
    let path = span.path().display().to_string();
    if path.is_empty() { path } else { format!("{path}:{}", span.position().line) }
}
