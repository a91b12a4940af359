//! Files of tasks brought in from elsewhere: imports while loading, includes while running.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, atomic::Ordering},
};

use super::{Loader, Place, error_at, paths, task::is_variable_name};
use crate::{
    diagnostic::{Error, Kind, Notice, Result, Span},
    playbook::{
        Include, Item, Level, LevelKind, Play, PlayBase, Role, Task, keywords::Place as In, python,
        resolve::is_builtin,
    },
    value::{Dict, Value},
    yaml::{Node, NodeKind},
};

/// What a dynamic include brought.
#[derive(Debug, Default)]
pub struct Loaded {
    /// Blocks to run, dependencies of roles first. Handlers, if the include was one, without
    /// blocks.
    pub items: Vec<Item>,
    /// Handlers that came with it and are the play's from now on.
    pub handlers: Vec<Item>,
    /// The role, if it was one.
    pub role: Option<Arc<Role>>,
    /// The file is empty: ansible does not even say that it was included.
    pub empty: bool,
}

impl Loader {
    /// An entry `include_tasks`, `import_tasks` or `include`.
    pub(super) fn load_task_include(
        &self,
        node: &Node,
        action: &str,
        place: &Place,
    ) -> Result<Vec<Item>> {
        let class = if place.handlers { "HandlerTaskInclude" } else { "TaskInclude" };
        let task = self.load_task(node, class, place)?;
        let file = self.check_task_include(&task, node)?;
        let legacy = is_builtin(action, "include");
        if legacy {
            self.config.notices.notice(Notice::Deprecated(
                "\"include\" is deprecated, use include_tasks/import_tasks instead. See \
                 https://docs.ansible.com/ansible-core/2.14/user_guide/playbooks_reuse_includes.html \
                 for details. This feature will be removed in version 2.16. Deprecation warnings \
                 can be disabled by setting deprecation_warnings=False in ansible.cfg."
                    .to_owned(),
            ));
        }
        let in_dynamic =
            || place.parent.chain().any(|l| l.include.as_ref().is_some_and(|i| i.dynamic));
        let is_static = is_builtin(action, "import_tasks")
            || (legacy
                && !self.config.templar.is_template(&file)
                && task.looped.is_none()
                && !in_dynamic());
        if !is_static {
            return Ok(vec![Item::Task(Arc::new(task))]);
        }
        if task.looped.is_some() {
            return Err(error_at(
                "You cannot use loops on 'import_tasks' statements. You should use \
                 'include_tasks' instead.",
                node,
            ));
        }
        self.import_tasks(node, task, &file, place)
    }

    /// Checks an include's arguments; gives the file as written.
    fn check_task_include(&self, task: &Task, node: &Node) -> Result<String> {
        let (args, action) = (&task.action.args, &task.action.written);
        let names: Vec<String> =
            args.snapshot().iter().map(|(k, _)| python::text(k.value())).collect();
        let wrong: Vec<_> = names
            .iter()
            .filter(|n| !matches!(n.as_str(), "file" | "_raw_params" | "apply"))
            .map(String::as_str)
            .collect();
        if !wrong.is_empty() && !is_builtin(action, "include") {
            return Err(error_at(
                format!("Invalid options for {action}: {}", wrong.join(",")),
                node,
            ));
        }
        let raw = args.get("_raw_params").filter(|v| !is_empty(v));
        let file = match raw.or_else(|| args.remove("file").filter(|v| !is_empty(v))) {
            Some(file) => file,
            None => {
                return Err(Error::parser(format!("No file specified for {action}"), None));
            }
        };
        args.insert("_raw_params", file.clone());
        check_apply(args, action, "include_tasks", node)?;
        Ok(python::text(&file))
    }

    fn import_tasks(
        &self,
        node: &Node,
        task: Task,
        file: &str,
        place: &Place,
    ) -> Result<Vec<Item>> {
        let path = self.find_import(node, &task, file, place)?;
        let Some(document) =
            self.load_file(&path)?.filter(|d| d.as_seq().is_none_or(|s| !s.is_empty()))
        else {
            self.warn(format!("file {} is empty and had no tasks to include", path.display()));
            return Ok(Vec::new());
        };
        if document.as_seq().is_none() {
            return Err(error_at("included task files must contain a list of tasks", &document));
        }
        self.config
            .notices
            .notice(Notice::Verbose(2, format!("statically imported: {}", path.display())));
        let keywords = task.level.keywords.clone();
        let mut level = task.level.moved(LevelKind::Include, keywords);
        level.include = Some(Include {
            action: task.action.name.clone(),
            dynamic: false,
            file: Some(file.to_owned()),
            role_path: None,
            params: Dict::new(),
        });
        if is_builtin(&task.action.written, "include") {
            if let Some(include) = &mut level.include {
                include.params = task.level.vars.clone();
            }
            add_params(&mut level, &task.action.args);
        }
        let inner = place.deeper(&node.span)?.within(&Arc::new(level));
        self.load_blocks(Some(&document), &inner).map_err(|e| {
            e.into_error("A malformed block was encountered while loading a block", None)
        })
    }

    /// The file that a static import names.
    fn find_import(&self, node: &Node, task: &Task, file: &str, place: &Place) -> Result<PathBuf> {
        let subfolder = if place.handlers { "handlers" } else { "tasks" };
        let basedir = &place.play.basedir;
        let render = |text: &str| self.render_text(text, place, Some(&task.level));
        let target = render(file).map_err(|e| undefined_import(e, file))?;
        let mut cumulative: Option<PathBuf> = None;
        for level in place.parent.chain().take_while(|l| l.kind != LevelKind::Role) {
            let Some(include) = &level.include else { continue };
            let Some(written) = &include.file else { continue };
            let rendered = match render(written) {
                Err(e) if e.kind() == Kind::Undefined && include.dynamic => {
                    return Err(Error::new(
                        Kind::Parser,
                        format!(
                            "Error when evaluating variable in dynamic parent include path: \
                             {written}. When using static imports, the parent dynamic include \
                             cannot utilize host facts or variables from inventory"
                        ),
                    )
                    .hinted(format!("at {}", node.span)));
                }
                other => other?,
            };
            let folder = Path::new(&rendered).parent().unwrap_or(Path::new("")).to_path_buf();
            let path = match cumulative.take() {
                None => folder,
                Some(inner) if inner.is_absolute() => inner,
                Some(inner) => folder.join(inner),
            };
            let candidate = match &place.role {
                Some(role) => {
                    let base = role.path.join(subfolder).join(&path);
                    paths::dwim_relative(basedir, &base, subfolder, &target, false)
                }
                None => {
                    let folder = path.to_string_lossy();
                    paths::dwim_relative(basedir, basedir, &folder, &target, false)
                }
            };
            if candidate.exists() {
                return Ok(candidate);
            }
            cumulative = Some(path);
        }
        let found = match &place.role {
            Some(role) => paths::dwim_relative(basedir, &role.path, subfolder, &target, false),
            None => paths::dwim(basedir, &target),
        };
        // What was found is looked up once more, relative to the playbook.
        Ok(paths::dwim(basedir, &found.to_string_lossy()))
    }

    /// Text rendered with the variables that are known while loading.
    pub(super) fn render_text(
        &self,
        text: &str,
        place: &Place,
        level: Option<&Arc<Level>>,
    ) -> Result<String> {
        if !may_hold_template(text) {
            return Ok(text.to_owned());
        }
        self.rendered.fetch_add(1, Ordering::Relaxed);
        let scope = self.scope(&place.play, level)?;
        let rendered = self.config.templar.template(&Value::str(text), scope)?;
        Ok(python::text(&rendered))
    }

    /// A value rendered with the variables that are known without a host.
    pub fn render(
        &self,
        value: &Value,
        play: &PlayBase,
        level: Option<&Arc<Level>>,
    ) -> Result<Value> {
        if !self.has_template(value) {
            return Ok(value.clone());
        }
        self.rendered.fetch_add(1, Ordering::Relaxed);
        self.config.templar.template(value, self.scope(play, level)?)
    }

    /// Whether a value holds a template anywhere.
    fn has_template(&self, value: &Value) -> bool {
        match value {
            Value::Str(text) => may_hold_template(text),
            Value::List(list) => list.snapshot().iter().any(|v| self.has_template(v)),
            Value::Dict(dict) => dict.snapshot().iter().any(|(_, v)| self.has_template(v)),
            _ => false,
        }
    }

    /// The file that a dynamic include names. `written` is its argument, already rendered for the
    /// host; `render` renders the arguments of the includes around it.
    pub fn find_include(
        &self,
        task: &Task,
        written: &str,
        render: &dyn Fn(&str) -> Result<String>,
    ) -> Result<PathBuf> {
        let basedir = &*self.basedir.read();
        let role = task.level.role.as_ref();
        let parent = task.level.parent.as_deref();
        let includes = parent.into_iter().flat_map(Level::chain).filter_map(|l| l.include.as_ref());
        let mut cumulative: Option<PathBuf> = None;
        let mut tried = None;
        for include in includes {
            let folder = self.include_folder(include, task, render);
            let path = match cumulative.take() {
                Some(inner) if !inner.is_absolute() => folder.join(inner),
                _ => folder,
            };
            let candidate = match role {
                Some(role) => {
                    let tasks = paths::dwim_relative(basedir, &role.path, "tasks", written, false);
                    let base = role.path.join("tasks").join(&path);
                    let beside = paths::dwim_relative(basedir, &base, "tasks", written, false);
                    if tasks.exists() { tasks } else { beside }
                }
                None => {
                    let folder = path.to_string_lossy();
                    paths::dwim_relative(basedir, basedir, &folder, written, false)
                }
            };
            if candidate.exists() {
                return Ok(candidate);
            }
            tried = Some(candidate);
            cumulative = Some(path);
        }
        Ok(tried.unwrap_or_else(|| match role {
            Some(role) => {
                let subfolder = if task.is_handler { "handlers" } else { "tasks" };
                paths::dwim_relative(basedir, &role.path, subfolder, written, true)
            }
            None => paths::dwim(basedir, written),
        }))
    }

    fn include_folder(
        &self,
        include: &Include,
        task: &Task,
        render: &dyn Fn(&str) -> Result<String>,
    ) -> PathBuf {
        if let Some(role_path) = &include.role_path {
            return role_path.clone();
        }
        match render(include.file.as_deref().unwrap_or_default()) {
            Ok(rendered) => Path::new(&rendered).parent().unwrap_or(Path::new("")).to_path_buf(),
            Err(error) => {
                self.warn(format!(
                    "Templating the path of the parent {} failed. The path to the included file \
                     may not be found. The error was: {}.",
                    task.action.written,
                    error.message()
                ));
                PathBuf::new()
            }
        }
    }

    /// Loads the tasks of a dynamic `include_tasks` for the hosts that share `vars` (the loop's
    /// variables). `args` are the include's rendered arguments.
    pub fn include_tasks(
        &self,
        play: &Play,
        task: &Task,
        file: &Path,
        vars: &Dict,
        args: &Dict,
    ) -> Result<Loaded> {
        let document = self.load_file_anew(file).map_err(|e| match e.kind() {
            Kind::NotFound => e.map_message(|_| {
                format!("Could not find or access '{}' on the Ansible Controller.", file.display())
            }),
            _ => e,
        })?;
        let Some(document) = document else {
            return Ok(Loaded { empty: true, ..Loaded::default() });
        };
        if document.as_seq().is_none() {
            return Err(Error::new(Kind::User, "included task files must contain a list of tasks"));
        }
        let mut level = dynamic_level(task, vars, None);
        if is_builtin(&task.action.written, "include") {
            add_params(&mut level, args);
        }
        let place = Place {
            play: Arc::clone(&play.base),
            parent: Arc::new(level),
            role: task.level.role.clone(),
            handlers: task.is_handler,
            depth: 0,
        };
        let place = self.applied(&place, args, task)?;
        let items = self.load_blocks(Some(&document), &place).map_err(|e| {
            e.into_error("A malformed block was encountered while loading a block", None)
        })?;
        Ok(Loaded { items, handlers: place.play.take_handlers(), ..Loaded::default() })
    }

    /// The place inside the block that `apply:` makes.
    pub(super) fn applied(&self, place: &Place, args: &Dict, task: &Task) -> Result<Place> {
        let Some(Value::Dict(apply)) = args.get("apply").filter(|v| !is_empty(v)) else {
            return Ok(place.clone());
        };
        let span = &task.action.span;
        let node = node_of(&Value::Dict(apply), span);
        let level = self.level(&node, LevelKind::Block, "Block", In::Block, place)?;
        Ok(place.within(&Arc::new(level)))
    }

    /// Loads a file of tasks under `parent`.
    pub fn load_tasks_file(
        &self,
        play: &Play,
        path: &Path,
        parent: &Arc<Level>,
        role: Option<&Arc<Role>>,
        as_handlers: bool,
    ) -> Result<Vec<Item>> {
        let place = Place {
            play: Arc::clone(&play.base),
            parent: Arc::clone(parent),
            role: role.cloned(),
            handlers: as_handlers,
            depth: 0,
        };
        let document = self.load_file(path)?;
        self.load_blocks(document.as_ref(), &place).map_err(|e| {
            e.into_error("A malformed block was encountered while loading a block", None)
        })
    }
}

/// Whether text has the beginning of a template in it.
pub(super) fn may_hold_template(text: &str) -> bool {
    ["{{", "{%", "{#"].iter().any(|mark| text.contains(mark))
}

/// The level around what a dynamic include brings: only its variables are inherited.
pub(super) fn dynamic_level(task: &Task, vars: &Dict, role_path: Option<PathBuf>) -> Level {
    let mut level = task.level.moved(LevelKind::Include, Vec::new());
    level.vars = level.vars.copy();
    for (name, value) in vars.snapshot() {
        level.vars.write().insert(name, value);
    }
    let file = role_path.is_none().then(|| task.action.args.get("_raw_params")).flatten();
    level.include = Some(Include {
        action: task.action.name.clone(),
        dynamic: true,
        file: file.map(|f| python::text(&f)),
        role_path,
        params: Dict::new(),
    });
    level
}

/// The old `include` gave its arguments to the tasks as variables.
fn add_params(level: &mut Level, args: &Dict) {
    let vars = level.vars.copy();
    for (key, value) in args.snapshot() {
        if key.as_str().is_some_and(|k| is_variable_name(k) && k != "tags" && k != "when") {
            vars.write().insert(key, value);
        }
    }
    level.vars = vars;
}

/// Python's falsehood of an argument.
pub(super) fn is_empty(value: &Value) -> bool {
    match value {
        Value::None | Value::Bool(false) | Value::Int(0) => true,
        Value::Str(s) => s.is_empty(),
        Value::List(l) => l.is_empty(),
        Value::Dict(d) => d.is_empty(),
        _ => false,
    }
}

/// `apply` is for dynamic includes and must be a dict.
pub(super) fn check_apply(args: &Dict, action: &str, only: &str, node: &Node) -> Result<()> {
    let Some(apply) = args.get("apply") else { return Ok(()) };
    if !is_empty(&apply) && !is_builtin(action, only) {
        return Err(error_at(format!("Invalid options for {action}: apply"), node));
    }
    if apply.as_dict().is_none() {
        return Err(error_at(
            format!("Expected a dict for apply but got {} instead", python::yaml_class(&apply)),
            node,
        ));
    }
    Ok(())
}

/// A value as a node, all of it at one place.
pub(super) fn node_of(value: &Value, span: &Span) -> Node {
    let kind = match value {
        Value::Dict(entries) => NodeKind::Map(
            entries
                .snapshot()
                .iter()
                .map(|(k, v)| (node_of(k.value(), span), node_of(v, span)))
                .collect(),
        ),
        Value::List(items) => {
            NodeKind::Seq(items.snapshot().iter().map(|v| node_of(v, span)).collect())
        }
        scalar => NodeKind::Scalar(scalar.clone()),
    };
    Node { kind, span: span.clone() }
}

fn undefined_import(error: Error, file: &str) -> Error {
    if error.kind() != Kind::Undefined {
        return error;
    }
    let text = format!(
        "Error when evaluating variable in import path: {file}.\n\nWhen using static imports, \
         ensure that any variables used in their names are defined in vars/vars_files\nor \
         extra-vars passed in from the command line. Static imports cannot use variables from \
         facts or inventory\nsources like group or host vars."
    );
    Error::new(Kind::Parser, text)
}
