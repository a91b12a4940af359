//! Where a task runs and as whom: variables, keywords, flags and settings made into one endpoint.

use std::sync::Arc;

use crate::{
    agent::{Become, Endpoint, Method},
    config::{
        Opt, Reads, System,
        options::{self, sh, ssh, su, sudo},
    },
    connection::{ConnectionSettings, Secret, SshOptions, Transport},
    diagnostic::{Error, Kind, Result},
    event::Delegated,
    playbook::keywords,
    run::{Fields, PlayContext, Run, Worker},
    template::{Locals, RenderOptions, Scope, Templar},
    value::Value,
};

/// The endpoint of a task, and how results show it if it is another host's.
pub fn resolve(
    worker: &Worker,
    fields: &Fields,
    templar: &Templar,
    scope: &Arc<dyn Scope>,
) -> Result<(Endpoint, Option<Delegated>)> {
    match &fields.delegate_to {
        None => Ok((of_host(&worker.play, &worker.host, fields, templar)?, None)),
        Some(name) => {
            let templar = delegated_templar(worker, name, scope)?;
            let inputs = Inputs {
                run: &worker.play.run,
                fields,
                templar: &templar,
                host: name,
                delegated: true,
            };
            let endpoint = inputs.endpoint()?;
            let address = inputs.text("ansible_host")?;
            Ok((endpoint, Some(Delegated { host: name.clone(), address })))
        }
    }
}

/// The variables of the host that a task is delegated to, with the task's own names (loop
/// variables) over them.
fn delegated_templar(worker: &Worker, name: &str, scope: &Arc<dyn Scope>) -> Result<Templar> {
    let play = &worker.play;
    let inventory = play.run.world.inventory();
    let known = inventory.find(name).or_else(|| inventory.find_by_address(name));
    let host = known.unwrap_or_else(|| Arc::from(name));
    let stack = play.stack(Some(&host), Some(&worker.task))?;
    let mut names = indexmap::IndexMap::new();
    let loop_names = ["ansible_loop_var", "ansible_index_var"];
    for key in loop_names {
        let Some(Value::Str(var)) = scope.get(key) else { continue };
        if let Some(value) = scope.get(&var) {
            names.insert(Arc::clone(var.shared()), value);
        }
    }
    names.insert("inventory_hostname".into(), Value::str(Arc::clone(&worker.host)));
    let scope: Arc<dyn Scope> = Arc::new(Locals::new(names, Arc::new(stack)));
    Ok(Templar::new(Arc::clone(&play.run.templates), scope))
}

/// The endpoint of a host itself, outside any task's delegation.
pub fn of_host(
    play: &PlayContext,
    host: &str,
    fields: &Fields,
    templar: &Templar,
) -> Result<Endpoint> {
    Inputs { run: &play.run, fields, templar, host, delegated: false }.endpoint()
}

struct Inputs<'a> {
    run: &'a Run,
    fields: &'a Fields,
    templar: &'a Templar,
    host: &'a str,
    delegated: bool,
}

impl Inputs<'_> {
    /// A connection variable, rendered.
    fn variable(&self, name: &str) -> Result<Option<Value>> {
        let Some(raw) = self.templar.raw(name) else { return Ok(None) };
        let value = self.templar.render(&raw, &RenderOptions::default())?;
        Ok((!value.is_none() && !self.run.is_omit(&value)).then_some(value))
    }

    fn text(&self, name: &str) -> Result<Option<String>> {
        Ok(self.variable(name)?.map(|v| v.to_text()))
    }

    fn first(&self, names: &[&str]) -> Result<Option<String>> {
        for name in names {
            if let Some(text) = self.text(name)? {
                return Ok(Some(text));
            }
        }
        Ok(None)
    }

    /// A plugin's option: variables, then what the playbook or flags say, then the configuration.
    fn option<T: Reads>(&self, option: &Opt<T>, said: Option<Value>) -> Result<T> {
        let spec = option.spec();
        let mut found = None;
        for name in spec.vars.iter().rev() {
            if let Some(value) = self.variable(name)? {
                found = Some(value);
                break;
            }
        }
        let value = self.run.settings.resolve_with(spec, |_| None, |_| found.or(said), &System)?;
        T::read(&value).ok_or_else(|| {
            Error::new(
                Kind::Options,
                format!("Invalid value {} for the option {}", value.repr(), spec.name),
            )
        })
    }

    fn endpoint(&self) -> Result<Endpoint> {
        // The keyword holds for hosts that the task is delegated to as well; of the implicit
        // localhost the variable says that it is local.
        let name =
            self.text("ansible_connection")?.unwrap_or_else(|| self.fields.connection.clone());
        let transport = Transport::from_name(&name).ok_or_else(|| {
            Error::new(Kind::User, format!("the connection plugin '{name}' was not found"))
        })?;
        let connection = match transport {
            Transport::Local => ConnectionSettings::local(),
            Transport::Unsupported => {
                ConnectionSettings { transport, host: name, ..ConnectionSettings::local() }
            }
            _ => self.ssh(transport)?,
        };
        let r#become = self.become_as(&connection)?;
        Ok(Endpoint {
            connection,
            r#become,
            remote_tmp: self.option(&sh::REMOTE_TMP, None)?,
            shell: self.text("ansible_shell_executable")?,
            interpreter: Some(self.option(&options::INTERPRETER_PYTHON, None)?),
            async_dir: self.option(&sh::ASYNC_DIR, None)?,
        })
    }

    fn ssh(&self, transport: Transport) -> Result<ConnectionSettings> {
        let options = &self.run.options;
        let host = match self.first(&["ansible_ssh_host", "ansible_host"])? {
            Some(host) => host,
            // The variable still names the host that the task is of.
            None if self.delegated => self.host.to_owned(),
            None => self.text("inventory_hostname")?.unwrap_or_else(|| self.host.to_owned()),
        };
        let said = |text: &Option<String>| text.as_deref().map(Value::str);
        let port: Option<i64> = self.option(&ssh::PORT, self.fields.port.map(Value::Int))?;
        let password: Option<String> = self.option(&ssh::PASSWORD, None)?;
        let password = password.map(Secret::new).or_else(|| options.connection_password.clone());
        let timeout = options.timeout.map(|t| Value::Int(i64::from(t)));
        Ok(ConnectionSettings {
            transport,
            host,
            port: port.and_then(|p| u16::try_from(p).ok()),
            user: self.option(&ssh::REMOTE_USER, said(&self.fields.remote_user))?,
            password,
            private_key_file: self.option(&ssh::PRIVATE_KEY_FILE, said(&options.private_key))?,
            passphrase: None,
            ssh: SshOptions {
                executable: self.option(&ssh::SSH_EXECUTABLE, None)?,
                args: self.option(&ssh::SSH_ARGS, None)?,
                common_args: self.option(&ssh::SSH_COMMON_ARGS, said(&options.ssh_common_args))?,
                extra_args: self.option(&ssh::SSH_EXTRA_ARGS, said(&options.ssh_extra_args))?,
            },
            host_key_checking: self.option(&ssh::HOST_KEY_CHECKING, None)?,
            timeout: self.option::<i64>(&ssh::TIMEOUT, timeout)?.unsigned_abs(),
            retries: u32::try_from(self.option::<i64>(&ssh::RECONNECTION_RETRIES, None)?)
                .unwrap_or(0),
        })
    }

    fn become_as(&self, connection: &ConnectionSettings) -> Result<Option<Become>> {
        let wanted = match self.variable("ansible_become")? {
            Some(value) => keywords::to_bool(&value)?,
            None => self.fields.r#become,
        };
        if !wanted {
            return Ok(None);
        }
        let method = self
            .text("ansible_become_method")?
            .filter(|m| !m.is_empty())
            .unwrap_or_else(|| self.fields.become_method.clone());
        let method = Method::from_name(&method)?;
        let said = |text: &Option<String>| text.as_deref().map(Value::str);
        let fields = self.fields;
        let (user, exe, flags, pass, prompts) = match method {
            Method::Sudo => (
                self.option(&sudo::BECOME_USER, said(&fields.become_user))?,
                self.option(&sudo::BECOME_EXE, said(&fields.become_exe))?,
                self.option(&sudo::BECOME_FLAGS, said(&fields.become_flags))?,
                self.option(&sudo::BECOME_PASS, None)?,
                Vec::new(),
            ),
            Method::Su => (
                self.option(&su::BECOME_USER, said(&fields.become_user))?,
                self.option(&su::BECOME_EXE, said(&fields.become_exe))?,
                self.option(&su::BECOME_FLAGS, said(&fields.become_flags))?,
                self.option(&su::BECOME_PASS, None)?,
                self.option(&su::PROMPT_L10N, None)?,
            ),
        };
        let password: Option<String> = pass;
        let password =
            password.map(Secret::new).or_else(|| self.run.options.become_password.clone());
        let login = match connection.transport {
            Transport::Local => Some(own_name()),
            _ => connection.user.clone(),
        };
        let allowed: bool = self.option(&options::BECOME_ALLOW_SAME_USER, None)?;
        let same_user = !allowed && login.as_ref() == Some(&user);
        Ok(Some(Become { method, user, password, exe, flags, prompts, same_user }))
    }
}

/// Who runs this, as Python's getpass finds it out.
fn own_name() -> String {
    use vmstation_host::target::Target;
    let named = ["LOGNAME", "USER", "LNAME", "USERNAME"].iter();
    let mut named = named.filter_map(|name| std::env::var(name).ok().filter(|n| !n.is_empty()));
    named.next().unwrap_or_else(|| {
        let mut system = vmstation_host::target::system::System::new();
        let uid = system.euid();
        system.user_by_id(uid).map(|user| user.name).unwrap_or_default()
    })
}
