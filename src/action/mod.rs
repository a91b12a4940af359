//! The controller's half of tasks: one file an action; what has none is a module and goes straight
//! to the host.

mod add_host;
mod assemble;
mod assert;
pub mod async_status;
mod context;
mod copy;
mod debug;
pub mod documentation;
pub mod endpoint;
mod fail;
mod fetch;
mod gather_facts;
mod group_by;
mod include_vars;
mod module_defaults;
pub mod names;
mod own_module;
mod package;
mod patch;
mod pause;
mod raw;
mod reboot;
mod remote;
mod script;
mod service;
mod set_fact;
mod set_stats;
mod shell;
mod synchronize;
mod template;
mod unarchive;
mod uri;
mod validate_argument_spec;
mod wait_for_connection;
mod yum;

use std::{future::Future, pin::Pin};

pub use context::{ActionContext, ActionError, Remote};

use crate::{
    diagnostic::{Error, Kind, Result},
    playbook::{
        Keyword, Task,
        resolve::{OWN, builtin_name},
    },
    run::TaskResult,
    template::Templar,
    value::{
        Dict, Value,
        regex::{Flags, Pattern},
    },
};

/// What an action's function gives: its result, or why there is none.
pub type Outcome = Result<TaskResult, ActionError>;

/// An action at work.
pub type ActionFuture<'a> = Pin<Box<dyn Future<Output = Outcome> + Send + 'a>>;

/// One action.
pub struct Action {
    /// Its name in `ansible.builtin`.
    pub name: &'static str,
    /// Whether it runs once for all hosts (`add_host`, `pause`).
    pub bypass_host_loop: bool,
    /// Carries it out.
    pub run: for<'a> fn(&'a mut ActionContext<'_>) -> ActionFuture<'a>,
}

/// Every action.
pub static ACTIONS: &[&Action] = &[
    &add_host::ACTION,
    &assemble::ACTION,
    &assert::ACTION,
    &async_status::ACTION,
    &copy::ACTION,
    &debug::ACTION,
    &fail::ACTION,
    &fetch::ACTION,
    &gather_facts::ACTION,
    &group_by::ACTION,
    &include_vars::ACTION,
    &package::ACTION,
    &patch::ACTION,
    &pause::ACTION,
    &raw::ACTION,
    &reboot::ACTION,
    &script::ACTION,
    &service::ACTION,
    &set_fact::ACTION,
    &set_stats::ACTION,
    &shell::ACTION,
    &synchronize::ACTION,
    &template::ACTION,
    &unarchive::ACTION,
    &uri::ACTION,
    &validate_argument_spec::ACTION,
    &wait_for_connection::ACTION,
    &yum::ACTION,
];

/// The action behind a full name such as `ansible.builtin.debug`.
pub fn find(name: &str) -> Option<&'static Action> {
    let ours = || names::known(name).and_then(|full| full.rsplit('.').next());
    let short = builtin_name(name).or_else(ours)?;
    ACTIONS.iter().copied().find(|a| a.name == short)
}

/// Actions whose module can go on by itself.
const AS_JOBS: &[&str] = &["package", "reboot", "service", "shell", "uri", "yum"];

/// Carries out the task: its action, or its module where it has none.
pub async fn run(cx: &mut ActionContext<'_>) -> Outcome {
    let name = cx.worker.task.action.name.clone();
    if let Some(path) = name.strip_prefix(OWN) {
        return own_module::run(cx, path).await;
    }
    if cx.worker.task.action.missing {
        return Err(ActionError::fail(format!("the module '{name}' is not supported yet")));
    }
    let written = &cx.worker.task.action.written;
    if cx.worker.play.run.loader.rejects(written) {
        let text = format!("The module {written} was not found in configured module paths");
        return Err(ActionError::Error(Error::new(Kind::Action, text)));
    }
    let action = find(&name);
    if cx.fields.r#async != 0 {
        if action.is_some_and(|a| !AS_JOBS.contains(&a.name)) {
            return Err(ActionError::fail("async is not supported for this task."));
        }
        if cx.fields.check_mode {
            return Err(ActionError::fail("check mode and async cannot be used on same task."));
        }
    }
    match action {
        Some(action) => (action.run)(cx).await,
        None if vmstation_host::module::find(&name).is_none() => {
            // Only names that are made at run time come here; others were refused at load time.
            let text = format!("The module {name} was not found in configured module paths");
            Err(ActionError::Error(Error::new(Kind::Action, text)))
        }
        None => {
            let args = cx.args.copy();
            // Failures show the name as it is written.
            let written = &cx.worker.task.action.written;
            let known = vmstation_host::module::find(written).is_some();
            let called = match name.as_str() {
                // ansible has an action for it, which does nothing else.
                "ansible.builtin.command" => "ansible.legacy.command",
                _ if known => written,
                name => name,
            };
            let mut result = cx.remote.task_module(cx, called, args, Vec::new()).await?;
            result.control.verbose_never = name == "ansible.builtin.setup";
            Ok(result)
        }
    }
}

/// The arguments with `module_defaults` under them and without those that were `omit`ted.
pub fn with_defaults(task: &Task, args: Dict, templar: &Templar, omit: &str) -> Result<Dict> {
    let all = match task.level.inherited(Keyword::ModuleDefaults) {
        None => args,
        Some(_) => {
            let defaults = module_defaults::of(task, templar)?;
            for (k, v) in args.snapshot() {
                defaults.write().insert(k, v);
            }
            defaults
        }
    };
    Ok(without_omitted(&all, omit))
}

/// The dict without `omit`ted entries, at any depth.
pub fn without_omitted(dict: &Dict, omit: &str) -> Dict {
    fn clean(value: &Value, omit: &str) -> Value {
        match value {
            Value::Dict(d) => Value::Dict(without_omitted(d, omit)),
            Value::List(l) => l.snapshot().iter().map(|v| clean(v, omit)).collect(),
            other => other.clone(),
        }
    }
    dict.snapshot()
        .into_iter()
        .filter(|(_, v)| v.as_str() != Some(omit))
        .map(|(k, v)| (k, clean(&v, omit)))
        .collect()
}

/// Whether a regular expression of Python's is found in a text.
///
/// # Errors
/// An expression that can't be compiled.
pub fn matches(pattern: &str, text: &str) -> Result<bool, ActionError> {
    let compiled = Pattern::new(pattern, Flags::default())
        .map_err(|_| ActionError::result(format!("Invalid regular expression: {pattern}")))?;
    let found = compiled.search(text).map_err(|e| ActionError::result(e.to_string()))?;
    Ok(found.is_some())
}
