//! This machine: commands are children of this process.

use std::{
    os::{fd::OwnedFd, unix::process::ExitStatusExt},
    process::{ExitStatus, Stdio},
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use tokio::{
    process::{Child, Command},
    sync::oneshot,
};

use super::{BoxFuture, Channel, Connection, Exit, pty};
use crate::diagnostic::{Error, Kind, Result};

/// How long a command may go on after everything that talks to it is gone.
const GRACE: Duration = Duration::from_secs(5);

/// This machine.
#[derive(Debug, Default)]
pub struct Local {
    closed: AtomicBool,
}

impl Connection for Local {
    fn channel<'a>(&'a self, command: &'a str, terminal: bool) -> BoxFuture<'a, Result<Channel>> {
        let mut shell = Command::new("/bin/sh");
        shell.arg("-c").arg(command);
        Box::pin(async move { spawn(shell, terminal, true) })
    }

    fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
    }

    fn transport(&self) -> &'static str {
        "local"
    }
}

/// Starts a program on this machine as a channel; as the leader of a process group if asked for.
pub(super) fn spawn(mut program: Command, terminal: bool, leader: bool) -> Result<Channel> {
    let failed = |e: std::io::Error| {
        Error::new(Kind::Action, format!("failed to start a program on this machine: {e}"))
    };
    if leader {
        program.process_group(0);
    }
    if terminal {
        return on_terminal(program).map_err(failed);
    }
    program.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = program.spawn().map_err(failed)?;
    let (Some(input), Some(output), Some(errors)) =
        (child.stdin.take(), child.stdout.take(), child.stderr.take())
    else {
        return Err(failed(std::io::Error::other("its streams are missing")));
    };
    Ok(Channel {
        input: Box::new(input),
        output: Box::new(output),
        errors: Box::new(errors),
        exit: watch(child, leader),
    })
}

fn on_terminal(mut program: Command) -> std::io::Result<Channel> {
    let (terminal, slave) = pty::open()?;
    let stream = |fd: &OwnedFd| fd.try_clone().map(Stdio::from);
    program.stdin(stream(&slave)?).stdout(stream(&slave)?).stderr(Stdio::from(slave));
    let child = program.spawn()?;
    // Its copies of the terminal's other end would keep the terminal open.
    drop(program);
    Ok(Channel {
        input: Box::new(terminal.try_clone()?),
        output: Box::new(terminal),
        errors: Box::new(tokio::io::empty()),
        exit: watch(child, true),
    })
}

/// Waits for a child; ends it, with its process group if it leads one, if nobody wants to know any
/// more.
fn watch(mut child: Child, leader: bool) -> BoxFuture<'static, Exit> {
    let (mut told, exit) = oneshot::channel();
    tokio::spawn(async move {
        tokio::select! {
            status = child.wait() => {
                let exit = status.map_or_else(|e| Exit::Lost(e.to_string()), |s| Exit::Code(code(s)));
                let _ = told.send(exit);
            }
            () = told.closed() => {
                if tokio::time::timeout(GRACE, child.wait()).await.is_err() {
                    if leader {
                        kill_group(&child);
                    }
                    // It may have ended meanwhile, or belong to another user.
                    let _ = child.kill().await;
                }
            }
        }
    });
    Box::pin(async move {
        exit.await.unwrap_or_else(|_| Exit::Lost("the program was abandoned".to_owned()))
    })
}

fn kill_group(child: &Child) {
    let pid = child.id().and_then(|id| rustix::process::Pid::from_raw(id.cast_signed()));
    if let Some(pid) = pid {
        // It may have ended meanwhile, or belong to another user.
        let _ = rustix::process::kill_process_group(pid, rustix::process::Signal::KILL);
    }
}

fn code(status: ExitStatus) -> i32 {
    status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;
    use crate::connection::{Output, exec, get, put};

    #[tokio::test]
    async fn commands_run_to_their_end() {
        let local = Local::default();
        let output = exec(&local, "cat; echo err >&2; exit 3", b"in\n").await.unwrap();
        assert_eq!(output, Output { rc: 3, stdout: b"in\n".to_vec(), stderr: b"err\n".to_vec() });
        let output = exec(&local, "kill -9 $$", &[b'x'; 100_000]).await.unwrap();
        assert_eq!(output.rc, 137);
    }

    #[tokio::test]
    async fn a_terminal_is_one() {
        let mut channel = Local::default()
            .channel("test -t 0 && test -t 1 && stty raw -echo && head -c 3", true)
            .await
            .unwrap();
        let mut output = Vec::new();
        tokio::time::sleep(Duration::from_millis(200)).await;
        channel.input.write_all(b"\0\n\x7f").await.unwrap();
        channel.output.read_to_end(&mut output).await.unwrap();
        assert_eq!((output.as_slice(), channel.exit.await), (&b"\0\n\x7f"[..], Exit::Code(0)));
    }

    #[tokio::test]
    async fn small_files_go_both_ways() {
        let local = Local::default();
        let path = std::env::temp_dir().join(format!("vmstation 'put' {}", std::process::id()));
        let name = path.to_str().unwrap();
        put(&local, name, b"a\0b").await.unwrap();
        assert_eq!(get(&local, name).await.unwrap(), b"a\0b");
        std::fs::remove_file(&path).unwrap();
        assert!(get(&local, name).await.unwrap_err().message().contains("No such file"));
    }
}
