//! A task's action and arguments, in all the forms that people write them in.

use super::{Loader, Place, error_at};
use crate::{
    action::names,
    diagnostic::{Error, Kind, Result, Span},
    playbook::{
        Keyword,
        keywords::Place as In,
        python,
        resolve::{self, Meaning},
        splitter::{Malformed, parse_kv, split_args},
    },
    value::{Dict, Value},
    yaml::{Node, NodeKind},
};

/// What a task does.
pub(super) struct Parsed {
    /// The action as written.
    pub action: String,
    /// Its full name; empty where it was not looked up.
    pub resolved: String,
    pub args: Dict,
    /// `delegate_to: localhost`, of `local_action`.
    pub local: bool,
    /// The key that names it.
    pub span: Span,
    /// Whether it exists, but we don't have it.
    pub missing: bool,
}

/// Actions whose text is not `key=value` pairs but a command.
const COMMANDS: &[&str] = &["command", "win_command", "shell", "win_shell", "raw", "script"];
/// The same outside ansible's own collection.
const WINDOWS_COMMANDS: &[&str] = &["ansible.windows.win_command", "ansible.windows.win_shell"];
/// Further actions that take text which is not pairs.
const TAKES_TEXT: &[&str] = &[
    "include",
    "include_vars",
    "include_tasks",
    "include_role",
    "import_tasks",
    "import_role",
    "add_host",
    "group_by",
    "set_fact",
    "meta",
];
/// Task keys that no search is needed for.
const BUILTIN: &[&str] =
    &["meta", "include", "include_tasks", "include_role", "import_tasks", "import_role"];
/// Actions whose `cmd` is their text.
const HAVE_CMD: &[&str] = &["command", "shell", "script"];

/// Whether an action, as written, takes a command's text.
pub fn takes_command(action: &str) -> bool {
    resolve::is_builtin_of(action, COMMANDS) || WINDOWS_COMMANDS.contains(&action)
}

fn takes_text(action: &str) -> bool {
    takes_command(action) || resolve::is_builtin_of(action, TAKES_TEXT)
}

/// Every name of an action that takes text, for the error of one that does not.
fn text_takers() -> String {
    let builtin = COMMANDS.iter().chain(TAKES_TEXT).flat_map(|name| {
        ["", "ansible.builtin.", "ansible.legacy."].map(|prefix| format!("{prefix}{name}"))
    });
    let all: Vec<_> = builtin.chain(WINDOWS_COMMANDS.iter().map(|n| (*n).to_owned())).collect();
    all.join(", ")
}

/// How far a task's keys are looked into.
#[derive(Clone, Copy)]
pub(super) enum Depth<'a> {
    /// Any key that is no keyword is taken for the action: enough to tell includes from the rest.
    Guess,
    /// Only known actions are.
    Resolve(&'a Place, &'a [String]),
}

struct Parser<'a> {
    loader: &'a Loader,
    task: &'a Node,
    extra: Option<&'a Node>,
}

impl Loader {
    /// Finds the action of `task`, a mapping.
    pub(super) fn parse_action(&self, task: &Node, depth: Depth<'_>) -> Result<Parsed> {
        let parser = Parser { loader: self, task, extra: task.get("args") };
        let mut parsed = parser.parse(depth).map_err(|e| match e.kind() {
            Kind::Parser => e.at(task.span.clone()),
            _ => e,
        })?;
        if matches!(depth, Depth::Resolve(..)) {
            command_text(&mut parsed, task)?;
        }
        Ok(parsed)
    }
}

/// `cmd` of `command` and its kin is the text of the command.
fn command_text(parsed: &mut Parsed, task: &Node) -> Result<()> {
    if !resolve::is_builtin_of(&parsed.action, HAVE_CMD) || !parsed.args.contains("cmd") {
        return Ok(());
    }
    if has_text(&parsed.args) {
        return Err(Error::new(
            Kind::User,
            "The 'cmd' argument cannot be used when other raw parameters are specified. Please \
             put everything in one or the other place.",
        )
        .at(task.span.clone()));
    }
    if let Some(cmd) = parsed.args.remove("cmd") {
        parsed.args.insert("_raw_params", cmd);
    }
    Ok(())
}

fn has_text(args: &Dict) -> bool {
    args.get("_raw_params").is_some_and(|raw| raw.as_str() != Some(""))
}

/// Whether a key of a task is a keyword.
fn is_keyword(key: &str) -> bool {
    Keyword::allowed(key, In::Task).is_some()
        || Keyword::allowed(key, In::Handler).is_some()
        || matches!(key, "static" | "loop_with")
        || key.starts_with("with_")
}

impl Parser<'_> {
    fn parse(&self, depth: Depth<'_>) -> Result<Parsed> {
        let mut found: Option<Parsed> = None;
        if let Some((key, thing)) = self.entry("action") {
            found = self.old_style(key, thing)?;
        }
        if let Some((key, thing)) = self.entry("local_action") {
            if found.is_some() {
                return Err(error_at("action and local_action are mutually exclusive", self.task));
            }
            found = self.old_style(key, thing)?.map(|p| Parsed { local: true, ..p });
        }
        let entries = self.task.as_map().unwrap_or_default();
        let candidates =
            entries.iter().filter(|(k, _)| k.as_str().is_none_or(|name| !is_keyword(name)));
        for (key, value) in candidates.clone() {
            let name = python::text(&key.to_value());
            let Some((resolved, missing)) = self.look_up(&name, depth) else { continue };
            if let Some(first) = &found {
                return Err(conflict(&first.action, &name, self.task));
            }
            let args = match depth {
                Depth::Guess if self.is_plain(value) => Dict::new(),
                _ => self.new_style(&name, value)?,
            };
            let span = key.span.clone();
            found = Some(Parsed { action: name, resolved, args, local: false, span, missing });
        }
        let Some(mut parsed) = found else {
            return Err(self.no_action(candidates.map(|(k, _)| k).next()));
        };
        self.check_text(&mut parsed)?;
        if let (Depth::Resolve(..), true) = (depth, parsed.resolved.is_empty()) {
            (parsed.resolved, parsed.missing) = self.look_up_old(&parsed, depth);
        }
        Ok(parsed)
    }

    fn entry(&self, name: &str) -> Option<(&Node, &Node)> {
        let entries = self.task.as_map()?;
        entries.iter().find(|(k, _)| k.as_str() == Some(name)).map(|(k, v)| (k, v))
    }

    /// The full name of the action that a key names, if it names one, and whether it is missing.
    fn look_up(&self, name: &str, depth: Depth<'_>) -> Option<(String, bool)> {
        let Depth::Resolve(place, collections) = depth else {
            return Some((String::new(), false));
        };
        // Whole names mean the same wherever they stand.
        if name.contains('.')
            && !name.starts_with("ansible.legacy.")
            && let Some(full) = names::known(name)
        {
            return Some((full.to_owned(), false));
        }
        if resolve::is_builtin_of(name, BUILTIN) {
            let short = resolve::builtin_name(name).unwrap_or(name);
            return Some((format!("ansible.builtin.{short}"), false));
        }
        match resolve::meaning(name, collections, &self.loader.module_places(place)) {
            Meaning::Known(full) => Some((full, false)),
            Meaning::Missing(full) => Some((full, true)),
            Meaning::Unknown => None,
        }
    }

    /// The full name of the action of `action:`; one that does not exist fails when it runs, as
    /// with ansible.
    fn look_up_old(&self, parsed: &Parsed, depth: Depth<'_>) -> (String, bool) {
        let Depth::Resolve(place, collections) = depth else { return (String::new(), false) };
        let places = self.loader.module_places(place);
        match resolve::meaning(&parsed.action, collections, &places) {
            Meaning::Known(full) => (full, false),
            Meaning::Missing(full) => (full, true),
            Meaning::Unknown => (parsed.action.clone(), false),
        }
    }

    fn no_action(&self, first: Option<&Node>) -> Error {
        let Some(first) = first else {
            return error_at("no module/action detected in task.", self.task);
        };
        let name = python::text(&first.to_value());
        let error = error_at(
            format!(
                "couldn't resolve module/action '{name}'. This often indicates a misspelling, \
                 missing collection, or incorrect module path."
            ),
            self.task,
        );
        match resolve::similar(&name) {
            Some(other) => error.hinted(format!("did you mean `{other}`?")),
            None => error,
        }
    }

    /// `args:` of the task, weaker than what stands with the action.
    fn extra_args(&self) -> Result<Dict> {
        let args = Dict::new();
        let Some(extra) = self.extra else { return Ok(args) };
        match extra.to_value() {
            Value::None | Value::Bool(false) => {}
            Value::Str(text) if text.is_empty() => {}
            Value::Str(text) if self.loader.config.templar.is_template(&text) => {
                args.insert("_variable_params", Value::Str(text));
            }
            Value::Str(_) => {
                return Err(Error::parser(
                    "Complex args containing variables cannot use bare variables (without Jinja2 \
                     delimiters), and must use the full variable style ('{{var_name}}')",
                    None,
                ));
            }
            Value::Dict(given) => return Ok(given.copy()),
            Value::List(list) if list.is_empty() => {}
            Value::Int(0) => {}
            _ => {
                return Err(Error::parser(
                    "Complex args must be a dictionary or variable string (\"{{var}}\").",
                    None,
                ));
            }
        }
        Ok(args)
    }

    fn new_style(&self, action: &str, thing: &Node) -> Result<Dict> {
        let args = match &thing.kind {
            NodeKind::Map(_) => match thing.to_value() {
                Value::Dict(args) => Some(args),
                _ => None,
            },
            NodeKind::Scalar(Value::Str(text)) => Some(self.pairs(text, takes_command(action))?),
            NodeKind::Scalar(Value::None) => None,
            _ => return Err(self.wrong_type(thing)),
        };
        self.merged(action, args)
    }

    /// Whether nothing can be wrong with the arguments of an action that is only guessed at.
    fn is_plain(&self, thing: &Node) -> bool {
        let plain = |(key, _): &(Node, Node)| key.as_str().is_some_and(|key| !key.starts_with('_'));
        self.extra.is_none() && thing.as_map().is_some_and(|entries| entries.iter().all(plain))
    }

    fn old_style(&self, key: &Node, thing: &Node) -> Result<Option<Parsed>> {
        let (action, args) = match &thing.kind {
            NodeKind::Map(_) => {
                let Some(module) = thing.get("module") else {
                    self.extra_args()?;
                    return Ok(None);
                };
                let Value::Dict(args) = thing.to_value() else { return Ok(None) };
                let (action, rest) = self.split_module(&python::text(&module.to_value()))?;
                args.remove("module");
                let inline = self.pairs(&rest, takes_command(&action))?;
                update(&args, &inline);
                (action, args)
            }
            NodeKind::Scalar(Value::Str(text)) => {
                let (action, rest) = self.split_module(text)?;
                let args = self.pairs(&rest, takes_command(&action))?;
                (action, args)
            }
            _ => return Err(self.wrong_type(thing)),
        };
        match args.remove("args") {
            Some(Value::Str(text)) => update(&args, &self.pairs(&text, false)?),
            Some(Value::Dict(inner)) => update(&args, &inner),
            _ => {}
        }
        let args = self.merged(&action, Some(args))?;
        let span = key.span.clone();
        Ok(Some(Parsed {
            action,
            resolved: String::new(),
            args,
            local: false,
            span,
            missing: false,
        }))
    }

    fn merged(&self, action: &str, args: Option<Dict>) -> Result<Dict> {
        let all = self.extra_args()?;
        let Some(args) = args else { return Ok(all) };
        if !takes_command(action) {
            for (name, _) in args.snapshot() {
                let name = python::text(name.value());
                if name.starts_with("_ansible_") {
                    return Err(Error::new(
                        Kind::User,
                        format!("invalid parameter specified for action '{action}': '{name}'"),
                    ));
                }
            }
        }
        update(&all, &args);
        Ok(all)
    }

    fn pairs(&self, text: &str, raw: bool) -> Result<Dict> {
        parse_kv(text, raw).map_err(|e| self.malformed(&e))
    }

    fn malformed(&self, error: &Malformed) -> Error {
        error_at(error.message(), self.task)
    }

    fn split_module(&self, text: &str) -> Result<(String, String)> {
        let parts = split_args(text).map_err(|e| self.malformed(&e))?;
        let Some((name, rest)) = parts.split_first() else {
            return Err(
                Error::new(Kind::Internal, "list index out of range").at(self.task.span.clone())
            );
        };
        Ok((name.trim().to_owned(), rest.join(" ")))
    }

    fn wrong_type(&self, thing: &Node) -> Error {
        error_at(
            format!("unexpected parameter type in action: {}", python::node_class(thing)),
            self.task,
        )
    }

    /// Text that is not pairs is for some actions only.
    fn check_text(&self, parsed: &mut Parsed) -> Result<()> {
        if !has_text(&parsed.args) || takes_text(&parsed.action) {
            return Ok(());
        }
        let Some(raw) = parsed.args.remove("_raw_params") else { return Ok(()) };
        if raw.as_str().is_some_and(|text| self.loader.config.templar.is_template(text)) {
            parsed.args.insert("_variable_params", raw);
            return Ok(());
        }
        Err(error_at(
            format!(
                "this task '{}' has extra params, which is only allowed in the following modules: \
                 {}",
                parsed.action,
                text_takers()
            ),
            self.task,
        ))
    }
}

/// Two keys that might be actions; one of them is often a mistyped keyword.
fn conflict(first: &str, second: &str, task: &Node) -> Error {
    let error = error_at(format!("conflicting action statements: {first}, {second}"), task);
    let mistyped = [first, second].into_iter().filter(|name| !resolve::is_action(name));
    match mistyped.filter_map(|name| Keyword::similar(name, In::Task)).next() {
        Some(similar) => error.hinted(format!("did you mean `{similar}`?")),
        None => error,
    }
}

fn update(args: &Dict, more: &Dict) {
    for (key, value) in more.snapshot() {
        args.write().insert(key, value);
    }
}
