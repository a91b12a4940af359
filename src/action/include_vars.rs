//! `include_vars`: loads variables from a file, or from the files of a folder.

use std::path::{Path, PathBuf};

use super::{Action, ActionContext, ActionError, ActionFuture, Outcome};
use crate::{
    diagnostic::{Error, Kind},
    playbook::keywords,
    run::TaskResult,
    value::{
        Dict, Value,
        merge::{ListMerge, merge_dicts},
    },
};

/// Loads variables from files.
pub static ACTION: Action = Action { name: "include_vars", bypass_host_loop: false, run };

fn run<'a>(cx: &'a mut ActionContext<'_>) -> ActionFuture<'a> {
    Box::pin(async move { include_vars(cx) })
}

const DIR_ARGS: &[&str] =
    &["dir", "depth", "files_matching", "ignore_files", "extensions", "ignore_unknown_extensions"];
const FILE_ARGS: &[&str] = &["file", "_raw_params"];

const NO_NAME: &str = "Could not find file on the Ansible Controller.\nIf you are using a module \
                       and expect the file to exist on the remote, see the remote_src option";

/// What was loaded so far.
#[derive(Default)]
struct Loaded {
    vars: Dict,
    files: Vec<Value>,
    /// A file was encrypted, so that nothing of it may be shown.
    secret: bool,
}

fn include_vars(cx: &ActionContext<'_>) -> Outcome {
    check_args(cx)?;
    let mut loaded = Loaded::default();
    let outcome = match cx.text("dir").filter(|d| !d.is_empty()) {
        Some(dir) => load_dir(cx, &dir, &mut loaded)?,
        None => load_named(cx, &mut loaded)?,
    };
    let mut facts = loaded.vars;
    if let Some(name) = cx.text("name").filter(|n| !n.is_empty()) {
        facts = [(name.as_str(), Value::Dict(facts))].into_iter().collect();
    }
    let mut result = TaskResult::default();
    match outcome {
        Err(message) => {
            result.data.insert("failed", true);
            result.data.insert("message", message);
        }
        Ok(()) => merge_hashes(cx, &facts),
    }
    result.data.insert("ansible_included_var_files", loaded.files);
    result.data.insert("ansible_facts", facts);
    result.control.no_log = loaded.secret;
    result.control.include_vars = true;
    Ok(result)
}

fn error(text: impl Into<String>) -> ActionError {
    ActionError::Error(Error::new(Kind::Action, text))
}

fn check_args(cx: &ActionContext<'_>) -> Result<(), ActionError> {
    let (mut dirs, mut files) = (0, 0);
    for key in cx.args.read().keys() {
        match key.value().to_text().as_str() {
            k if DIR_ARGS.contains(&k) => dirs += 1,
            k if FILE_ARGS.contains(&k) => files += 1,
            "name" | "hash_behaviour" => {}
            k => return Err(error(format!("{k} is not a valid option in include_vars"))),
        }
    }
    if dirs > 0 && files > 0 {
        return Err(error(
            "You are mixing file only and dir only arguments, these are incompatible",
        ));
    }
    Ok(())
}

/// `hash_behaviour: merge` merges dicts with those that the host has already.
fn merge_hashes(cx: &ActionContext<'_>, facts: &Dict) {
    if cx.text("hash_behaviour").as_deref() != Some("merge") {
        return;
    }
    for (key, value) in facts.snapshot() {
        let old = key.as_str().and_then(|k| cx.scope.get(k));
        if let (Some(Value::Dict(old)), Value::Dict(new)) = (old, &value) {
            let merged = merge_dicts(&old, new, true, ListMerge::Replace);
            if let Ok(merged) = merged {
                facts.write().insert(key, Value::Dict(merged));
            }
        }
    }
}

type Loading = Result<Result<(), String>, ActionError>;

fn load_named(cx: &ActionContext<'_>, loaded: &mut Loaded) -> Loading {
    let written = |key| cx.arg(key).filter(Value::is_true);
    let Some(name) = written("file").or_else(|| written("_raw_params")) else {
        return Ok(Err(NO_NAME.to_owned()));
    };
    let name = match name {
        Value::Str(name) => name.as_str().to_owned(),
        other => {
            let text = format!("'{}' object has no attribute 'startswith'", other.type_name());
            let crash = Error::new(Kind::Action, text).of_class("AttributeError");
            return Err(ActionError::Error(crash));
        }
    };
    match cx.find("vars", name.trim_end_matches('\n')) {
        Ok(path) => load_file(cx, &path, loaded),
        Err(ActionError::Error(e)) => Ok(Err(e.message().to_owned())),
        Err(other) => Err(other),
    }
}

fn load_file(cx: &ActionContext<'_>, path: &Path, loaded: &mut Loaded) -> Loading {
    let (value, encrypted) = match cx.worker.play.run.loader.read_value(path) {
        Ok(read) => read,
        Err(e) => return Ok(Err(crate::diagnostic::ansible_text(&e))),
    };
    loaded.secret |= encrypted;
    match value {
        Value::Dict(vars) => {
            for (k, v) in vars.snapshot() {
                loaded.vars.write().insert(k, v);
            }
        }
        v if !v.is_true() => {}
        _ => {
            return Ok(Err(format!("{} must be stored as a dictionary/hash", path.display())));
        }
    }
    loaded.files.push(Value::str(path.display().to_string()));
    Ok(Ok(()))
}

/// Where a folder is looked for: in the role, or beside the file of the task.
fn root_dir(cx: &ActionContext<'_>, dir: &str) -> PathBuf {
    let task = &cx.worker.task;
    match &task.level.role {
        Some(role) if dir.split('/').next() == Some("vars") => {
            let inside = role.path.join(dir);
            if inside.exists() { inside } else { PathBuf::from(dir) }
        }
        Some(role) => role.path.join("vars").join(dir),
        None => task.level.span.path().parent().map_or_else(|| dir.into(), |p| p.join(dir)),
    }
}

fn load_dir(cx: &ActionContext<'_>, dir: &str, loaded: &mut Loaded) -> Loading {
    let root = root_dir(cx, dir);
    if !root.exists() {
        return Ok(Err(format!("{} directory does not exist", root.display())));
    }
    if !root.is_dir() {
        return Ok(Err(format!("{} is not a directory", root.display())));
    }
    let filter = Filter::read(cx)?;
    let mut dirs: Vec<PathBuf> = walkdir::WalkDir::new(&root)
        .into_iter()
        .filter_map(Result::ok)
        .filter(|e| e.file_type().is_dir())
        .map(walkdir::DirEntry::into_path)
        .collect();
    dirs.sort_unstable();
    let depth = if filter.depth == 0 { dirs.len() } else { filter.depth };
    for dir in dirs.into_iter().take(depth) {
        // Of a folder with a file that can't be used, nothing counts.
        let before = loaded.vars.copy();
        if let Err(message) = load_files_of(cx, &dir, &filter, loaded)? {
            loaded.vars = before;
            return Ok(Err(message));
        }
    }
    Ok(Ok(()))
}

fn load_files_of(
    cx: &ActionContext<'_>,
    dir: &Path,
    filter: &Filter,
    loaded: &mut Loaded,
) -> Loading {
    for path in files_of(dir) {
        if !filter.takes(cx, dir, &path)? {
            continue;
        }
        let ending = path.extension().unwrap_or_default();
        let known = filter.extensions.iter().any(|known| ending.to_str() == Some(known));
        if !known {
            if filter.ignore_unknown {
                continue;
            }
            return Ok(Err(format!(
                "{} does not have a valid extension: {}",
                path.display(),
                filter.extensions.join(", ")
            )));
        }
        if let Err(message) = load_file(cx, &path, loaded)? {
            return Ok(Err(message));
        }
    }
    Ok(Ok(()))
}

fn files_of(dir: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(dir)
        .into_iter()
        .flatten()
        .filter_map(Result::ok)
        .map(|e| e.path())
        .filter(|p| !p.is_dir())
        .collect();
    files.sort_unstable();
    files
}

struct Filter {
    depth: usize,
    matching: Option<String>,
    ignore: Vec<String>,
    extensions: Vec<String>,
    ignore_unknown: bool,
}

impl Filter {
    fn read(cx: &ActionContext<'_>) -> Result<Self, ActionError> {
        let words = |v: Value| -> Vec<String> {
            match v {
                Value::List(items) => items.read().iter().map(Value::to_text).collect(),
                other => other.to_text().split_whitespace().map(str::to_owned).collect(),
            }
        };
        let extensions = match cx.arg("extensions") {
            None => vec!["yaml".to_owned(), "yml".to_owned(), "json".to_owned()],
            Some(Value::List(items)) => items.read().iter().map(Value::to_text).collect(),
            // ansible-core 2.14 takes a text apart into its letters.
            Some(Value::Str(s)) => s.chars().map(String::from).collect(),
            Some(_) => {
                return Err(error("Invalid type for \"extensions\" option, it must be a list"));
            }
        };
        let depth = cx.arg("depth").map_or(Ok(0), |v| keywords::to_int(&v))?;
        Ok(Self {
            depth: usize::try_from(depth).unwrap_or(0),
            matching: cx.text("files_matching").filter(|m| !m.is_empty()),
            ignore: cx.arg("ignore_files").map(words).unwrap_or_default(),
            extensions,
            ignore_unknown: cx.truth("ignore_unknown_extensions", false)?,
        })
    }

    fn takes(&self, cx: &ActionContext<'_>, dir: &Path, path: &Path) -> Result<bool, ActionError> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        // A role's own vars/main.yml is loaded with the role.
        if let Some(role) = &cx.worker.task.level.role
            && role.path.join(&*name) == dir.join("vars").join("main.yml")
        {
            return Ok(false);
        }
        let search =
            |pattern: &str| -> Result<bool, ActionError> { super::matches(pattern, &name) };
        if let Some(pattern) = &self.matching
            && !search(pattern)?
        {
            return Ok(false);
        }
        for pattern in &self.ignore {
            if search(&format!("{pattern}$"))? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
