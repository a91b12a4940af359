//! What everything in a run shares: [`Run`] for all plays, [`PlayContext`] for one play's batch.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use parking_lot::{Mutex, RwLock};

use super::{Defaults, tree, workers::Workers};
use crate::{
    action,
    agent::Pool,
    diagnostic::Result,
    event::{Event, PlayInfo, TaskInfo, TaskKind},
    playbook::{
        Keyword, LevelKind, Loader, Play, Role, Task, keywords,
        tags::{self, Selection},
    },
    template::{Environment, RenderOptions, Scope, Templar},
    value::{Dict, Value},
    vars::{Stack, World},
};

/// Receives events; the callbacks' end.
pub trait EventSink: Send + Sync {
    /// Takes an event.
    fn event(&self, event: &Event);
}

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
    pub connection_password: Option<Secret>,
    /// `-K`.
    pub become_password: Option<Secret>,
    /// `--private-key`.
    pub private_key: Option<String>,
    /// `-T`, in seconds.
    pub timeout: u64,
    /// The strategy of plays that name none.
    pub strategy: String,
    /// Where `.retry` files go, if they are written.
    pub retry_files: Option<Option<String>>,
    /// Whether standard input is a terminal that a person can answer at.
    pub interactive: bool,
}

/// Text that never shows in logs.
#[derive(Clone)]
pub struct Secret(pub String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Where events go; cheap to clone.
#[derive(Clone)]
pub struct Events(pub Arc<dyn EventSink>);

impl Events {
    /// Hands an event to the callbacks.
    #[expect(clippy::needless_pass_by_value, reason = "events are made to be sent away")]
    pub fn send(&self, event: Event) {
        self.0.event(&event);
    }
}

/// What a whole run shares.
pub struct Run {
    /// Command line and configuration.
    pub options: Options,
    /// What stands in for unset keywords.
    pub defaults: Defaults,
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
    /// Every host of the play.
    pub hosts_all: Arc<[Arc<str>]>,
    /// The hosts of this batch.
    pub batch: Vec<Arc<str>>,
    /// `force_handlers`.
    pub force_handlers: bool,
    /// `max_fail_percentage`.
    pub max_fail_percentage: Option<f64>,
    /// `gather_facts`.
    pub gather_facts: Option<bool>,
    /// `gather_subset`, `gather_timeout` and `fact_path` as the setup task gets them.
    pub gather_args: Dict,
    /// Hosts that failed or left.
    pub removed: RwLock<Vec<Arc<str>>>,
    /// Handler names rendered so far, by the handler's number.
    pub handler_names: Mutex<std::collections::HashMap<u64, Vec<String>>>,
}

impl PlayContext {
    /// The roles whose defaults and variables the whole play sees.
    pub fn roles(&self) -> Vec<Arc<Role>> {
        self.play.visible_roles()
    }

    /// The folders whose `group_vars` and `host_vars` a task sees.
    pub fn basedirs(&self, task: Option<&Task>) -> Vec<std::path::PathBuf> {
        task.map_or_else(|| vec![self.play.basedir.clone()], search_dirs)
    }

    /// `ansible_search_path` of a task.
    pub fn search_path(&self, task: &Task) -> Value {
        let mut dirs = search_dirs(task);
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
        let mut task = tree::implicit_task(
            &self.play.level,
            "gather_facts",
            self.gather_args.copy(),
            Some("Gathering Facts"),
        );
        task.implicit = false;
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
        task.level = Arc::new(level);
        task
    }

    /// Whether facts are gathered for a host.
    pub fn wants_facts(&self, host: &str) -> bool {
        let implied = self.gather_facts.unwrap_or(true);
        match self.run.options.gathering.as_str() {
            "explicit" => self.gather_facts == Some(true),
            "smart" => implied && !self.run.world.facts_gathered(host),
            _ => implied,
        }
    }

    /// Whether `--tags` and `--skip-tags` select a task.
    pub fn selects(&self, task: &Task) -> Result<bool> {
        let templar = self.templar(None, Some(task))?;
        let render = |value: &Value| templar.render(value, &RenderOptions::default());
        let tags = tags::effective(&task.level, &render)?;
        Ok(self.run.options.selection.selects(&tags))
    }

    /// Takes a host out of `ansible_play_hosts`.
    pub fn remove_host(&self, host: &Arc<str>) {
        self.removed.write().push(Arc::clone(host));
    }

    /// Puts a host that was rescued back.
    pub fn restore_host(&self, host: &Arc<str>) {
        let mut removed = self.removed.write();
        if let Some(at) = removed.iter().position(|h| h == host) {
            removed.remove(at);
        }
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
        let short_name = task.level.name.as_deref().map_or_else(String::new, |name| {
            let options = RenderOptions { fail_on_undefined: false, ..RenderOptions::default() };
            // A name that can't be rendered is shown as it is written.
            templar
                .as_ref()
                .and_then(|t| t.render(&Value::str(name), &options).ok())
                .map_or_else(|| name.to_owned(), |v| v.to_text())
        });
        let role = task.level.role.as_ref().map(|r| r.full_name());
        let bare = if short_name.is_empty() { task.action.written.as_str() } else { &short_name };
        let name = match &role {
            Some(role) if short_name.is_empty() || !short_name.starts_with(&format!("{role} : ")) => {
                format!("{role} : {bare}")
            }
            _ => bare.to_owned(),
        };
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
            path: Some(format!(
                "{}:{}",
                task.level.span.path().display(),
                task.level.span.position().line
            )),
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

    /// `ansible_failed_task`: what a rescue may want to know of the task that failed.
    pub fn describe(&self, task: &Task, info: &TaskInfo) -> Value {
        let d: Dict = [
            ("name", Value::unsafe_str(info.short_name.as_str())),
            ("action", Value::unsafe_str(task.action.written.as_str())),
            ("args", Value::Dict(task.action.args.clone()).into_unsafe()),
        ]
        .into_iter()
        .collect();
        for (keyword, written) in &task.level.keywords {
            let name = keywords::name(*keyword);
            if !d.contains(name) {
                d.insert(name, written.value.clone().into_unsafe());
            }
        }
        Value::Dict(d)
    }
}

/// The folders that a task's files are looked for in: its role and the roles that brought it in,
/// innermost first, then the folder of its own file.
fn search_dirs(task: &Task) -> Vec<std::path::PathBuf> {
    let mut dirs: Vec<std::path::PathBuf> = Vec::new();
    if let Some(role) = &task.level.role {
        dirs.push(role.path.clone());
        dirs.extend(role.parents.iter().rev().map(|p| p.path.clone()));
    }
    if let Some(own) = task.level.span.path().parent() {
        let own = own.to_path_buf();
        if !dirs.contains(&own) {
            dirs.push(own);
        }
    }
    dirs
}
