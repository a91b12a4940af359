//! What an action has at hand: its rendered arguments, variables, and the host.

use std::{path::PathBuf, sync::Arc};

use super::Outcome;
pub use super::remote::Remote;
use crate::{
    agent::Endpoint,
    diagnostic::{Error, Kind, Result, ansible_text},
    playbook::load::paths,
    run::{Fields, TaskResult, Worker},
    template::{Scope, Templar},
    value::{Dict, Value},
};

/// Why an action has no result of its own that `failed_when` could judge.
#[derive(Debug)]
pub enum ActionError {
    /// A result that stands as it is: a refusal, a skip.
    Done(Box<TaskResult>),
    /// The host could not be reached.
    Unreachable(String),
    /// A mistake in the playbook.
    Error(Error),
}

impl ActionError {
    /// A refusal that says `message`.
    pub fn fail(message: impl Into<String>) -> Self {
        let result = TaskResult::failed(message);
        // What Python calls the exception under way when there is none; users see it.
        result.data.insert("exception", "NoneType: None\n");
        Self::Done(Box::new(result))
    }

    /// A failure that says `message`, raised while `error` was handled.
    pub fn caught(message: impl Into<String>, error: &Error) -> Self {
        let class = match error.kind() {
            Kind::Undefined => "ansible.errors.AnsibleUndefinedVariable",
            Kind::NotFound => "ansible.errors.AnsibleFileNotFound",
            _ => error.class().unwrap_or("ansible.errors.AnsibleError"),
        };
        let result = TaskResult::failed(message);
        let exception = format!("{class}: {}", ansible_text(error));
        result.data.insert("exception", Value::unsafe_str(exception));
        Self::Done(Box::new(result))
    }

    /// A failed result that says `message`: no exception of the controller's is behind it.
    pub fn result(message: impl Into<String>) -> Self {
        Self::Done(Box::new(TaskResult::failed(message)))
    }

    /// A skip that says `message`.
    pub fn skip(message: impl Into<String>) -> Self {
        Self::Done(Box::new(TaskResult::of([
            ("skipped", true.into()),
            ("msg", Value::unsafe_str(message.into())),
        ])))
    }
}

impl From<Error> for ActionError {
    fn from(e: Error) -> Self {
        if e.kind() == Kind::Unreachable {
            Self::Unreachable(e.message().to_owned())
        } else {
            Self::Error(e)
        }
    }
}

/// An action's surroundings on one host.
pub struct ActionContext<'a> {
    /// The task on its host.
    pub worker: &'a Worker,
    /// The task's keywords.
    pub fields: &'a Fields,
    /// The arguments, rendered; `omit`ted ones are gone.
    pub args: Dict,
    /// The task's variables, rendered.
    pub templar: Templar,
    /// The task's variables as they are.
    pub scope: Arc<dyn Scope>,
    /// The host that it runs on.
    pub remote: Remote,
}

impl ActionContext<'_> {
    /// Refuses arguments that the action does not know.
    pub fn only(&self, known: &[&str]) -> Result<(), ActionError> {
        let unknown = self.unknown(known);
        if unknown.is_empty() {
            return Ok(());
        }
        Err(ActionError::fail(format!(
            "Invalid options for {}: {}",
            self.worker.task.action.written,
            unknown.join(",")
        )))
    }

    /// The same, in the words of actions that have a specification of arguments.
    pub fn only_specified(&self, known: &[&str]) -> Result<(), ActionError> {
        let unknown = self.unknown(known);
        if unknown.is_empty() {
            return Ok(());
        }
        let written = &self.worker.task.action.written;
        // ansible-core names the action as it was loaded.
        let loaded = match written.strip_prefix("ansible.builtin.") {
            Some(name) => format!("ansible_collections.ansible.builtin.plugins.action.{name}"),
            None => written.clone(),
        };
        Err(ActionError::fail(format!(
            "Unsupported parameters for ({loaded}) module: {}. Supported parameters include: {}.",
            unknown.join(", "),
            known.join(", ")
        )))
    }

    /// The arguments that are none of these, sorted.
    fn unknown(&self, known: &[&str]) -> Vec<String> {
        let args = self.args.read();
        let names = args.keys().map(|k| k.value().to_text());
        let mut unknown: Vec<String> = names.filter(|k| !known.contains(&k.as_str())).collect();
        unknown.sort_unstable();
        unknown
    }

    /// An argument, unless it is missing or null.
    pub fn arg(&self, name: &str) -> Option<Value> {
        self.args.get(name).filter(|v| !v.is_none())
    }

    /// An argument as text.
    pub fn text(&self, name: &str) -> Option<String> {
        self.arg(name).map(|v| v.to_text())
    }

    /// An argument as a boolean.
    pub fn truth(&self, name: &str, default: bool) -> Result<bool, ActionError> {
        self.arg(name)
            .map_or(Ok(default), |v| crate::playbook::keywords::to_bool(&v).map_err(Into::into))
    }

    /// The way to the task's own host, whomever it is delegated to.
    ///
    /// # Errors
    /// Connection variables that can't be rendered, or name something that is not there.
    pub fn host_endpoint(&self) -> Result<Endpoint, ActionError> {
        let worker = self.worker;
        Ok(super::endpoint::of_host(&worker.play, &worker.host, self.fields, &self.templar)?)
    }

    /// Whether nothing may be changed.
    pub fn check(&self) -> bool {
        self.fields.check_mode
    }

    /// Runs a module on the host for an action, and gives its result.
    pub async fn module(&self, name: &str, args: Dict) -> Outcome {
        // ansible's actions call modules by this name, which failures show.
        let name = name.replace("ansible.builtin.", "ansible.legacy.");
        self.remote.module(self, &name, args, Vec::new()).await
    }

    /// Runs the module that the task is about, and gives its result; where the task is
    /// asynchronous, what is known of its job.
    pub async fn task_module(&self, name: &str, args: Dict) -> Outcome {
        let name = name.replace("ansible.builtin.", "ansible.legacy.");
        self.remote.task_module(self, &name, args, Vec::new()).await
    }

    /// Finds a file of the playbook's: in the role's `subdir`, the role, the playbook's `subdir`,
    /// the playbook's folder.
    pub fn find(&self, subdir: &str, name: &str) -> Result<PathBuf, ActionError> {
        // Not `ansible_search_path`: that has the playbook's folder, which is looked into at last anyway.
        let dirs = self.worker.task.search_dirs();
        let basedir = &self.worker.play.play.basedir;
        paths::dwim_relative_stack(basedir, &dirs, subdir, name).map_err(|tried| {
            let mut text = format!("Could not find or access '{name}'");
            if !tried.is_empty() {
                text.push_str("\nSearched in:");
                for place in tried {
                    text.push_str(&format!("\n\t{}", place.display()));
                }
            }
            text.push_str(
                " on the Ansible Controller.\nIf you are using a module and expect the file to \
                 exist on the remote, see the remote_src option",
            );
            ActionError::Error(Error::new(Kind::NotFound, text))
        })
    }
}
