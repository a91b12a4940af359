//! From files to plays: every text that people wrote is checked here, and errors say where.
//!
//! Errors are ansible's, in its words and with its places, since people search for them.

mod args;
mod document;
mod include;
mod looked;
pub use crate::paths;
mod play;
mod role;
mod role_files;
mod scope;
mod task;
mod tasks;

use std::{
    collections::{HashMap, HashSet},
    path::{Path, PathBuf},
    sync::{Arc, atomic::AtomicU64},
};

use indexmap::IndexSet;
use parking_lot::{Mutex, RwLock};

pub use args::takes_command;
pub use include::Loaded;
pub use role_files::RoleFiles;
pub use task::is_variable_name;

use super::{Level, Play, PlayBase, Role, resolve::Places};
use crate::{
    diagnostic::{Error, Kind, Notice, Notices, Result, Span},
    template::Scope,
    value::Value,
    vars::Stack,
    vault::Vault,
    yaml::{self, Node},
};

/// Renders templates while playbooks are loaded.
pub trait ImportTemplar: Send + Sync {
    /// The value with its templates rendered, names taken from `scope`.
    fn template(&self, value: &Value, scope: Arc<dyn Scope>) -> Result<Value>;

    /// Whether text holds a template.
    fn is_template(&self, text: &str) -> bool;
}

/// What the loader is told by the configuration.
#[derive(Clone, Debug)]
pub struct LoadSettings {
    /// Where roles are searched besides the playbook's `roles/`.
    pub roles_path: Vec<PathBuf>,
    /// Folders that hold `ansible_collections`.
    pub collections_paths: Vec<PathBuf>,
    /// Folders with modules that belong to no collection.
    pub library: Vec<PathBuf>,
    /// Whether an unknown keyword of a task is an error; else it is a warning.
    pub invalid_task_attribute_failed: bool,
    /// Whether roles' variables are kept from the rest of the play.
    pub private_role_vars: bool,
    /// What becomes of keys that a mapping has twice.
    pub duplicate_keys: yaml::Duplicates,
    /// Folders with actions that belong to no collection.
    pub actions: Vec<PathBuf>,
    /// Modules and actions that may not be used.
    pub rejected: Vec<String>,
    /// Whether tasks are listed only, so that nothing has to be there to run them.
    pub listing: bool,
}

impl Default for LoadSettings {
    fn default() -> Self {
        let folders = |paths: &[&str]| paths.iter().map(|p| paths::unfrack(p, true)).collect();
        Self {
            roles_path: folders(&[
                "~/.ansible/roles",
                "/usr/share/ansible/roles",
                "/etc/ansible/roles",
            ]),
            collections_paths: folders(&[
                "~/.ansible/collections",
                "/usr/share/ansible/collections",
            ]),
            library: folders(&["~/.ansible/plugins/modules", "/usr/share/ansible/plugins/modules"]),
            invalid_task_attribute_failed: true,
            private_role_vars: false,
            duplicate_keys: yaml::Duplicates::default(),
            actions: folders(&["~/.ansible/plugins/action", "/usr/share/ansible/plugins/action"]),
            rejected: Vec::new(),
            listing: false,
        }
    }
}

/// What a [`Loader`] works with.
pub struct LoaderConfig {
    /// Settings.
    pub settings: LoadSettings,
    /// For templates in names of files and roles.
    pub templar: Arc<dyn ImportTemplar>,
    /// For encrypted files and values.
    pub vault: Arc<Vault>,
    /// The variables that need neither play nor host (`-e`, magic ones), for a playbook's folder.
    pub world: Box<dyn Fn(&Path) -> Stack + Send + Sync>,
    /// Takes warnings.
    pub notices: Arc<dyn Notices>,
}

/// Loads playbooks, and later what their dynamic includes name.
pub struct Loader {
    config: LoaderConfig,
    documents: Mutex<HashMap<PathBuf, Option<Node>>>,
    /// What lies where, while a playbook is loaded.
    looked: Mutex<Option<looked::Looked>>,
    /// Uses of roles whose handlers are the same in every play, and were loaded: by folder and identity.
    settled: Mutex<HashSet<(PathBuf, String)>>,
    /// How many templates were rendered while loading.
    rendered: AtomicU64,
    /// What was wrong so far, where loading goes on behind each mistake.
    mistakes: Mutex<Option<Vec<Error>>>,
    /// The folder of the play that runs.
    basedir: RwLock<PathBuf>,
    /// The collection of the playbook that was come to last, which lies in one.
    default_collection: RwLock<Option<String>>,
    /// Roles that were loaded and bring modules or actions: these are there for all tasks after them.
    plugin_homes: RwLock<IndexSet<PathBuf>>,
}

/// Where a list of tasks stands.
#[derive(Clone)]
struct Place {
    play: Arc<PlayBase>,
    parent: Arc<Level>,
    role: Option<Arc<Role>>,
    handlers: bool,
    /// How many imports are open; a file that imports itself is an error, not a crash.
    depth: usize,
}

/// More imports within imports than this are taken for a loop.
const MAX_DEPTH: usize = 100;

/// What the error of such a loop says. Loading never goes on behind it: every level would meet it again.
const NESTED: &str = "nested too deeply";

impl Place {
    /// The same place inside another level.
    fn within(&self, parent: &Arc<Level>) -> Self {
        Self { parent: Arc::clone(parent), ..self.clone() }
    }

    fn deeper(&self, span: &Span) -> Result<Self> {
        if self.depth >= MAX_DEPTH {
            return Err(Error::new(
                Kind::Parser,
                format!("imports are {NESTED}; does a file import itself?"),
            )
            .at(span.clone()));
        }
        Ok(Self { depth: self.depth + 1, ..self.clone() })
    }
}

impl Loader {
    /// A loader.
    pub fn new(config: LoaderConfig) -> Self {
        Self {
            config,
            documents: Mutex::default(),
            looked: Mutex::default(),
            settled: Mutex::default(),
            rendered: AtomicU64::new(0),
            mistakes: Mutex::default(),
            basedir: RwLock::new(PathBuf::from(".")),
            default_collection: RwLock::default(),
            plugin_homes: RwLock::default(),
        }
    }

    /// From now on, loading goes on behind what is wrong with a play, a role or a task, so that one look at a
    /// playbook tells of all its mistakes: [`Self::mistakes`] gives them.
    pub fn collect_mistakes(&self) {
        *self.mistakes.lock() = Some(Vec::new());
    }

    /// What was wrong since [`Self::collect_mistakes`], in the order in which it was met, each once.
    pub fn mistakes(&self) -> Vec<Error> {
        self.mistakes.lock().as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// What was loaded; `None` where that failed and mistakes are collected.
    fn or_next<T>(&self, loaded: Result<T>) -> Result<Option<T>> {
        let error = match loaded {
            Ok(loaded) => return Ok(Some(loaded)),
            Err(error) => error,
        };
        let mut mistakes = self.mistakes.lock();
        let Some(mistakes) = mistakes.as_mut().filter(|_| !error.message().contains(NESTED)) else {
            return Err(error);
        };
        let same = |e: &Error| e.message() == error.message() && e.span() == error.span();
        if !mistakes.iter().any(same) {
            mistakes.push(error);
        }
        Ok(None)
    }

    /// From now on, relative names that a running task has start from this play's folder.
    pub fn enter_play(&self, play: &Play) {
        self.basedir.write().clone_from(&play.basedir);
    }

    /// The settings that it was made with.
    pub fn settings(&self) -> &LoadSettings {
        &self.config.settings
    }

    /// The node of a file loaded before that begins where `span` does: what was made of it keeps only its own
    /// place, and not those of its parts.
    pub fn node_at(&self, span: &Span) -> Option<Node> {
        let document = self.documents.lock().get(span.path()).cloned().flatten()?;
        std::sync::Arc::ptr_eq(&document.span.source, &span.source).then(|| document.find(span))?
    }

    /// Whether text holds a template.
    pub fn is_template(&self, text: &str) -> bool {
        self.config.templar.is_template(text)
    }

    fn warn(&self, text: impl Into<String>) {
        self.config.notices.notice(Notice::Warning(text.into()));
    }

    /// Keeps in mind that a role brings modules or actions, which few do.
    fn note_plugins(&self, role: &Path) {
        if ["library", "action_plugins"].iter().any(|name| self.is_folder(&role.join(name))) {
            self.plugin_homes.write().insert(role.to_owned());
        }
    }

    /// Whether an action may not be used by the name that is written.
    pub fn rejects(&self, written: &str) -> bool {
        self.config.settings.rejected.iter().any(|name| name == written)
    }

    /// Where modules of people's own may lie, for a task at `place`.
    fn module_places(&self, place: &Place) -> Places {
        let brought = self.plugin_homes.read();
        let own = place.role.iter().map(|r| &r.path).filter(|path| brought.contains(*path));
        let homes: Vec<&PathBuf> = own.chain([&place.play.basedir]).chain(&*brought).collect();
        let within = |name: &str, more: &[PathBuf]| {
            let all = homes.iter().map(|home| home.join(name)).chain(more.iter().cloned());
            all.filter(|folder| self.is_folder(folder)).collect()
        };
        Places {
            collections: self.collection_roots(&place.play.basedir),
            libraries: within("library", &self.config.settings.library),
            actions: within("action_plugins", &self.config.settings.actions),
            rejected: self.config.settings.rejected.clone(),
        }
    }

    fn collection_roots(&self, basedir: &Path) -> Vec<PathBuf> {
        std::iter::once(basedir.join("collections"))
            .chain(self.config.settings.collections_paths.iter().cloned())
            .collect()
    }
}

/// A parser error at a node.
fn error_at(message: impl Into<String>, node: &Node) -> Error {
    Error::parser(message, node_span(node))
}

/// The place that ansible knows of a node: numbers, booleans and nulls have none.
fn node_span(node: &Node) -> Option<Span> {
    use crate::yaml::NodeKind;
    let placed = !matches!(&node.kind, NodeKind::Scalar(v) if !matches!(v, Value::Str(_) | Value::Vaulted(_)));
    placed.then(|| node.span.clone())
}
