//! Ways to a host: bytes in, bytes out. Nothing here knows of tasks, agents or become.
//!
//! A [`Connection`] opens [`Channel`]s: a command at work on the host, with its three streams. What
//! can be built on that (running a command to its end, small files) is built here once.

mod ask;
mod limits;
mod local;
mod openssh;
mod pty;
mod secret;
mod settings;
mod ssh;

use std::{future::Future, pin::Pin, sync::Arc};

pub use local::Local;
pub use secret::Secret;
pub use settings::{ConnectionSettings, SshOptions, Transport};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::diagnostic::{Error, Kind, Result};

/// A future that may move between threads.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A stream to read.
pub type Reader = Box<dyn AsyncRead + Send + Unpin>;

/// A stream to write.
pub type Writer = Box<dyn AsyncWrite + Send + Unpin>;

/// A command at work on the host. Dropping all of it ends the command.
pub struct Channel {
    /// Its standard input; shutting it down is the end of the input.
    pub input: Writer,
    /// Its standard output (with a terminal: all of its output).
    pub output: Reader,
    /// Its standard error.
    pub errors: Reader,
    /// How it ended; ready after the streams have ended.
    pub exit: BoxFuture<'static, Exit>,
}

/// How a command ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exit {
    /// With this status; 128 and the signal's number if a signal ended it.
    Code(i32),
    /// Unknown, because the connection broke; why, in the words of ssh.
    Lost(String),
}

/// What a command that ran to its end gave.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Output {
    /// Its status.
    pub rc: i32,
    /// What it wrote to standard output.
    pub stdout: Vec<u8>,
    /// What it wrote to standard error.
    pub stderr: Vec<u8>,
}

/// A way to one host as one user.
pub trait Connection: Send + Sync {
    /// Starts `command` by the user's login shell (`/bin/sh` on this machine), with a terminal if
    /// asked for.
    fn channel<'a>(&'a self, command: &'a str, terminal: bool) -> BoxFuture<'a, Result<Channel>>;

    /// Whether it can't be used any more.
    fn is_closed(&self) -> bool;

    /// Ends it and all of its channels.
    fn close(&self);

    /// What messages call it: `ssh`, `openssh`, `local`.
    fn transport(&self) -> &'static str;
}

/// Makes the connection that `settings` describe.
///
/// # Errors
/// Kind `Unreachable`, in ansible's words, if the host can't be reached or lets nobody in.
pub async fn open(settings: &ConnectionSettings, log: &Log) -> Result<Arc<dyn Connection>> {
    if settings.transport == Transport::Unsupported {
        let text = format!("the connection plugin '{}' is not supported yet", settings.host);
        return Err(Error::new(Kind::Action, text));
    }
    if settings.transport == Transport::Local {
        return Ok(Arc::new(Local::default()));
    }
    let args = ssh::arguments::arguments(settings)?;
    if settings.transport == Transport::OpenSsh {
        return Ok(Arc::new(openssh::OpenSsh::new(settings, args, settings.host.clone())));
    }
    match ssh::Ssh::open(settings, &args, log).await? {
        ssh::Outcome::Open(ssh) => Ok(ssh),
        ssh::Outcome::Beyond { what, door } => {
            log(1, &settings.host, format!("using the system's ssh for the sake of {what}"));
            Ok(Arc::new(openssh::OpenSsh::new(settings, args, door)))
        }
    }
}

/// Runs a command to its end.
pub async fn exec(connection: &dyn Connection, command: &str, stdin: &[u8]) -> Result<Output> {
    let Channel { mut input, mut output, mut errors, exit } =
        connection.channel(command, false).await?;
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let feed = async {
        // A command that does not read its input is no failure.
        let _ = input.write_all(stdin).await;
        let _ = input.shutdown().await;
        drop(input);
    };
    let (_, out, err) =
        tokio::join!(feed, output.read_to_end(&mut stdout), errors.read_to_end(&mut stderr));
    let streams = out.and(err);
    match (exit.await, streams) {
        (Exit::Code(rc), Ok(_)) => Ok(Output { rc, stdout, stderr }),
        (Exit::Lost(why), _) => Err(unreachable(why)),
        (Exit::Code(_), Err(e)) => Err(unreachable(e.to_string())),
    }
}

/// Writes a small file on the host, whole.
pub async fn put(connection: &dyn Connection, path: &str, content: &[u8]) -> Result<()> {
    let path = quote(path);
    let command = format!("cat >{path}.part && mv -f {path}.part {path}");
    let done = exec(connection, &format!("/bin/sh -c {}", quote(&command)), content).await?;
    succeeded(done, "write a file").map(drop)
}

/// Reads a small file on the host.
pub async fn get(connection: &dyn Connection, path: &str) -> Result<Vec<u8>> {
    let done = exec(connection, &format!("cat {}", quote(path)), b"").await?;
    succeeded(done, "read a file").map(|output| output.stdout)
}

fn succeeded(output: Output, what: &str) -> Result<Output> {
    if output.rc == 0 {
        return Ok(output);
    }
    let why = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(Error::new(Kind::Action, format!("failed to {what} on the host: {why}")))
}

/// The system's words for an error, without Rust's additions.
fn reason(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_owned()
}

/// An error about a host that can't be reached, in ansible's words.
pub fn unreachable(why: impl AsRef<str>) -> Error {
    let why = why.as_ref().trim_end();
    // ansible words a wrong password otherwise.
    let text = if why.starts_with("Invalid/incorrect password") {
        why.to_owned()
    } else {
        format!("Failed to connect to the host via ssh: {why}")
    };
    Error::new(Kind::Unreachable, text)
}

/// A text as one word for `sh` (and, as far as it goes, for other login shells).
pub fn quote(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "@%+=:,./-_".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// Takes remarks on what is done to reach a host: verbosity, host, text.
pub type Log = Arc<dyn Fn(u8, &str, String) + Send + Sync>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_as_python_does() {
        for (text, word) in
            [("a.b-c/d", "a.b-c/d"), ("", "''"), ("a b", "'a b'"), ("it's", r"'it'\''s'")]
        {
            assert_eq!(quote(text), word);
        }
    }
}
