//! The connections and agents of a run: made when first needed, shared, and kept.

use std::{collections::HashMap, sync::Arc, time::Duration};

use parking_lot::Mutex;
use tokio::sync::Mutex as AsyncMutex;
use vmstation_host::{call::Call, data::Map, files::AtHand};

use super::{
    Agent, AgentSettings, Become, CallError, Endpoint, embedded, in_process,
    link::Link,
    plain, shell,
    start::{self, Refusal},
};
use crate::{
    connection::{self, Connection, ConnectionSettings, Log, Output, Transport},
    diagnostic::{Error, Kind, Result},
};

/// What is added to the connection's timeout while a prompt for a password is awaited.
const PROMPT: Duration = Duration::from_secs(2);

/// Connections and agents, each kept for the whole run.
pub struct Pool {
    hosts: Mutex<HashMap<ConnectionSettings, Arc<Host>>>,
    log: Log,
}

/// One way to one host.
#[derive(Default)]
struct Host {
    connection: AsyncMutex<Option<Arc<dyn Connection>>>,
    agents: Mutex<HashMap<AgentKey, Slot>>,
    /// Where the first agent's program lies, for other users.
    known: Mutex<Option<String>>,
}

/// The place of an agent; locked while it is being started, so that it is started once.
type Slot = Arc<AsyncMutex<Option<Agent>>>;

type AgentKey = (AgentSettings, Option<Become>);

impl Pool {
    /// A pool without connections. `log` takes remarks for `-v` and above.
    pub fn new(log: Log) -> Arc<Self> {
        raise_descriptor_limit();
        Arc::new(Self { hosts: Mutex::default(), log })
    }

    /// Runs a module at an endpoint; the result is ansible's dictionary. Dropping the future cancels
    /// the module.
    pub async fn call(&self, at: &Endpoint, call: Call, files: AtHand) -> Result<Map, CallError> {
        Ok(self.at(at).await?.call(call, &files).await?)
    }

    /// Hands a line to the shell at an endpoint, without any agent.
    pub async fn shell(
        &self,
        at: &Endpoint,
        line: &str,
        executable: Option<&str>,
    ) -> Result<Output, CallError> {
        let connection = self.connection(&at.connection).await?;
        let timeout = Duration::from_secs(at.connection.timeout) + PROMPT;
        let executable = executable.or(at.shell.as_deref()).unwrap_or("/bin/sh");
        let escalate = at.escalation();
        Ok(shell::run(&*connection, &at.connection, escalate, executable, line, timeout).await?)
    }

    /// The agent of an endpoint, for what is no module: files, programs, paths.
    pub async fn at(&self, at: &Endpoint) -> Result<Agent> {
        let on_host = AgentSettings { remote_tmp: at.remote_tmp.clone() };
        self.agent(&at.connection, at.escalation(), &on_host).await
    }

    /// Ends the agents that run as a user at an address, so that nothing of ours keeps the user from
    /// being removed.
    pub async fn leave_user(&self, at: &Endpoint, user: &str) {
        let here: Vec<_> = self
            .hosts
            .lock()
            .iter()
            .filter(|(settings, _)| settings.host == at.connection.host)
            .map(|(_, host)| Arc::clone(host))
            .collect();
        for host in here {
            let slots: Vec<Slot> = host
                .agents
                .lock()
                .iter()
                .filter(|((_, escalate), _)| escalate.as_ref().is_some_and(|b| b.user == user))
                .map(|(_, slot)| Arc::clone(slot))
                .collect();
            for slot in slots {
                if let Some(agent) = slot.lock().await.as_ref() {
                    agent.leave(PROMPT).await;
                }
            }
        }
    }

    /// Ends the connection of an endpoint and its agents; the next request makes them anew.
    pub async fn reset(&self, at: &Endpoint) {
        let host = self.hosts.lock().remove(&at.connection);
        if let Some(host) = host {
            host.close().await;
        }
    }

    /// The agent on a host as the connection's user, or as the user to become: at once if it is
    /// there, else connected, put and started first.
    ///
    /// # Errors
    /// Kind `Unreachable` if the host can't be reached; else kind `Action` with ansible's text
    /// (`Incorrect sudo password`, …).
    pub async fn agent(
        &self,
        settings: &ConnectionSettings,
        escalate: Option<&Become>,
        on_host: &AgentSettings,
    ) -> Result<Agent> {
        let host = self.host(settings);
        let key = (on_host.clone(), escalate.cloned());
        let slot = Arc::clone(host.agents.lock().entry(key).or_default());
        let mut slot = slot.lock().await;
        if let Some(agent) = slot.as_ref().filter(|a| !a.is_closed()) {
            return Ok(agent.clone());
        }
        let agent = self.start(&host, settings, escalate, on_host).await?;
        *slot = Some(agent.clone());
        Ok(agent)
    }

    /// The connection to a host, for what needs no agent (`raw`, `wait_for_connection`).
    pub async fn connection(&self, settings: &ConnectionSettings) -> Result<Arc<dyn Connection>> {
        self.connect(&self.host(settings), settings).await
    }

    /// Ends everything.
    pub async fn close(&self) {
        let hosts: Vec<_> = self.hosts.lock().drain().map(|(_, host)| host).collect();
        for host in hosts {
            host.close().await;
        }
    }

    fn host(&self, settings: &ConnectionSettings) -> Arc<Host> {
        Arc::clone(self.hosts.lock().entry(settings.clone()).or_default())
    }

    async fn connect(
        &self,
        host: &Host,
        settings: &ConnectionSettings,
    ) -> Result<Arc<dyn Connection>> {
        let mut kept = host.connection.lock().await;
        if let Some(connection) = kept.as_ref().filter(|c| !c.is_closed()) {
            return Ok(Arc::clone(connection));
        }
        let connection = connection::open(settings, &self.log).await?;
        *kept = Some(Arc::clone(&connection));
        Ok(connection)
    }

    async fn start(
        &self,
        host: &Host,
        settings: &ConnectionSettings,
        escalate: Option<&Become>,
        on_host: &AgentSettings,
    ) -> Result<Agent> {
        if settings.transport == Transport::Local && escalate.is_none() {
            let opened = in_process::start().await?;
            return Ok(Agent::new(Link::open(opened, &settings.host, &self.log)));
        }
        let connection = self.connect(host, settings).await?;
        if let Some(escalate) = escalate {
            (self.log)(3, &settings.host, format!("EXEC {}", escalate.shown()));
        }
        let known = host.known.lock().clone();
        let timeout = Duration::from_secs(settings.timeout) + PROMPT;
        let mut attempt = 0;
        let started = loop {
            let known = known.as_deref();
            let started = start::start(&*connection, escalate, on_host, known, timeout).await;
            match started {
                // Only now does the system's ssh connect.
                Err(Refusal::Error(e))
                    if attempt < settings.retries && may_come_right(&*connection, &e) =>
                {
                    attempt += 1;
                    let pause = 2u64.saturating_pow(attempt - 1).saturating_sub(1).min(30);
                    let text =
                        format!("ssh_retry: attempt: {attempt}, {e}, pausing for {pause} seconds");
                    (self.log)(2, &settings.host, text);
                    tokio::time::sleep(Duration::from_secs(pause)).await;
                }
                started => break started,
            }
        };
        match started {
            Ok(opened) => {
                let agent = Agent::new(Link::open(opened, &settings.host, &self.log));
                if known.is_none() {
                    *host.known.lock() = program_path(&agent, on_host).await;
                }
                Ok(agent)
            }
            Err(Refusal::Error(error)) => Err(error),
            Err(Refusal::NoAgent(why)) => {
                (self.log)(1, &settings.host, format!("working through the host's shell: {why}"));
                let opened = plain::start(connection, escalate, timeout).await?;
                Ok(Agent::new(Link::open(opened, &settings.host, &self.log)))
            }
        }
    }
}

/// Whether a failure to start is one of connecting that another attempt may not meet.
fn may_come_right(connection: &dyn Connection, error: &Error) -> bool {
    connection.transport() == "openssh"
        && error.kind() == Kind::Unreachable
        && !error.message().starts_with("Invalid/incorrect password")
}

/// Where an agent's program lies if it lies in its first place; looked at before it is used.
async fn program_path(agent: &Agent, on_host: &AgentSettings) -> Option<String> {
    let name = embedded::file_name(&agent.hello().machine)?;
    let path = format!("{}/{name}", on_host.remote_tmp);
    agent.expand(vec![path]).await.ok()?.pop()
}

impl Host {
    async fn close(&self) {
        let slots: Vec<Slot> = self.agents.lock().drain().map(|(_, slot)| slot).collect();
        for slot in slots {
            if let Some(agent) = slot.lock().await.take() {
                agent.close();
            }
        }
        if let Some(connection) = self.connection.lock().await.take() {
            connection.close();
        }
    }
}

/// A connection is a descriptor at least: as many as the system allows.
fn raise_descriptor_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current != maximum {
        // With the old limit fewer connections are possible; nothing else changes.
        let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
    }
}
