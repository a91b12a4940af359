//! Hosts where no agent can run: the agent's code works here, in this process, and asks the host's
//! `sh` for everything, over one channel that stays open.

use std::{
    io,
    os::unix::net::UnixStream,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    runtime::Handle,
    sync::{Mutex, oneshot},
    time::Instant,
};
use vmstation_host::{
    agent::{Agent as HostAgent, Machine},
    target::{
        Ran, Target,
        shell::{About, Sh, Shell},
        system::Children,
    },
};

use super::{
    Become,
    escalation::Escalation,
    in_process,
    link::Opened,
    shell::{self, Talk},
    start::nonce,
};
use crate::{
    connection::{Connection, Exit, Output, quote, unreachable},
    diagnostic::{Error, Kind, Result},
};

/// How often a script that runs is looked at for a reason to end it.
const LOOK: Duration = Duration::from_millis(100);

/// Opens a shell on the host and starts an agent for it in this process.
///
/// # Errors
/// As of agents: kind `Unreachable`, or kind `Action` about the escalation.
pub(super) async fn start(
    connection: Arc<dyn Connection>,
    escalate: Option<&Become>,
    timeout: Duration,
) -> Result<Opened> {
    let (hangup, hung_up) = oneshot::channel();
    let (ours, theirs) = UnixStream::pair().map_err(|e| failed(&e))?;
    let line = Line {
        connection,
        escalate: escalate.cloned(),
        timeout,
        runtime: Handle::current(),
        talk: Mutex::default(),
        pid: AtomicU32::new(0),
        hangup: parking_lot::Mutex::new(Some((
            hangup,
            theirs.try_clone().map_err(|e| failed(&e))?,
        ))),
    };
    *line.talk.lock().await = Some(line.open().await?);
    let sh: Arc<dyn Sh> = Arc::new(line);
    let asked = Arc::clone(&sh);
    let about = tokio::task::spawn_blocking(move || About::ask(&*asked))
        .await
        .map_err(|e| Error::new(Kind::Internal, e.to_string()))?
        .map_err(|e| unreachable(e.to_string()))?;
    let machine = BehindShell { sh, about: Arc::new(about) };
    let exit = Box::pin(async {
        let why = hung_up.await;
        Exit::Lost(why.unwrap_or_else(|_| "the host's shell was closed".to_owned()))
    });
    in_process::serve(ours, theirs, |out| HostAgent::of(machine, out), exit).await
}

fn failed(error: &io::Error) -> Error {
    Error::new(Kind::Action, format!("failed to start the agent of a plain shell: {error}"))
}

/// The host, as the agent's requests see it.
struct BehindShell {
    sh: Arc<dyn Sh>,
    about: Arc<About>,
}

impl Machine for BehindShell {
    fn target(
        &self,
        children: &Arc<Children>,
        cwd: Option<std::path::PathBuf>,
        env: Vec<(String, String)>,
    ) -> Box<dyn Target> {
        let shell = Shell::new(Arc::clone(&self.sh), Arc::clone(&self.about), Arc::clone(children));
        Box::new(shell.with_cwd(cwd).with_env(env))
    }

    fn is_here(&self) -> bool {
        false
    }
}

/// A shell of the host: one script after the other, on one channel.
struct Line {
    connection: Arc<dyn Connection>,
    escalate: Option<Become>,
    timeout: Duration,
    runtime: Handle,
    /// Gone after a script that had to be ended; opened again by the next.
    talk: Mutex<Option<Talk>>,
    /// The shell's process, whose group is what it started.
    pid: AtomicU32,
    /// Where it is told that the host is gone: to the one who waits, and to the agent's socket.
    hangup: parking_lot::Mutex<Option<(oneshot::Sender<String>, UnixStream)>>,
}

/// Why a script has no result.
enum Ended {
    Cancelled,
    TooLong,
    Lost(String),
}

impl Line {
    async fn open(&self) -> Result<Talk> {
        let key = nonce()?;
        let token = format!("vmstation-shell-{key}");
        let mut escalation = self.escalate.as_ref().map(|b| Escalation::new(b, &key));
        let inner = format!("/bin/sh -c {}", quote(&format!("echo {token}; exec /bin/sh")));
        let command =
            escalation.as_ref().map_or_else(|| format!("exec {inner}"), |e| e.command(&inner));
        let channel = self.connection.channel(&command, false).await?;
        let mut talk = Talk { channel, output: Output::default() };
        talk.begin(escalation.as_mut(), &token, self.timeout).await?;
        let ran = self.script(&mut talk, "echo $$", &Children::default(), None).await;
        match ran {
            Ok(ran) => {
                self.pid.store(ran.out().trim().parse().unwrap_or(0), Ordering::Relaxed);
                Ok(talk)
            }
            Err(Ended::Lost(why)) => Err(unreachable(why)),
            Err(_) => Err(unreachable("the host's shell does not answer")),
        }
    }

    async fn run(
        &self,
        script: &str,
        children: &Children,
        limit: Option<Duration>,
    ) -> io::Result<Ran> {
        let mut kept = self.talk.lock().await;
        let mut talk = match kept.take() {
            Some(talk) => talk,
            None => match self.open().await {
                Ok(talk) => talk,
                Err(e) => return Err(self.lost(e.message().to_owned())),
            },
        };
        match self.script(&mut talk, script, children, limit).await {
            Ok(ran) => {
                *kept = Some(talk);
                Ok(ran)
            }
            Err(Ended::Lost(why)) => Err(self.lost(why)),
            Err(ended) => {
                self.kill().await;
                if matches!(ended, Ended::TooLong) {
                    return Ok(Ran { rc: -9, timed_out: true, ..Ran::default() });
                }
                Err(io::Error::new(io::ErrorKind::Interrupted, "the call was cancelled"))
            }
        }
    }

    /// Hands a script to the shell and reads what comes until both streams have told of its end.
    async fn script(
        &self,
        talk: &mut Talk,
        script: &str,
        children: &Children,
        limit: Option<Duration>,
    ) -> Result<Ran, Ended> {
        let end = nonce().map_err(|e| Ended::Lost(e.message().to_owned()))?;
        let text = format!(
            "( {script}\n) </dev/null; _r=$?; printf '\\n%s %d\\n' {end} $_r; printf '\\n%s\\n' {end} >&2\n"
        );
        let until = limit.map(|limit| Instant::now() + limit);
        let (mut out, mut err) = (Tail::new(&end), Tail::new(&end));
        let (mut stdout, mut stderr) = (vec![0; 64 * 1024], vec![0; 4096]);
        let mut unsent = text.as_bytes();
        let mut rc = None;
        let mut quiet = false;
        while rc.is_none() || !quiet {
            let channel = &mut talk.channel;
            tokio::select! {
                n = channel.input.write(unsent), if !unsent.is_empty() => match n {
                    Ok(n @ 1..) => {
                        unsent = &unsent[n..];
                        if unsent.is_empty() && channel.input.flush().await.is_err() {
                            return Err(lost(talk).await);
                        }
                    }
                    _ => return Err(lost(talk).await),
                },
                n = channel.output.read(&mut stdout), if rc.is_none() => match n {
                    Ok(n @ 1..) => rc = out.push(&stdout[..n]),
                    _ => return Err(lost(talk).await),
                },
                n = channel.errors.read(&mut stderr), if !quiet => match n {
                    Ok(n @ 1..) => quiet = err.push(&stderr[..n]).is_some(),
                    _ => return Err(lost(talk).await),
                },
                () = tokio::time::sleep(LOOK) => {
                    if children.is_cancelled() {
                        return Err(Ended::Cancelled);
                    }
                    if until.is_some_and(|until| Instant::now() >= until) {
                        return Err(Ended::TooLong);
                    }
                }
            }
        }
        Ok(Ran { rc: rc.unwrap_or(-1), stdout: out.bytes, stderr: err.bytes, timed_out: false })
    }

    /// Ends what the shell has started; its channel is closed already.
    async fn kill(&self) {
        let pid = self.pid.load(Ordering::Relaxed);
        if pid < 2 {
            return;
        }
        let group = format!("$(ps -o pgid= -p {pid} | tr -d ' ')");
        let line = format!("kill -TERM -{group} {pid}; sleep 0.5; kill -KILL -{group} {pid}");
        // If it can't be done, the host is gone, or what ran has ended by itself.
        let _ =
            shell::quietly(&*self.connection, self.escalate.as_ref(), &line, self.timeout).await;
    }

    /// Tells everybody that the host is gone.
    fn lost(&self, why: String) -> io::Error {
        let error = io::Error::new(io::ErrorKind::ConnectionAborted, why.clone());
        if let Some((hangup, socket)) = self.hangup.lock().take() {
            // Who does not wait any more needs no answer.
            let _ = hangup.send(why);
            let _ = socket.shutdown(std::net::Shutdown::Both);
        }
        error
    }
}

impl Sh for Line {
    fn run(&self, script: &str, children: &Children, limit: Option<Duration>) -> io::Result<Ran> {
        self.runtime.block_on(self.run(script, children, limit))
    }
}

async fn lost(talk: &mut Talk) -> Ended {
    let exit = tokio::time::timeout(Duration::from_secs(2), &mut talk.channel.exit).await;
    Ended::Lost(match exit {
        Ok(Exit::Lost(why)) => why,
        Ok(Exit::Code(code)) => format!("the host's shell ended with status {code}"),
        Err(_) => "the host's shell was closed".to_owned(),
    })
}

/// One stream of a script, until the line that tells of its end.
struct Tail<'a> {
    end: &'a str,
    bytes: Vec<u8>,
}

impl<'a> Tail<'a> {
    fn new(end: &'a str) -> Self {
        Self { end, bytes: Vec::new() }
    }

    /// Takes bytes; the number in the last line (0 without one), once that has come.
    fn push(&mut self, more: &[u8]) -> Option<i32> {
        let from = self.bytes.len().saturating_sub(self.end.len() + 16);
        self.bytes.extend_from_slice(more);
        let mark = format!("\n{}", self.end).into_bytes();
        let at = from + self.bytes[from..].windows(mark.len()).position(|w| w == mark)?;
        let rest = &self.bytes[at + mark.len()..];
        let line = &rest[..rest.iter().position(|b| *b == b'\n')?];
        let code = String::from_utf8_lossy(line).trim().parse().unwrap_or(0);
        self.bytes.truncate(at);
        Some(code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_stream_is_found_in_pieces() {
        for size in 1..20 {
            let mut tail = Tail::new("abcd");
            let text = b"one\ntwo\nabc\n\nabcd 17\n";
            let codes: Vec<i32> = text.chunks(size).filter_map(|piece| tail.push(piece)).collect();
            assert_eq!((codes, &tail.bytes[..]), (vec![17], &b"one\ntwo\nabc\n"[..]), "{size}");
        }
    }
}
