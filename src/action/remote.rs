//! The host's end of a task as actions see it: calls of modules, wherever they run.

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use vmstation_host::{
    call::{Call, travelling},
    files::{AtHand, Content},
    job::Job,
    wire::{Exec, Put},
};

use super::{ActionContext, ActionError, Outcome};
use crate::{
    agent::{CallError, Endpoint},
    connection::{ConnectionSettings, Output, Transport, quote},
    diagnostic::{Error, Kind, Result},
    event::Delegated,
    run::{Fields, TaskResult, Worker},
    template::{Scope, Templar},
    value::{Dict, Value, json},
};

/// A file that travels with a call.
pub struct Attached {
    path: String,
    bytes: Vec<u8>,
}

impl Attached {
    /// A file of these bytes, which arguments name as `path`.
    pub fn bytes(path: &str, bytes: Vec<u8>) -> Self {
        Self { path: path.to_owned(), bytes }
    }
}

/// A script on the host.
pub struct Staged {
    folder: String,
    /// Where it is.
    pub path: String,
}

/// The host that a task runs on. Cheap to clone.
#[derive(Clone)]
pub struct Remote {
    endpoint: Arc<Endpoint>,
}

impl Remote {
    /// Where a task runs: its own host, or the one it is delegated to. Nothing is connected yet.
    ///
    /// # Errors
    /// Connection variables that can't be rendered, or name something that is not there.
    pub fn connect(
        worker: &Worker,
        fields: &Fields,
        templar: &Templar,
        scope: &Arc<dyn Scope>,
    ) -> Result<(Self, Option<Delegated>)> {
        let (endpoint, delegated) = super::endpoint::resolve(worker, fields, templar, scope)?;
        Ok((Self { endpoint: Arc::new(endpoint) }, delegated))
    }

    /// The name of the connection's kind, as variables tell it.
    pub fn transport(&self) -> &'static str {
        match self.endpoint.connection.transport {
            Transport::Local => "local",
            _ => "ssh",
        }
    }

    /// Whether the task runs on the controller itself.
    pub fn is_local(&self) -> bool {
        self.endpoint.connection.transport == Transport::Local
    }

    /// The same host with another limit on connecting.
    #[must_use]
    pub fn with_timeout(&self, limit: Duration) -> Self {
        let mut endpoint = (*self.endpoint).clone();
        endpoint.connection.timeout = limit.as_secs().max(1);
        Self { endpoint: Arc::new(endpoint) }
    }

    /// Whether its modules run as another user.
    pub fn becomes(&self) -> bool {
        self.endpoint.r#become.is_some()
    }

    /// The same host as the user that logs in.
    #[must_use]
    pub fn without_become(&self) -> Self {
        let mut endpoint = (*self.endpoint).clone();
        endpoint.r#become = None;
        Self { endpoint: Arc::new(endpoint) }
    }

    /// The controller itself, in place of another host, as the user that started it.
    #[must_use]
    pub fn controller(other: &Self) -> Self {
        let mut remote = other.without_become();
        Arc::make_mut(&mut remote.endpoint).connection = ConnectionSettings::local();
        remote
    }

    /// Gives up the connection, so that the next call makes a new one.
    pub async fn reset(&self, cx: &ActionContext<'_>) {
        cx.worker.play.run.pool.reset(&self.endpoint).await;
    }

    /// Runs a module; files that its arguments name travel if the host lacks them.
    pub async fn module(
        &self,
        cx: &ActionContext<'_>,
        name: &str,
        args: Dict,
        files: Vec<Attached>,
    ) -> Outcome {
        let (call, at_hand) = self.prepared(cx, name, &args, files)?;
        self.send(cx, call, at_hand).await
    }

    fn prepared(
        &self,
        cx: &ActionContext<'_>,
        name: &str,
        args: &Dict,
        files: Vec<Attached>,
    ) -> Result<(Call, AtHand), ActionError> {
        let mut at_hand = AtHand::default();
        let mut call = self.call(cx, name, args)?;
        for file in files {
            call.files.push(travelling(&file.path, &file.bytes, &mut at_hand));
        }
        Ok((call, at_hand))
    }

    /// Runs the module that a task is about: as a job of its own where the task is asynchronous.
    pub async fn task_module(
        &self,
        cx: &ActionContext<'_>,
        name: &str,
        args: Dict,
        files: Vec<Attached>,
    ) -> Outcome {
        let Ok(limit @ 1..) = u64::try_from(cx.fields.r#async) else {
            return self.module(cx, name, args, files).await;
        };
        let (mut call, at_hand) = self.prepared(cx, name, &args, files)?;
        let number = getrandom::u64().map_err(|e| ActionError::result(e.to_string()))?;
        let id = format!("j{}", number % 1_000_000_000_000);
        call.job = Some(Job { id, dir: self.endpoint.async_dir.clone(), limit });
        let result = self.send(cx, call, at_hand).await?;
        result.data.insert("changed", true);
        Ok(result)
    }

    /// Where files of jobs are, `~` unexpanded.
    pub fn async_dir(&self) -> &str {
        &self.endpoint.async_dir
    }

    /// Hands a line to the host's shell as it is; gives `rc`, `stdout` and `stderr`.
    pub async fn shell(
        &self,
        cx: &ActionContext<'_>,
        line: &str,
        executable: Option<&str>,
    ) -> Outcome {
        let pool = &cx.worker.play.run.pool;
        let basedir = &cx.worker.play.play.basedir;
        let elsewhere = self.is_local()
            && executable.is_none_or(|e| e.ends_with("sh"))
            && std::env::current_dir().is_ok_and(|here| here != *basedir);
        // ansible runs local commands in the playbook's folder.
        let line = match elsewhere {
            true => format!("cd {} && {line}", quote(&basedir.display().to_string())),
            false => line.to_owned(),
        };
        let ran = pool.shell(&self.endpoint, &line, executable).await.map_err(error)?;
        let text = |bytes: &[u8]| Value::unsafe_str(String::from_utf8_lossy(bytes).into_owned());
        let lines = |bytes: &[u8]| -> Value {
            let text = String::from_utf8_lossy(bytes);
            crate::value::text::split_lines(&text, false)
                .into_iter()
                .map(Value::unsafe_str)
                .collect()
        };
        Ok(TaskResult::of([
            ("rc", Value::Int(i64::from(ran.rc))),
            ("stdout", text(&ran.stdout)),
            ("stdout_lines", lines(&ran.stdout)),
            ("stderr", text(&ran.stderr)),
            ("stderr_lines", lines(&ran.stderr)),
        ]))
    }

    /// Puts a script into a folder of its own on the host, for the task's user alone.
    ///
    /// # Errors
    /// A host that can't be reached, or has no room for it.
    pub async fn stage(
        &self,
        cx: &ActionContext<'_>,
        name: &str,
        bytes: Vec<u8>,
    ) -> Result<Staged, ActionError> {
        let agent = cx.worker.play.run.pool.at(&self.endpoint).await?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        // As ansible calls its folders: scripts may show the name that they are called by.
        let prefix = format!("ansible-tmp-{}-{}-", now.as_secs_f64(), std::process::id());
        let folder = agent.make_temp(&self.endpoint.remote_tmp, &prefix).await?;
        let path = format!("{folder}/{name}");
        let put = Put { path: path.clone(), mode: Some(0o700), sha1: None };
        agent.put(put, &Content::Bytes(bytes.into())).await?;
        Ok(Staged { folder, path })
    }

    /// Puts a file beside a staged one, for its user alone; gives its path.
    ///
    /// # Errors
    /// As [`Remote::stage`].
    pub async fn stage_beside(
        &self,
        cx: &ActionContext<'_>,
        staged: &Staged,
        name: &str,
        bytes: Vec<u8>,
    ) -> Result<String, ActionError> {
        let agent = cx.worker.play.run.pool.at(&self.endpoint).await?;
        let put = Put { path: format!("{}/{name}", staged.folder), mode: Some(0o600), sha1: None };
        Ok(agent.put(put, &Content::Bytes(bytes.into())).await?)
    }

    /// Runs a program on the host with the task's environment.
    ///
    /// # Errors
    /// A host that can't be reached, or a program that can't be started.
    pub async fn exec(
        &self,
        cx: &ActionContext<'_>,
        argv: Vec<String>,
    ) -> Result<Output, ActionError> {
        let agent = cx.worker.play.run.pool.at(&self.endpoint).await?;
        let exec = Exec { argv, env: Self::environment(cx), cwd: self.cwd(cx), stdin: None };
        Ok(agent.exec(exec).await?)
    }

    /// The task's variables of the environment.
    fn environment(cx: &ActionContext<'_>) -> Vec<(String, String)> {
        let all = cx.fields.environment.snapshot();
        all.into_iter().map(|(k, v)| (k.value().to_text(), v.to_text())).collect()
    }

    /// ansible runs local modules in the playbook's folder.
    fn cwd(&self, cx: &ActionContext<'_>) -> Option<String> {
        self.is_local().then(|| cx.worker.play.play.basedir.display().to_string())
    }

    /// Removes what [`Remote::stage`] has put.
    pub async fn unstage(&self, cx: &ActionContext<'_>, staged: Staged) {
        if let Ok(agent) = cx.worker.play.run.pool.at(&self.endpoint).await {
            // A folder that stays does no harm, and the script's own result is what counts.
            let _ = agent.remove(vec![staged.folder]).await;
        }
    }

    /// A path with `~` and variables as the host's user knows them.
    ///
    /// # Errors
    /// A host that can't be reached.
    pub async fn expand(&self, cx: &ActionContext<'_>, path: &str) -> Result<String, ActionError> {
        let agent = cx.worker.play.run.pool.at(&self.endpoint).await?;
        let expanded = agent.expand(vec![path.to_owned()]).await?;
        Ok(expanded.into_iter().next().unwrap_or_else(|| path.to_owned()))
    }

    fn call(&self, cx: &ActionContext<'_>, name: &str, args: &Dict) -> Result<Call, ActionError> {
        let args = json::to_json(&Value::Dict(args.clone()))
            .map_err(|e| ActionError::result(e.to_string()))?;
        let mut call = Call::new(name, args);
        call.check = cx.fields.check_mode;
        call.diff = cx.fields.diff;
        call.no_log = cx.fields.no_log;
        call.verbosity = cx.worker.play.run.options.verbosity;
        call.environment = Self::environment(cx);
        call.cwd = self.cwd(cx);
        call.remote_tmp = Some(self.endpoint.remote_tmp.clone());
        call.shell.clone_from(&self.endpoint.shell);
        call.interpreter.clone_from(&self.endpoint.interpreter);
        Ok(call)
    }

    async fn send(&self, cx: &ActionContext<'_>, call: Call, files: AtHand) -> Outcome {
        let pool = &cx.worker.play.run.pool;
        if let Some(user) = removed_user(&call) {
            pool.leave_user(&self.endpoint, &user).await;
        }
        let answer = pool.call(&self.endpoint, call, files).await.map_err(error)?;
        let data = match json::from_json(serde_json::Value::Object(answer), true) {
            Value::Dict(data) => data,
            // An object becomes a dict.
            _ => Dict::new(),
        };
        Ok(with_lines(TaskResult::from_data(data)))
    }
}

/// The user that a call removes: while an agent of ours runs as one, `userdel` refuses.
fn removed_user(call: &Call) -> Option<String> {
    let short = call.module.rsplit('.').next()?;
    let text = |key: &str| call.args.get(key).and_then(|v| v.as_str());
    (short == "user" && text("state") == Some("absent"))
        .then(|| text("name").or_else(|| text("user")).map(str::to_owned))?
}

/// Adds `stdout_lines` and `stderr_lines`, as ansible does for every module.
fn with_lines(result: TaskResult) -> TaskResult {
    for (key, lines) in [("stdout", "stdout_lines"), ("stderr", "stderr_lines")] {
        let Some(Value::Str(text)) = result.data.get(key) else { continue };
        if result.data.contains(lines) {
            continue;
        }
        let split = crate::value::text::split_lines(&text, false);
        result.data.insert(lines, split.into_iter().map(Value::unsafe_str).collect::<Value>());
    }
    result
}

fn error(e: CallError) -> ActionError {
    match e {
        CallError::Unreachable(text) => ActionError::Unreachable(text),
        // An error of the controller, not a result of the host: it says nothing of changes.
        CallError::Failed(text) => ActionError::Error(Error::new(Kind::Action, text)),
    }
}
