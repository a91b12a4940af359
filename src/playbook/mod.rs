//! Playbooks as they are written: plays, blocks, tasks, roles, with every value's place kept.
//!
//! Nothing here is rendered or run. Inheritance goes by [`Level`]s: every play, block, include and
//! task has one, and knows the one around it, so that a keyword's effective value is found by
//! walking outwards.

mod compile;
pub mod keywords;
pub mod load;
pub mod play;
mod python;
pub mod resolve;
pub use crate::splitter;
pub mod tags;

use std::{
    collections::HashSet,
    path::PathBuf,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

pub use load::{Loader, LoaderConfig, RoleFiles};
use parking_lot::{Mutex, RwLock};

use crate::{
    diagnostic::Span,
    value::{Dict, Value},
};

/// A keyword's value as written, with its place.
#[derive(Clone, Debug)]
pub struct Spanned {
    /// The raw value; may hold templates.
    pub value: Value,
    /// Where it stands.
    pub span: Span,
}

/// What a [`Level`] belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LevelKind {
    /// A play: the outermost level.
    Play,
    /// A role's inclusion by `roles:`, or as a dependency.
    Role,
    /// A block.
    Block,
    /// An `import_tasks`, `include_tasks`, `import_role` or `include_role` around what it brings.
    Include,
    /// The `when` of an `import_playbook` around the task lists of what it brings.
    Import,
    /// A task.
    Task,
}

/// One level of inheritance: the keywords written at one place, and the level around it.
#[derive(Debug)]
pub struct Level {
    /// What it belongs to.
    pub kind: LevelKind,
    /// Its `name:` as written.
    pub name: Option<String>,
    /// The keywords written here, in the order of the file.
    pub keywords: Vec<(Keyword, Spanned)>,
    /// `vars:` written here (for includes: their parameters too).
    pub vars: Dict,
    /// The role whose file this was written in.
    pub role: Option<Arc<Role>>,
    /// What a level of kind `Include` brings in.
    pub include: Option<Include>,
    /// The level around it; `None` for a play.
    pub parent: Option<Arc<Level>>,
    /// Where it stands.
    pub span: Span,
}

/// How a level of kind [`LevelKind::Include`] brings in what is inside it.
#[derive(Clone, Debug)]
pub struct Include {
    /// The action, `ansible.builtin.include_tasks`.
    pub action: String,
    /// Whether it was decided while running. Then its own keywords are not inherited by what it
    /// brings (`keywords` is empty), only its variables are.
    pub dynamic: bool,
    /// The file as written, unrendered.
    pub file: Option<String>,
    /// The folder of the role that it brings.
    pub role_path: Option<PathBuf>,
    /// `vars:` of the old `include`, which win over `set_fact` even where it was decided when the
    /// playbook was loaded.
    pub params: Dict,
}

impl Level {
    /// The keyword's value written at this very level.
    pub fn own(&self, keyword: Keyword) -> Option<&Spanned> {
        self.keywords.iter().find(|(k, _)| *k == keyword).map(|(_, v)| v)
    }

    /// This level and those around it, innermost first.
    pub fn chain(&self) -> impl Iterator<Item = &Level> {
        std::iter::successors(Some(self), |l| l.parent.as_deref())
    }

    /// The innermost value of a keyword that is inherited by overriding.
    pub fn inherited(&self, keyword: Keyword) -> Option<&Spanned> {
        self.chain().find_map(|l| l.own(keyword))
    }
}

/// Every keyword of plays, roles, blocks and tasks.
#[expect(missing_docs, reason = "the keywords' meaning is in the table of keywords.rs")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Keyword {
    Action,
    AllowDuplicates,
    AnyErrorsFatal,
    Args,
    Async,
    Become,
    BecomeExe,
    BecomeFlags,
    BecomeMethod,
    BecomeUser,
    Block,
    ChangedWhen,
    CheckMode,
    Collections,
    Connection,
    Debugger,
    Delay,
    DelegateFacts,
    DelegateTo,
    Diff,
    Environment,
    FactPath,
    FailedWhen,
    ForceHandlers,
    GatherFacts,
    GatherSubset,
    GatherTimeout,
    Handlers,
    Hosts,
    IgnoreErrors,
    IgnoreUnreachable,
    Listen,
    LocalAction,
    Loop,
    LoopControl,
    MaxFailPercentage,
    ModuleDefaults,
    Name,
    NoLog,
    Notify,
    Order,
    Poll,
    Port,
    PostTasks,
    PreTasks,
    Register,
    RemoteUser,
    Rescue,
    Always,
    Retries,
    Roles,
    RunOnce,
    Serial,
    Strategy,
    Tags,
    Tasks,
    Throttle,
    Timeout,
    Until,
    Vars,
    VarsFiles,
    VarsPrompt,
    When,
}

/// What was given to the loader: a playbook with the plays of those that it imports.
#[derive(Debug)]
pub struct Playbook {
    /// Its path as given.
    pub path: PathBuf,
    /// The folder that relative names start from.
    pub basedir: PathBuf,
    /// Its plays in order.
    pub plays: Vec<Arc<Play>>,
}

/// What ansible calls the playbook of an ad-hoc command.
const ADHOC: &str = "__adhoc_playbook__";

impl Playbook {
    /// Whether nobody wrote it.
    pub fn is_adhoc(&self) -> bool {
        self.path == std::path::Path::new(ADHOC)
    }
}

/// What a play's loading and its later includes share.
#[derive(Debug)]
pub struct PlayBase {
    /// The play's level.
    pub level: Arc<Level>,
    /// The folder that relative names start from.
    pub basedir: PathBuf,
    /// The collection that its playbook lies in, which short names are looked for in first.
    default_collection: Option<String>,
    visible_roles: RwLock<Vec<Arc<Role>>>,
    /// Handlers that static imports of roles brought, until the play takes them.
    imported_handlers: Mutex<Vec<Item>>,
    /// Uses of roles whose handlers were loaded, by the role's folder and identity.
    with_handlers: Mutex<HashSet<(PathBuf, String)>>,
}

impl PlayBase {
    fn new(level: Arc<Level>, basedir: PathBuf, default_collection: Option<String>) -> Arc<Self> {
        Arc::new(Self {
            level,
            basedir,
            default_collection,
            visible_roles: RwLock::default(),
            imported_handlers: Mutex::default(),
            with_handlers: Mutex::default(),
        })
    }

    /// Roles whose defaults and variables the whole play sees: those of `roles:`, then those that
    /// static imports and public includes brought so far.
    pub fn visible_roles(&self) -> Vec<Arc<Role>> {
        self.visible_roles.read().clone()
    }

    /// Whether no equal use of a role was asked about before.
    fn is_first_use(&self, role: &(PathBuf, String)) -> bool {
        self.with_handlers.lock().insert(role.clone())
    }

    /// Handlers that came with imported roles since the last call.
    fn take_handlers(&self) -> Vec<Item> {
        std::mem::take(&mut *self.imported_handlers.lock())
    }
}

/// A play.
#[derive(Debug)]
pub struct Play {
    /// Its keywords, `vars` and name. `role` and `parent` are `None`.
    pub level: Arc<Level>,
    /// What its later includes need.
    pub base: Arc<PlayBase>,
    /// The folder that relative names start from.
    pub basedir: PathBuf,
    /// The file it stands in.
    pub path: PathBuf,
    /// The folder of the playbook that was imported, if it came by `import_playbook`.
    pub included_path: Option<PathBuf>,
    /// The `when` of the `import_playbook` that brought it; fact gathering is subject to it too.
    pub included_conditional: Option<Spanned>,
    /// `roles:`, dependencies not yet unfolded.
    pub roles: Vec<Arc<Role>>,
    /// `pre_tasks:`.
    pub pre_tasks: Vec<Item>,
    /// `tasks:`.
    pub tasks: Vec<Item>,
    /// `post_tasks:`.
    pub post_tasks: Vec<Item>,
    /// `handlers:` of the play itself, then those of roles that static imports brought; tasks
    /// only. [`Play::all_handlers`] adds those of `roles:`.
    pub handlers: Vec<Item>,
}

/// A block, or a task list that needs one.
#[derive(Debug)]
pub struct Block {
    /// Its keywords and surroundings.
    pub level: Arc<Level>,
    /// `block:`.
    pub body: Vec<Item>,
    /// `rescue:`.
    pub rescue: Vec<Item>,
    /// `always:`.
    pub always: Vec<Item>,
}

/// One entry of a list of tasks.
#[derive(Clone, Debug)]
pub enum Item {
    /// A task (also dynamic includes, which are tasks when they run).
    Task(Arc<Task>),
    /// A block. Static imports become blocks too: their level is the import's.
    Block(Arc<Block>),
}

/// A number that no other task of this run has.
pub fn next_task_id() -> u64 {
    static LAST: AtomicU64 = AtomicU64::new(0);
    LAST.fetch_add(1, Ordering::Relaxed) + 1
}

/// A task or handler.
#[derive(Debug)]
pub struct Task {
    /// A number of its own in this run.
    pub id: u64,
    /// Its keywords and surroundings.
    pub level: Arc<Level>,
    /// What it does.
    pub action: ActionCall,
    /// `loop:` or `with_x:`.
    pub looped: Option<Loop>,
    /// Whether it is a handler.
    pub is_handler: bool,
    /// A task that ansible makes itself (fact gathering, flush_handlers).
    pub implicit: bool,
}

impl Task {
    /// The folders that its files are looked for in: its role and the roles that brought that in, innermost
    /// first, then the folder of its own file.
    pub fn search_dirs(&self) -> Vec<PathBuf> {
        let mut dirs: Vec<PathBuf> = Vec::new();
        if let Some(role) = &self.level.role {
            dirs.push(role.path.clone());
            dirs.extend(role.parents.iter().rev().map(|p| p.path.clone()));
        }
        if let Some(own) = self.level.span.path().parent() {
            let own = own.to_path_buf();
            if !dirs.contains(&own) {
                dirs.push(own);
            }
        }
        dirs
    }

    /// The same task with another action.
    pub fn acting(&self, action: ActionCall) -> Self {
        Self {
            id: self.id,
            level: Arc::clone(&self.level),
            action,
            looped: self.looped.clone(),
            is_handler: self.is_handler,
            implicit: self.implicit,
        }
    }
}

/// The module or action that a task names, with its arguments.
#[derive(Clone, Debug)]
pub struct ActionCall {
    /// As written: `copy`, `ansible.builtin.copy`.
    pub written: String,
    /// The name that it resolves to: `ansible.builtin.copy`.
    pub name: String,
    /// The arguments as written, free-form text taken apart (`_raw_params` for commands). A whole
    /// `args: "{{ … }}"` stays under `_variable_params`.
    pub args: Dict,
    /// Where the action's key stands.
    pub span: Span,
    /// Where the name of the role that it includes stands.
    pub named: Option<Span>,
    /// Whether it exists, but we don't have it: the task fails if it comes to it.
    pub missing: bool,
}

/// What a task loops over.
#[derive(Clone, Debug)]
pub struct Loop {
    /// `items` for `with_items`; `None` for `loop`.
    pub lookup: Option<String>,
    /// The terms as written.
    pub terms: Spanned,
}

/// A role's dependencies: filled after the role itself exists, since they point back to it.
#[derive(Debug, Default)]
pub struct Dependencies(OnceLock<Vec<Arc<Role>>>);

impl std::ops::Deref for Dependencies {
    type Target = [Arc<Role>];
    fn deref(&self) -> &[Arc<Role>] {
        self.0.get().map_or(&[], Vec::as_slice)
    }
}

impl<'a> IntoIterator for &'a Dependencies {
    type Item = &'a Arc<Role>;
    type IntoIter = std::slice::Iter<'a, Arc<Role>>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// A role as used at one place.
#[derive(Debug)]
pub struct Role {
    /// As written: `web`, `ns.col.web`, a path.
    pub written: String,
    /// Its short name.
    pub name: String,
    /// The collection it belongs to, `ns.col`.
    pub collection: Option<String>,
    /// Its folder.
    pub path: std::path::PathBuf,
    /// `defaults/`.
    pub defaults: Dict,
    /// `vars/`.
    pub vars: Dict,
    /// Parameters given where it is used.
    pub params: Dict,
    /// `meta/main.yml`'s dependencies, in order.
    pub dependencies: Dependencies,
    /// The roles that brought this one in as a dependency, outermost first.
    pub parents: Vec<Arc<Role>>,
    /// Whether it may run more than once in a play with the same parameters.
    pub allow_duplicates: bool,
    /// The collections that its short names are looked for in.
    pub collections: Vec<String>,
    /// Its argument specification for the entry point used (`meta/argument_specs.yml`).
    pub argument_spec: Option<Value>,
    /// The level of its inclusion: keywords of the `roles:` entry, tags, when, become.
    pub level: Arc<Level>,
    /// Its `tasks/`: filled after the role itself exists, since tasks point back to it.
    pub tasks: OnceLock<Vec<Item>>,
    /// Its `handlers/`.
    pub handlers: OnceLock<Vec<Item>>,
    /// Equal for two uses of the same role with the same parameters (for "already ran").
    pub identity: String,
}
