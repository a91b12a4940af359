//! Variables of a task's connection that nobody set: what keywords, flags and settings make of it.
//!
//! Playbooks read `ansible_host`, `ansible_user` and the like whether or not an inventory has them.

use std::sync::Arc;

use super::PlayContext;
use crate::{
    config::options,
    diagnostic::{Error, Kind, Result},
    playbook::{
        Keyword, Task,
        keywords::{self, Type},
    },
    template::{Locals, RenderOptions, Scope, ScopedVars, Templar},
    value::{Dict, Value},
};

/// A property of the connection, and the variables that it is known by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Property {
    Connection,
    ModuleCompression,
    ShellType,
    Executable,
    Address,
    User,
    Password,
    Port,
    Pipelining,
    Timeout,
    PrivateKeyFile,
    ConnectionUser,
}

/// Of several names, the first that is set counts.
const NAMES: &[(Property, &[&str])] = &[
    (Property::Connection, &["ansible_connection"]),
    (Property::ModuleCompression, &["ansible_module_compression"]),
    (Property::ShellType, &["ansible_shell_type"]),
    (Property::Executable, &["ansible_shell_executable"]),
    (Property::Address, &["ansible_ssh_host", "ansible_host"]),
    (Property::User, &["ansible_ssh_user", "ansible_user"]),
    (Property::Password, &["ansible_ssh_pass", "ansible_password"]),
    (Property::Port, &["ansible_ssh_port", "ansible_port"]),
    (Property::Pipelining, &["ansible_ssh_pipelining", "ansible_pipelining"]),
    (Property::Timeout, &["ansible_ssh_timeout", "ansible_timeout"]),
    (Property::PrivateKeyFile, &["ansible_ssh_private_key_file", "ansible_private_key_file"]),
    (Property::ConnectionUser, &["ansible_connection_user"]),
];

/// The variables that are rendered before anything runs, in ansible's order: the name that errors
/// show, the type, the variables.
const CHECKED: &[(&str, Type, &[&str])] = &[
    ("connection", Type::String, &["ansible_connection"]),
    ("port", Type::Int, &["ansible_ssh_port", "ansible_port"]),
    ("remote_user", Type::String, &["ansible_ssh_user", "ansible_user"]),
    ("timeout", Type::Int, &["ansible_ssh_timeout", "ansible_timeout"]),
    ("become", Type::Bool, &["ansible_become"]),
    ("become_method", Type::String, &["ansible_become_method"]),
    ("become_user", Type::String, &["ansible_become_user"]),
    ("become_flags", Type::String, &["ansible_become_flags"]),
    ("become_exe", Type::String, &["ansible_become_exe"]),
    ("module_compression", Type::String, &["ansible_module_compression"]),
    ("shell", Type::String, &["ansible_shell_type"]),
    ("executable", Type::String, &["ansible_shell_executable"]),
    ("remote_addr", Type::String, &["ansible_ssh_host", "ansible_host"]),
    ("password", Type::String, &["ansible_ssh_pass", "ansible_password"]),
    ("connection_user", Type::String, &["ansible_connection_user"]),
    (
        "private_key_file",
        Type::String,
        &["ansible_ssh_private_key_file", "ansible_private_key_file"],
    ),
    ("pipelining", Type::Bool, &["ansible_ssh_pipelining", "ansible_pipelining"]),
    ("become_pass", Type::String, &["ansible_become_password", "ansible_become_pass"]),
];

/// A task's variables with those of its connection under them.
pub struct ConnectionVars {
    play: Arc<PlayContext>,
    host: Arc<str>,
    task: Arc<Task>,
    below: Arc<dyn Scope>,
    /// The transport, once the connection is chosen: then only some names are given, and no
    /// passwords.
    connected: Option<&'static str>,
}

impl ConnectionVars {
    /// What conditions, keywords and arguments see.
    pub fn before(
        play: &Arc<PlayContext>,
        host: &Arc<str>,
        task: &Arc<Task>,
        below: &Arc<dyn Scope>,
    ) -> Self {
        Self {
            play: Arc::clone(play),
            host: Arc::clone(host),
            task: Arc::clone(task),
            below: Arc::clone(below),
            connected: None,
        }
    }

    /// What the action itself sees, and what judges its result.
    #[must_use]
    pub fn connected(mut self, transport: &'static str) -> Self {
        self.connected = Some(transport);
        self
    }

    /// Refuses variables of the connection that can't be rendered or are of the wrong type. Those
    /// of a host that the task is delegated to are left to the connection.
    ///
    /// # Errors
    /// In ansible's words, which give the reason twice and no place.
    pub fn check(&self) -> Result<()> {
        if self.task.level.inherited(Keyword::DelegateTo).is_some() {
            return Ok(());
        }
        let templar = Templar::new(Arc::clone(&self.play.run.templates), Arc::clone(&self.below));
        for (name, takes, names) in CHECKED {
            let Some(written) = names.iter().find_map(|name| self.below.get(name)) else {
                continue;
            };
            let twice = |text: &str, why: &str| Error::new(Kind::Parser, format!("{text}. {why}"));
            let value = templar.render(&written, &RenderOptions::default()).map_err(|e| {
                if e.kind() != Kind::Undefined {
                    return e;
                }
                let text = format!(
                    "The field '{name}' has an invalid value, which includes an undefined \
                     variable. The error was: {}",
                    e.message()
                );
                twice(&text, e.message())
            })?;
            if self.play.run.is_omit(&value) {
                continue;
            }
            keywords::as_type(name, *takes, false, &value).map_err(|e| {
                let why = e.message().rsplit_once("The error was: ").map_or("", |(_, why)| why);
                twice(e.message(), why)
            })?;
        }
        Ok(())
    }

    /// The host that the task is delegated to, if its name can be told.
    fn delegate(&self) -> Option<Arc<str>> {
        let written = self.task.level.inherited(Keyword::DelegateTo)?;
        let templar = Templar::new(Arc::clone(&self.play.run.templates), Arc::clone(&self.below));
        let name = templar.render(&written.value, &RenderOptions::default()).ok()?;
        match name {
            Value::Str(name) if &**name.shared() != self.play.run.world.omit().as_ref() => {
                Some(Arc::clone(name.shared()))
            }
            _ => None,
        }
    }

    fn property(&self, property: Property, names: &[&str]) -> Option<Value> {
        let delegate = self.delegate();
        let set = match &delegate {
            None => names.iter().find_map(|name| self.below.get(name)),
            Some(host) => {
                let vars = self.play.delegate_scope(host, &self.host, &self.task)?;
                names.iter().find_map(|name| vars.get(name))
            }
        };
        set.or_else(|| self.default(property, delegate.as_ref()))
    }

    fn default(&self, property: Property, delegate: Option<&Arc<str>>) -> Option<Value> {
        let run = &self.play.run;
        let settings = &run.settings;
        match property {
            Property::Connection => match self.connected {
                Some(transport) => Some(Value::str(transport)),
                None => {
                    let written = self.task.level.inherited(Keyword::Connection);
                    let written = written.map(|s| s.value.clone()).filter(|v| !v.is_none());
                    let default = run.defaults.connection.as_str();
                    let default = if default == "smart" { "ssh" } else { default };
                    written.or_else(|| Some(Value::str(default)))
                }
            },
            Property::ModuleCompression => {
                Some(Value::from(settings.get(&options::DEFAULT_MODULE_COMPRESSION)))
            }
            Property::ShellType => self.connected.map(|_| Value::str("sh")),
            Property::Executable => Some(Value::from(settings.get(&options::DEFAULT_EXECUTABLE))),
            Property::Address => Some(Value::str(Arc::clone(delegate.unwrap_or(&self.host)))),
            Property::User | Property::ConnectionUser => {
                let written = self.task.level.inherited(Keyword::RemoteUser);
                let written = written.map(|s| s.value.clone()).filter(|v| !v.is_none());
                written.or_else(|| run.defaults.remote_user.as_deref().map(Value::str))
            }
            Property::Password => {
                let asked = run.options.connection_password.as_ref();
                let asked = asked.filter(|_| self.connected.is_none());
                asked.map(|secret| Value::unsafe_str(secret.reveal()))
            }
            Property::Port => settings.get(&options::DEFAULT_REMOTE_PORT).map(Value::Int),
            Property::Pipelining => Some(Value::Bool(settings.get(&options::ANSIBLE_PIPELINING))),
            Property::Timeout => {
                let flag = run.options.timeout.map(i64::from);
                Some(Value::Int(flag.unwrap_or_else(|| settings.get(&options::DEFAULT_TIMEOUT))))
            }
            Property::PrivateKeyFile => run.options.private_key.as_deref().map(Value::str),
        }
    }

    /// `ansible_delegated_vars`: the variables of the host that the task is delegated to.
    fn delegated_vars(&self) -> Option<Value> {
        let host = self.delegate()?;
        let scope = self.play.delegate_scope(&host, &self.host, &self.task)?;
        let vars = Value::Object(Arc::new(ScopedVars::new("dict", scope)));
        let all = Dict::new();
        all.insert(&*host, vars);
        Some(Value::Dict(all))
    }
}

impl Scope for ConnectionVars {
    fn get(&self, name: &str) -> Option<Value> {
        if let Some(value) = self.below.get(name) {
            return Some(value);
        }
        if name == "ansible_delegated_vars" {
            return self.delegated_vars();
        }
        let (property, names) = NAMES.iter().find(|(_, names)| names.contains(&name))?;
        // Once connected, the old names with `ssh` in them are not filled in.
        if self.connected.is_some() && names.len() > 1 && names.first() == Some(&name) {
            return None;
        }
        self.property(*property, names)
    }

    fn names(&self) -> Vec<Arc<str>> {
        let mut all = self.below.names();
        let own = NAMES.iter().flat_map(|(_, names)| names.iter().copied());
        for name in own.chain(["ansible_delegated_vars"]) {
            if !all.iter().any(|n| &**n == name) && self.get(name).is_some() {
                all.push(name.into());
            }
        }
        all
    }
}

impl PlayContext {
    /// The variables of the host that a task is delegated to, in the task's own surroundings. The
    /// task's host keeps its name in them.
    pub fn delegate_scope(
        &self,
        name: &str,
        original: &Arc<str>,
        task: &Task,
    ) -> Option<Arc<dyn Scope>> {
        let inventory = self.run.world.inventory();
        let known = inventory.find(name).or_else(|| inventory.find_by_address(name));
        let host = known.unwrap_or_else(|| Arc::from(name));
        let stack = self.stack(Some(&host), Some(task)).ok()?;
        let names = [("inventory_hostname".into(), Value::str(Arc::clone(original)))];
        Some(Arc::new(Locals::new(names.into_iter().collect(), Arc::new(stack))))
    }
}
