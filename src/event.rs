//! What happens during a run, as plain data: all that callbacks ever see.

use std::sync::Arc;

use crate::{
    diagnostic::Error,
    value::{Dict, Value},
};

/// What callbacks know of a play.
#[derive(Clone, Debug)]
pub struct PlayInfo {
    /// Its name, rendered; the host pattern where it has none.
    pub name: String,
    /// Its `hosts:`, rendered.
    pub hosts: Vec<String>,
    /// Whether every task runs on its own schedule (`free`, `host_pinned`).
    pub free: bool,
    /// Whether the play as a whole runs in check mode.
    pub check_mode: bool,
    /// A number of its own in this run.
    pub id: u64,
    /// File and line, if it stands in a file.
    pub path: Option<String>,
}

/// What sort of thing a task is to a callback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskKind {
    /// A task.
    Task,
    /// A handler.
    Handler,
    /// A task of the clean-up phase.
    Cleanup,
}

impl TaskKind {
    /// The banner's first words.
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Task => "TASK",
            Self::Handler => "RUNNING HANDLER",
            Self::Cleanup => "CLEANUP TASK",
        }
    }
}

/// What callbacks know of a task.
#[derive(Clone, Debug)]
pub struct TaskInfo {
    /// A number of its own in this run.
    pub id: u64,
    /// Its name as banners show it: rendered, with the role's name before it.
    pub name: String,
    /// Its `name:` alone, rendered; empty where it has none.
    pub short_name: String,
    /// The action as written.
    pub action: String,
    /// The action's full name, `ansible.builtin.copy`.
    pub resolved: String,
    /// The role it comes from.
    pub role: Option<String>,
    /// File and line, `/path/site.yml:7`.
    pub path: Option<String>,
    /// Task, handler or clean-up.
    pub kind: TaskKind,
    /// Whether it loops.
    pub looped: bool,
    /// Whether it is a dynamic include.
    pub include: bool,
    /// Whether ansible made it, not a person.
    pub implicit: bool,
    /// Whether it runs in check mode.
    pub check_mode: bool,
    /// `no_log`, where it could be told before the task ran.
    pub no_log: bool,
    /// `ignore_unreachable`.
    pub ignore_unreachable: bool,
    /// `delegate_to` as written.
    pub delegate_to: Option<String>,
    /// Tags, inherited ones among them.
    pub tags: Vec<String>,
    /// The arguments as written, for `display_args_to_stdout`.
    pub args: Dict,
}

/// Where a delegated task ran.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delegated {
    /// The host as named by `delegate_to`.
    pub host: String,
    /// The address behind it (`ansible_host`), where it differs.
    pub address: Option<String>,
}

/// One result of a task on a host, or of one turn of its loop.
#[derive(Clone, Debug)]
pub struct Report {
    /// The host whose task it was.
    pub host: Arc<str>,
    /// The task.
    pub task: Arc<TaskInfo>,
    /// Where it ran, if elsewhere.
    pub delegated: Option<Delegated>,
    /// The result as ansible's dictionary, without internal keys. Under `no_log` it is censored
    /// before any callback sees it.
    pub result: Dict,
    /// The label of a loop's turn.
    pub item_label: Option<Value>,
    /// Whether the result is hidden.
    pub no_log: bool,
    /// Always show the whole result (debug).
    pub verbose_always: bool,
    /// Never show the whole result (facts).
    pub verbose_never: bool,
    /// Seconds since the task began on this host.
    pub seconds: f64,
}

/// Counts of one host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the recap's word of the same name")]
pub struct Counts {
    pub ok: u64,
    pub changed: u64,
    pub unreachable: u64,
    pub failed: u64,
    pub skipped: u64,
    pub rescued: u64,
    pub ignored: u64,
}

/// The recap.
#[derive(Clone, Debug, Default)]
pub struct Stats {
    /// Counts a host, in the order in which hosts first counted.
    pub hosts: indexmap::IndexMap<Arc<str>, Counts>,
    /// `set_stats`: a host, or `_run`, to its data.
    pub custom: indexmap::IndexMap<String, Dict>,
}

/// Something that happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// A playbook begins.
    PlaybookStart {
        /// Its path as given.
        path: String,
        /// How many plays it has.
        plays: usize,
    },
    /// A play (or one batch of it) begins.
    PlayStart(Arc<PlayInfo>),
    /// The play's pattern matched nothing.
    NoHostsMatched,
    /// Every host has failed.
    NoHostsRemaining,
    /// A task begins on its first host.
    TaskStart(Arc<TaskInfo>),
    /// A task begins on a host.
    HostStart(Arc<str>, Arc<TaskInfo>),
    /// A task ended well on a host.
    Ok(Report),
    /// A task failed on a host; the flag tells whether that is ignored.
    Failed(Report, bool),
    /// A task was skipped on a host.
    Skipped(Report),
    /// A host could not be reached; the flag tells whether that is ignored.
    Unreachable(Report, bool),
    /// A loop's turn ended well.
    ItemOk(Report),
    /// A loop's turn failed.
    ItemFailed(Report),
    /// A loop's turn was skipped.
    ItemSkipped(Report),
    /// `until` is not true yet.
    Retry(Report),
    /// A result carries a diff to show.
    Diff(Report),
    /// An asynchronous task was asked how it stands.
    AsyncPoll(Report),
    /// An asynchronous task ended well.
    AsyncOk(Report),
    /// An asynchronous task failed.
    AsyncFailed(Report),
    /// A dynamic include brought its tasks.
    Include {
        /// The file.
        file: String,
        /// The hosts it was included for.
        hosts: Vec<Arc<str>>,
        /// The label of the loop's turn that included it.
        item_label: Option<Value>,
    },
    /// A handler was notified.
    Notified {
        /// The handler's name.
        handler: String,
        /// The host that it will run on.
        host: Arc<str>,
    },
    /// The recap.
    Stats(Arc<Stats>),
    /// Something that people should know; shown once.
    Warning(String),
    /// Something that will go away; the rest of the text after `[DEPRECATION WARNING]: `.
    Deprecated(String),
    /// Text for this verbosity (`-v` is 1) and above, about a host if one is named.
    Verbose(u8, String, Option<Arc<str>>),
    /// A line with stars to its end.
    Banner(String),
    /// A line for the user as it is.
    Line(String),
    /// An error that doesn't end the run.
    Error(Error),
    /// What is wrong and doesn't end the run either; the text after `[ERROR]: `.
    Problem(String),
}

/// Receives events; the callbacks' end.
pub trait EventSink: Send + Sync {
    /// Takes an event.
    fn event(&self, event: &Event);
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
