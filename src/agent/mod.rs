//! The controller's end of agents: put on a host, started there once for each user that is needed,
//! and asked to do things.

mod embedded;
mod escalation;
mod in_process;
mod launcher;
mod link;
mod plain;
mod pool;
mod shell;
mod start;

use std::sync::Arc;

pub use escalation::{Become, Method};
use link::Link;
pub use pool::Pool;
use serde_json::json;
use vmstation_host::{
    call::Call,
    data::{Data, Map},
    files::{AtHand, Content},
    wire::{Exec, Hello, INLINE, Message, Put},
};

use crate::{
    connection::{ConnectionSettings, Output},
    diagnostic::{Error, Kind, Result},
};

/// How an agent is put on a host.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AgentSettings {
    /// `remote_tmp`: where its program lies.
    pub remote_tmp: String,
}

impl Default for AgentSettings {
    fn default() -> Self {
        Self { remote_tmp: "~/.ansible/tmp".into() }
    }
}

/// Where something is to be done, and as whom.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Endpoint {
    /// The way to the host.
    pub connection: ConnectionSettings,
    /// Who to become there.
    pub r#become: Option<Become>,
    /// `remote_tmp`.
    pub remote_tmp: String,
    /// `ansible_shell_executable`.
    pub shell: Option<String>,
    /// `ansible_python_interpreter`.
    pub interpreter: Option<String>,
    /// `async_dir`: where files of jobs are.
    pub async_dir: String,
}

impl Endpoint {
    /// Who has to be become by a program.
    fn escalation(&self) -> Option<&Become> {
        self.r#become.as_ref().filter(|wanted| !wanted.same_user)
    }
}

/// Why a host did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallError {
    /// It could not be reached, or the connection broke.
    Unreachable(String),
    /// Something before the module went wrong (a password).
    Failed(String),
}

impl From<Error> for CallError {
    fn from(error: Error) -> Self {
        let text = error.message().to_owned();
        match error.kind() {
            Kind::Unreachable => Self::Unreachable(text),
            _ => Self::Failed(text),
        }
    }
}

/// A started agent. Cloning gives another handle on the same.
///
/// Any number of requests may be under way; dropping a request's future cancels it on the host.
/// Errors of kind `Unreachable` mean that the connection broke.
#[derive(Clone)]
pub struct Agent {
    link: Arc<Link>,
}

impl Agent {
    fn new(link: Link) -> Self {
        Self { link: Arc::new(link) }
    }

    /// Who and where it is.
    pub fn hello(&self) -> &Hello {
        &self.link.hello
    }

    /// Whether it can't be asked any more.
    pub fn is_closed(&self) -> bool {
        self.link.is_closed()
    }

    fn close(&self) {
        self.link.close();
    }

    async fn leave(&self, patience: std::time::Duration) {
        self.link.leave(patience).await;
    }

    /// Runs a module; the result is ansible's dictionary. `files` holds the content of the call's
    /// travelling files; small ones ride along, large ones are asked for.
    pub async fn call(&self, call: Call, files: &AtHand) -> Result<Map> {
        let inline = call
            .files
            .iter()
            .map(|file| match files.get(&file.sha1) {
                Some(Content::Bytes(bytes)) if file.len <= INLINE => Some(bytes.to_vec()),
                _ => None,
            })
            .collect();
        let message = Message::Call { call: Box::new(call), inline };
        Ok(self.link.request(message)?.answer(files).await?.0)
    }

    /// Runs a program on the host, outside modules.
    pub async fn exec(&self, exec: Exec) -> Result<Output> {
        let (result, mut stdout) =
            self.link.request(Message::Exec(exec))?.answer(&AtHand::default()).await?;
        check(&result)?;
        let length = number(&result, "stdout_len").unwrap_or(0);
        let stderr = stdout.split_off(usize::try_from(length).unwrap_or(0).min(stdout.len()));
        let rc = result.get("rc").and_then(Data::as_i64).unwrap_or(-1);
        Ok(Output { rc: i32::try_from(rc).unwrap_or(-1), stdout, stderr })
    }

    /// Writes a file on the host, whole; gives its path with `~` expanded.
    pub async fn put(&self, put: Put, content: &Content) -> Result<String> {
        let request = self.link.request(Message::Put(put))?;
        request.give(content).await;
        let (result, _) = request.answer(&AtHand::default()).await?;
        text(&result, "path")
    }

    /// Reads a file of the host, handing its pieces to `take` in order; gives its length and
    /// checksum (SHA-1).
    pub async fn fetch(
        &self,
        path: &str,
        mut take: impl FnMut(&[u8]) -> Result<()> + Send,
    ) -> Result<(u64, String)> {
        let mut request = self.link.request(Message::Fetch { path: path.to_owned() })?;
        loop {
            match request.next().await? {
                Message::Piece { bytes, .. } => take(&bytes)?,
                Message::Answer { result, .. } => {
                    check(&result)?;
                    return Ok((number(&result, "len").unwrap_or(0), text(&result, "sha1")?));
                }
                _ => {}
            }
        }
    }

    /// Expands `~` and variables as the agent's user.
    pub async fn expand(&self, texts: Vec<String>) -> Result<Vec<String>> {
        let result = self.ask(Message::Expand { texts }).await?;
        let texts = result.get("texts").and_then(Data::as_array).cloned().unwrap_or_default();
        Ok(texts.iter().filter_map(|t| t.as_str().map(str::to_owned)).collect())
    }

    /// Makes a folder for the agent's user alone in `base` and gives its path.
    pub async fn make_temp(&self, base: &str, prefix: &str) -> Result<String> {
        let message = Message::MakeTemp { base: base.to_owned(), prefix: prefix.to_owned() };
        text(&self.ask(message).await?, "path")
    }

    /// Removes files and whole folders; what is not there is no failure.
    pub async fn remove(&self, paths: Vec<String>) -> Result<()> {
        self.ask(Message::Remove { paths }).await.map(drop)
    }

    async fn ask(&self, message: Message) -> Result<Map> {
        let (result, _) = self.link.request(message)?.answer(&AtHand::default()).await?;
        check(&result)?;
        Ok(result)
    }
}

/// Requests other than calls answer with `error` where they failed.
fn check(result: &Map) -> Result<()> {
    match result.get("error") {
        None => Ok(()),
        Some(error) => {
            let text = error.as_str().map_or_else(|| error.to_string(), str::to_owned);
            let missing = result.get("errno") == Some(&json!(2));
            let kind = if missing { Kind::NotFound } else { Kind::Action };
            Err(Error::new(kind, text))
        }
    }
}

fn number(result: &Map, key: &str) -> Option<u64> {
    result.get(key).and_then(Data::as_u64)
}

fn text(result: &Map, key: &str) -> Result<String> {
    check(result)?;
    let text = result.get(key).and_then(Data::as_str).map(str::to_owned);
    text.ok_or_else(|| Error::new(Kind::Internal, format!("the agent's answer has no `{key}`")))
}

#[cfg(test)]
mod tests;
